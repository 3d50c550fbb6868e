// Shows every failing device: reads the page's own data, filters, sorts, and pages through them.
const source = document.getElementById("device-data");
if (source) {
  const data = JSON.parse(source.textContent);
  const texts = data.texts;
  const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const worth = new Uint8Array(128);
  [...DIGITS].forEach((digit, value) => { worth[digit.charCodeAt(0)] = value; });
  const unpacked = ({ width, digits }) => {
    const numbers = new Uint32Array(digits.length / width);
    for (let row = 0, at = 0; row < numbers.length; row += 1) {
      let number = 0;
      for (const end = at + width; at < end; at += 1) number = number * 64 + worth[digits.charCodeAt(at)];
      numbers[row] = number;
    }
    return numbers;
  };
  const lines = text => (data.rows ? text.split("\n") : []);
  const coded = column => ({ texts: column.texts, codes: unpacked(column.codes) });
  const columns = {
    // What most labels have before their last letters was left out.
    device: lines(data.device).map(label => label.replace("\t", data.head)),
    values: lines(data.values),
    attempts: unpacked(data.attempts),
    last: unpacked(data.last),
  };
  for (const name of ["pbx", "model", "title", "why", "remedy", "actions"]) columns[name] = coded(data[name]);
  const text = (name, row) => columns[name].texts[columns[name].codes[row]];
  const number = value => String(value).replace(/\B(?=(\d{3})+$)/g, data.separator);
  const day = days => {
    if (!days) return "\u2013";
    const [year, month, date] = new Date(days * 86400000).toISOString().slice(0, 10).split("-");
    return data.date.replace("%Y", year).replace("%m", month).replace("%d", date);
  };
  const minute = value => new Date(Number.parseInt(value, 16) * 60000).toISOString().slice(0, 16).replace("T", " ");
  const sentence = (name, row) => {
    const label = columns.device[row];
    const own = columns.values[row].split("\t");
    return text(name, row).replace(/[\u0001-\u0003\u0010-\u001f]/g, mark => {
      const code = mark.charCodeAt(0);
      if (code === 1) return label;
      if (code === 2) return label.slice(label.lastIndexOf(", ") + 1).replace(/^ /, "");
      if (code === 3) return text("pbx", row);
      return code < 24 ? own[code - 16] : minute(own[code - 24]);
    });
  };

  // Mueller and Muller both find Müller; ASCII, the usual case, needs neither.
  const plain = word => word.toLowerCase().replaceAll("ß", "ss").normalize("NFD").replace(/\p{M}/gu, "");
  const spelled = word => plain(word.toLowerCase().replaceAll("ä", "ae").replaceAll("ö", "oe").replaceAll("ü", "ue"));
  const isAscii = word => /^[\x00-\x7f]*$/.test(word);
  const folded = word => {
    if (isAscii(word)) return word.toLowerCase();
    const [one, other] = [plain(word), spelled(word.normalize("NFC"))];
    return one === other ? one : `${one}\n${other}`;
  };
  let prepared = null;
  const prepare = () => {
    if (prepared) return prepared;
    const haystack = columns.device.map((label, row) =>
      folded(columns.values[row] ? `${label}\t${columns.values[row]}` : label));
    const numbers = new Map();
    const deviceCodes = Uint32Array.from(columns.device, label => {
      if (!numbers.has(label)) numbers.set(label, numbers.size);
      return numbers.get(label);
    });
    prepared = { haystack, numbers, deviceCodes };
    return prepared;
  };
  const countDevices = () => {
    if (matches.length === data.rows) return data.devices;
    const { numbers, deviceCodes } = prepare();
    const seen = new Uint8Array(numbers.size);
    for (const row of matches) seen[deviceCodes[row]] = 1;
    if (numbers.has(texts.unnamed)) seen[numbers.get(texts.unnamed)] = 0;
    return seen.reduce((sum, one) => sum + one, 0);
  };
  // A serial may be typed with separators, or as a hardware ID.
  const spellings = term => {
    const hex = term.replace(/[-:.]/g, "");
    const end = /(?:^|-)([0-9a-f]{2})-([0-9a-f]{2})-([0-9a-f]{2})$/.exec(term);
    return [...new Set([term, ...(/^[0-9a-f]{12}$/.test(hex) ? [hex] : []), ...(end ? [end.slice(1).join("")] : [])])];
  };

  const find = document.getElementById("find");
  const least = document.getElementById("least");
  const lists = [...document.querySelectorAll("select[data-filter]")];
  const status = document.getElementById("status");
  const table = document.querySelector("table.devices");
  const heads = [...table.tHead.rows[0].cells];
  const collator = new Intl.Collator(undefined, { numeric: true });
  const orders = {};
  let sorted = { name: null, down: false };
  let matches = Uint32Array.from({ length: data.rows }, (_, row) => row);
  let first = 0;

  const ordered = name => {
    if (!name) return null;
    if (orders[name]) return orders[name];
    const rows = Uint32Array.from({ length: data.rows }, (_, row) => row);
    let rank = columns[name];
    if (name === "device") {
      const { haystack } = prepare();
      orders[name] = rows.sort((a, b) => (haystack[a] < haystack[b] ? -1 : Number(haystack[a] > haystack[b])) || a - b);
      return orders[name];
    }
    if (rank.codes) {
      const place = [...rank.texts.keys()].sort((a, b) => collator.compare(rank.texts[a], rank.texts[b]));
      const at = new Uint32Array(place.length);
      place.forEach((code, position) => { at[code] = position; });
      rank = rank.codes.map(code => at[code]);
    }
    orders[name] = rows.sort((a, b) => rank[a] - rank[b] || a - b);
    return orders[name];
  };

  const chosen = () => {
    const terms = find.value.trim().split(/\s+/).filter(Boolean)
      .map(term => folded(term).split("\n")[0]).map(term => spellings(term));
    const limit = Number(least.value) || 0;
    const codes = lists.filter(list => list.value !== "").map(list => [columns[list.dataset.filter].codes, Number(list.value)]);
    // A term is looked for in the few distinct texts once, and in the row's own text.
    const hits = terms.map(term => ["pbx", "model", "title"].map(name =>
      [columns[name].codes, columns[name].texts.map(word => term.some(form => folded(word).includes(form)))]));
    const haystack = terms.length ? prepare().haystack : [];
    const order = ordered(sorted.name);
    const rows = new Uint32Array(data.rows);
    let count = 0;
    for (let place = 0; place < data.rows; place += 1) {
      const row = order ? order[sorted.down ? data.rows - 1 - place : place] : place;
      if (columns.attempts[row] < limit) continue;
      if (codes.some(([of, code]) => of[row] !== code)) continue;
      if (terms.every((term, at) => hits[at].some(([of, hit]) => hit[of[row]])
        || term.some(form => haystack[row].includes(form)))) {
        rows[count] = row;
        count += 1;
      }
    }
    return rows.subarray(0, count);
  };

  const element = (name, content, properties = {}) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...[content].flat());
    return made;
  };
  const cell = (name, content, className = "") => {
    const made = element("td", content, { className });
    made.dataset.head = texts[name];
    return made;
  };
  // An action that the page does not show is named without a link.
  const action = rank => {
    const name = texts.action.replace("{rank}", number(rank));
    return document.getElementById(`action-${rank}`) ? element("a", name, { href: `#action-${rank}` }) : name;
  };
  const repairedBy = row => {
    const ranks = text("actions", row);
    if (!ranks) return [texts.unrepaired];
    return [texts.repaired, ...ranks.split(", ").flatMap((rank, place) => [place ? ", " : " ", action(rank)])];
  };
  const line = (row, open) => {
    const words = {
      device: columns.device[row],
      pbx: text("pbx", row) || "\u2013",
      model: text("model", row) || "\u2013",
      title: text("title", row),
      attempts: number(columns.attempts[row]),
      last: day(columns.last[row]),
    };
    const reason = element("details", [
      element("summary", texts.open),
      ...["why", "remedy"].map(name => element("p", element("bdi", sentence(name, row)))),
      element("p", repairedBy(row)),
    ], { open });
    return element("tr", [
      ...Object.entries(words).map(([name, word]) =>
        cell(name, element("bdi", word), name === "attempts" || name === "last" ? "number" : "")),
      cell("why", reason, "reason"),
    ]);
  };
  const filled = (template, values) => template.replace(/\{(\w+)\}/g, (_, name) => number(values[name]));
  // A row is a table's line on a desk, and four lines on a phone.
  const pageSize = () => (matchMedia("(max-width: 34rem)").matches ? data.phone : data.size);
  const show = (size = pageSize(), open = false) => {
    const rows = matches.subarray(first, first + size);
    table.tBodies[0].replaceChildren(...Array.from(rows, row => line(row, open)));
    document.getElementById("previous").disabled = first === 0;
    document.getElementById("next").disabled = first + size >= matches.length;
    const values = {
      first: first + 1, last: first + rows.length, rows: matches.length, devices: countDevices(), total: data.total, of: data.rows,
    };
    const words = [matches.length ? filled(texts.status, values) : texts.nobody];
    if (data.total > data.rows) words.push(filled(texts.cut, values));
    if (open && matches.length > size) words.push(filled(texts.printed, { ...values, last: size }));
    status.textContent = words.join(" ");
  };
  const update = () => {
    matches = chosen();
    first = 0;
    show();
  };

  for (const list of lists) {
    const { texts: words, codes } = columns[list.dataset.filter];
    const counts = new Uint32Array(words.length);
    for (const code of codes) counts[code] += 1;
    const order = [...words.keys()].sort((a, b) => collator.compare(words[a], words[b]));
    list.append(...order.map(code =>
      element("option", `${words[code] || "\u2013"} (${number(counts[code])})`, { value: code })));
    list.addEventListener("change", update);
  }
  find.addEventListener("input", update);
  least.addEventListener("input", update);
  const clear = () => {
    find.value = "";
    least.value = "";
    for (const list of lists) list.value = "";
  };
  document.getElementById("clear").addEventListener("click", () => { clear(); update(); find.focus(); });
  document.getElementById("previous").addEventListener("click", () => { first = Math.max(0, first - pageSize()); show(); });
  document.getElementById("next").addEventListener("click", () => { first += pageSize(); show(); });
  for (const head of heads) {
    const name = head.dataset.column;
    if (!name) continue;
    const button = element("button", [...head.childNodes], { type: "button" });
    head.append(button);
    button.addEventListener("click", () => {
      const isNumber = head.classList.contains("number");
      const down = sorted.name === name ? !sorted.down : isNumber;
      sorted = { name, down };
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      update();
    });
  }
  // A cause on the first screen leads to its devices.
  for (const link of document.querySelectorAll("a[data-cause]")) {
    link.addEventListener("click", () => {
      clear();
      const list = lists.find(({ dataset }) => dataset.filter === "title");
      list.value = String(columns.title.texts.indexOf(link.dataset.cause));
      update();
    });
  }
  addEventListener("beforeprint", () => { first = 0; show(data.printed, true); });
  addEventListener("afterprint", () => show());
  show();
  (window.requestIdleCallback || setTimeout)(prepare);
}
