// Sorts a table by the column whose heading is pressed; the page reads as well without it.
for (const hint of document.querySelectorAll(".scripted")) hint.hidden = false;
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  const key = (row, place) => {
    const cell = row.cells[place];
    return cell.dataset.sort ?? cell.textContent;
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
// On paper a folded table is shown.
addEventListener("beforeprint", () => {
  for (const folded of document.querySelectorAll("details.more")) folded.open = true;
});
