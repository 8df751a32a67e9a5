// Which items are shown, and in which order: plain functions over plain values.

/** The columns of the table: head, and what is sorted by. `by` gives a number or a text; nothing sorts last. */
export const COLUMNS = [
  { id: "outcome", head: "Outcome", by: (item, order) => order.get(item.outcome) ?? order.size },
  { id: "name", head: "Name", by: (item) => item.name.toLowerCase() },
  { id: "kind", head: "Kind", by: (item) => item.kind },
  { id: "due", head: "Due", by: (item) => (item.due ? Date.parse(item.due) : null) },
  { id: "seen", head: "Pro2 shows", by: (item) => item.observation },
  { id: "rule", head: "Rule", by: (item) => rank(item.rule) },
  { id: "decision", head: "Decision", by: (item) => item.decision },
  { id: "patrons", head: "Patrons", by: (item) => item.audience, number: true },
  { id: "who", head: "Who", by: (item) => whose(item) || null },
];

/** "C11" sorts after "C2". */
function rank(rule) {
  const [, letters, digits, rest] = /^(\D*)(\d*)(.*)$/.exec(rule);
  return `${letters}${digits.padStart(4, "0")}${rest}`;
}

/** Who answered, keeps the item, or does not want to wait. */
export function whose(item) {
  return item.held_by || item.answered_by || item.waived_by || "";
}

function compare(a, b) {
  if (a === b) return 0;
  if (a === null || a === undefined) return 1;
  if (b === null || b === undefined) return -1;
  return a < b ? -1 : 1;
}

/** All that a person may search for in an item. */
export function haystack(item) {
  const words = [item.name, item.item_id, item.key, item.rule, item.observation, item.decision, item.reason, item.detail, item.alarm, item.copy_id];
  return [...words, item.dag_run, whose(item)].filter(Boolean).join("\n").toLowerCase();
}

/** The items that pass, sorted. `filter`: `{ outcome, kind, search, sort, descending }`. */
export function sieve(items, filter, words) {
  const order = new Map(Object.keys(words.outcomes).map((value, index) => [value, index]));
  const sought = filter.search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = items.filter((item) => {
    if (filter.outcome && item.outcome !== filter.outcome) return false;
    if (filter.kind && item.kind !== filter.kind) return false;
    const text = sought.length ? haystack(item) : "";
    return sought.every((word) => text.includes(word));
  });
  const { by } = COLUMNS.find((column) => column.id === filter.sort) ?? COLUMNS[0];
  const keyed = found.map((item) => ({ item, value: by(item, order) }));
  keyed.sort((a, b) => {
    const first = compare(a.value, b.value);
    const empty = a.value === null || b.value === null || a.value === undefined || b.value === undefined;
    return (filter.descending && !empty ? -first : first) || compare(a.item.due, b.item.due) || compare(a.item.key, b.item.key);
  });
  return keyed.map((one) => one.item);
}
