// The table of items. Of a thousand rows the first screenful is made at once, and the next ones when somebody comes near
// them; later only what changed is made anew, so that focus and scroll stay.

import { pathOf } from "./airflow.js";
import { el, morph, name } from "./dom.js";
import { button, outcome, shortId } from "./parts.js";
import { COLUMNS, sieve, whose } from "./sieve.js";
import { at } from "./when.js";

const FIRST = 60;
const CHUNK = 150;

const made = new Map(); // key to { text, row }
let wanted = []; // the items that pass, in order
let reach = FIRST; // so many of them have rows
let named = null; // the words of the last drawing
let focused = ""; // the key of the row that Tab reaches

export const filter = { outcome: "", kind: "", search: "", sort: "outcome", descending: false };

function cells(item, words) {
  const open = el("button", { type: "button", class: "link", "data-do": "story", "data-item": item.key, tabindex: "-1" }, name(item.name || item.item_id));
  const note = [item.held_by && "kept", item.waived_by && "not waited for"].filter(Boolean).join(", ");
  return [
    el("td", null, outcome(words, item.outcome), item.alarm && el("div", { class: "failed strong", title: item.alarm }, "alarm"), note && el("div", { class: "soft" }, note)),
    el("th", { scope: "row" }, open, el("div", { class: "soft id" }, name(shortId(item.item_id)), item.copy_id && [", copy ", name(item.copy_id)])),
    el("td", null, words.kinds[item.kind] ?? item.kind),
    el("td", { class: "nowrap" }, item.due ? at(item.due) : "–"),
    el("td", null, name(item.observation.replaceAll("_", " "))),
    el("td", { class: "nowrap", title: item.reason }, [item.rule, ...item.via].join(" "), item.log && el("div", null, logLink(item.log))),
    el("td", null, item.decision.replaceAll("_", " "), item.answer && el("div", { class: "soft" }, `chosen: ${item.answer}`)),
    el("td", { class: "number" }, item.audience === null ? "–" : item.audience.toLocaleString("en")),
    el("td", null, whose(item) ? name(whose(item)) : "–"),
  ];
}

/** To the log of the task that knew most of an item. Tab passes it by: with the keyboard it is reached in the item's story. */
function logLink(log) {
  const label = `log of ${log.label || log.task_id}`;
  return el("a", { href: pathOf(log), "data-do": "go", class: "soft", tabindex: "-1", title: label, "aria-label": label }, "log");
}

function rowOf(item, words) {
  const text = JSON.stringify(item);
  const known = made.get(item.key);
  if (known?.text === text) return known.row;
  const row = known?.row ?? el("tr", { "data-row": item.key });
  if (known) morph(row, ...cells(item, words));
  else row.append(...cells(item, words));
  made.set(item.key, { text, row });
  return row;
}

function head() {
  return el(
    "tr",
    null,
    ...COLUMNS.map(({ id, head: title, number }) => {
      const mine = filter.sort === id;
      const direction = mine ? (filter.descending ? "descending" : "ascending") : "none";
      const sort = button(title, "sort", { column: id }, "sort");
      sort.append(el("span", { "aria-hidden": "true", class: "arrow" }, mine ? (filter.descending ? " ▼" : " ▲") : ""));
      return el("th", { scope: "col", "aria-sort": direction, class: number ? "number" : null }, sort);
    }),
  );
}

function choice(id, label, values, chosen, shown) {
  const options = values.map(([value, text]) => el("option", { value, selected: value === chosen }, text));
  return el("label", { class: "field" }, el("span", null, label), el("select", { id, "data-change": shown }, ...options));
}

function tools(items, words, title, links) {
  const count = (key, value) => items.filter((item) => item[key] === value).length;
  const outcomes = Object.entries(words.outcomes).filter(([value]) => count("outcome", value) || value === filter.outcome);
  const kinds = Object.entries(words.kinds).filter(([value]) => count("kind", value) || value === filter.kind);
  return [
    el("h2", { id: "items-title" }, title),
    el(
      "div",
      { class: "tools" },
      choice("by-outcome", "Outcome", [["", "all"], ...outcomes.map(([value, { label }]) => [value, `${label} (${count("outcome", value)})`])], filter.outcome, "outcome"),
      choice("by-kind", "Kind", [["", "all"], ...kinds.map(([value, label]) => [value, `${label} (${count("kind", value)})`])], filter.kind, "kind"),
      el("label", { class: "field grow" }, el("span", null, "Search"), el("input", { id: "search", type: "search", "data-change": "search", placeholder: "name, id, rule, reason", autocomplete: "off" })),
      el("p", { id: "shown", class: "soft", role: "status" }),
      el("div", { class: "links" }, ...links),
    ),
  ];
}

