// The page reads as well without a script: what needs one is hidden until it runs.
for (const part of document.querySelectorAll(".scripted")) part.hidden = false;

// A link to a folded section opens it.
const unfold = () => {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  target.scrollIntoView();
};
addEventListener("hashchange", unfold);
addEventListener("click", ({ target }) => { if (target.closest?.("a[href^='#']")) setTimeout(unfold); });
unfold();

// Sorts a table by the column whose heading is pressed.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  const key = (row, place) => {
    const cell = row.cells[place];
    // A date such as 02.03.2026 is sorted as 2026-03-02.
    return cell.dataset.sort ?? cell.textContent.replace(/^(\d\d)\.(\d\d)\.(\d{4})/, "$3-$2-$1");
  };
  heads.forEach((head, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") !== "descending" && head.classList.contains("number")
        || head.getAttribute("aria-sort") === "ascending";
      heads.forEach(other => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const compare = new Intl.Collator(undefined, { numeric: true }).compare;
      const rows = [...table.tBodies[0].rows].sort((a, b) => compare(key(a, place), key(b, place)));
      table.tBodies[0].append(...(down ? rows.reverse() : rows));
    });
  });
}

// On paper the sections that a reader needs are open, whatever is folded on the screen.
let folded = [];
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details.print:not([open])")];
  for (const section of folded) section.open = true;
});
addEventListener("afterprint", () => {
  for (const section of folded) section.open = false;
});