function frame(section) {
  if (section.querySelector("table")) return;
  const columns = el("colgroup", null, ...COLUMNS.map(({ id }) => el("col", { class: `col-${id}` })));
  const table = el("table", { class: "items", "aria-labelledby": "items-title" }, columns, el("thead"), el("tbody"));
  const end = el("div", { class: "end", "aria-hidden": "true" });
  const scroll = el("div", { class: "scroll", id: "rows" }, table, end);
  section.append(el("div", { id: "tools" }), scroll, el("p", { id: "none", class: "soft" }));
  const near = new IntersectionObserver(([seen]) => seen.isIntersecting && further(reach + CHUNK), { root: scroll, rootMargin: "800px" });
  near.observe(end);
}

/** Draw the table into `section`. `links`: what may be taken away, as elements. */
export function drawItems(section, items, words, title, links) {
  frame(section);
  section.hidden = false;
  morph(section.querySelector("#tools"), ...tools(items, words, title, links));
  const search = section.querySelector("#search");
  if (search !== document.activeElement && search.value !== filter.search) search.value = filter.search;
  morph(section.querySelector("thead"), head());
  const found = sieve(items, filter, words);
  const shown = found.length === items.length ? `${items.length} items` : `${found.length} of ${items.length} items`;
  section.querySelector("#shown").textContent = shown;
  section.querySelector("#none").textContent = found.length ? "" : items.length ? "No item fits. Clear the search and the filters." : "No item was touched.";
  const keys = new Set(items.map((item) => item.key));
  for (const key of made.keys()) if (!keys.has(key)) made.delete(key);
  section.querySelector("table").setAttribute("aria-rowcount", found.length + 1);
  [wanted, named] = [found, words];
  place(section.querySelector("tbody"));
}

/** Put the rows that belong there, moving as few as possible. */
function place(body) {
  const shown = wanted.slice(0, reach);
  const active = document.activeElement?.closest?.("tr[data-row]")?.dataset.row;
  if (!shown.some((item) => item.key === focused)) focused = shown[0]?.key ?? "";
  const keys = new Set(shown.map((item) => item.key));
  for (const row of [...body.rows]) if (!keys.has(row.dataset.row)) row.remove();
  let next = body.firstChild; // where the next row belongs
  shown.forEach((item, index) => {
    const row = rowOf(item, named);
    if (row === next) next = next.nextSibling;
    else body.insertBefore(row, next);
    row.setAttribute("aria-rowindex", index + 2);
    reachable(row, item.key === focused);
  });
  body.dataset.of = wanted.length;
  if (active && document.activeElement === document.body) rowButton(made.get(active)?.row)?.focus({ preventScroll: true });
}

/** Let the table reach further. */
function further(rows) {
  if (reach >= wanted.length) return;
  reach = rows;
  place(document.querySelector("#rows tbody"));
}

const rowButton = (row) => row?.querySelector("button.link");

function reachable(row, yes) {
  const target = rowButton(row);
  const value = yes ? "0" : "-1";
  if (target && target.getAttribute("tabindex") !== value) target.setAttribute("tabindex", value);
}

/** Arrow keys, Home, End and the page keys move between rows. True: the key was ours. */
export function moveRow(event) {
  const row = event.target.closest?.("tr[data-row]");
  if (!row) return false;
  if (event.key === "End") further(wanted.length);
  const rows = [...row.parentElement.rows];
  const place = rows.indexOf(row);
  const to = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: rows.length - 1, PageDown: place + 10, PageUp: place - 10 }[event.key];
  if (to === undefined) return false;
  const next = rows[Math.min(Math.max(to, 0), rows.length - 1)];
  reachable(row, false);
  reachable(next, true);
  focused = next.dataset.row;
  rowButton(next).focus();
  next.scrollIntoView({ block: "nearest" });
  return true;
}
