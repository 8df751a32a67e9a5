// The picture of one outage: its window, each claim of evidence as a bar, each item as a mark where it was due.
// The table says the same in words, so the picture is one image to a screen reader.

import { svg } from "./dom.js";
import { shortId } from "./parts.js";
import { clockTime, day, local, now, span, zoneName } from "./when.js";

const HOUR = 3600000;
const STEPS = [5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080].map((minutes) => minutes * 60000);
const LEFT = 150;
const RIGHT = 16;
const PITCH = 12; // pixels of one mark
const HIGHEST = 9; // marks above each other; the rest is a number
const BAR = 18;
const AROUND = 6 * HOUR; // how far beyond the window an item may stretch the picture

function reach(outage, items) {
  const end = outage.end ? Date.parse(outage.end) : now();
  const start = Date.parse(outage.start);
  const times = [start, end];
  for (const claim of outage.evidence) times.push(Date.parse(claim.start), claim.end ? Date.parse(claim.end) : end);
  for (const item of items) if (item.due) times.push(Date.parse(item.due));
  const from = Math.max(Math.min(...times), start - AROUND);
  const to = Math.min(Math.max(...times), end + AROUND);
  const air = Math.max((to - from) * 0.03, 60000);
  return { from: from - air, to: to + air, start, end };
}

function axis(range, width) {
  const scale = (width - LEFT - RIGHT) / (range.to - range.from);
  return (moment) => LEFT + Math.min(Math.max(moment - range.from, 0), range.to - range.from) * scale;
}

function ticks(range, width) {
  const most = Math.max(2, Math.floor((width - LEFT) / 90));
  const step = STEPS.find((one) => (range.to - range.from) / one <= most) ?? STEPS.at(-1);
  const found = [];
  for (let at = Math.ceil(range.from / step) * step; at <= range.to; at += step) found.push(at);
  return found;
}

function grid(range, width, x, height) {
  let shown = "";
  return ticks(range, width).map((moment) => {
    const today = day(moment) === shown ? "" : day(moment);
    shown = day(moment);
    return svg(
      "g",
      { "data-key": `tick ${moment}` },
      svg("line", { class: "grid", x1: x(moment), x2: x(moment), y1: 34, y2: height - 6 }),
      svg("text", { class: "tick-time", x: x(moment), y: 28 }, clockTime(moment)),
      today && svg("text", { class: "tick-day", x: x(moment), y: 13 }, today),
    );
  });
}

function bars(outage, range, x, top) {
  const sources = [...new Set(outage.evidence.map((claim) => claim.source))];
  return sources.map((source, row) => {
    const y = top + row * (BAR + 4);
    const claims = outage.evidence.filter((claim) => claim.source === source);
    return svg(
      "g",
      { "data-key": `source ${source}` },
      svg("text", { class: "lane", x: 8, y: y + 13 }, source.length > 22 ? `${source.slice(0, 21)}…` : source, svg("title", null, source)),
      ...claims.map((claim) => {
        const [from, to] = [x(Date.parse(claim.start)), x(claim.end ? Date.parse(claim.end) : range.end)];
        const kind = claim.confirms ? "evidence" : "evidence weak";
        const words = `${source}: ${span(claim.start, claim.end)}${claim.detail ? `, ${claim.detail}` : ""}`;
        return svg("rect", { class: kind, x: from, y: y + 3, width: Math.max(to - from, 3), height: BAR - 6, rx: 3 }, svg("title", null, words));
      }),
    );
  });
}

/** Marks by the column in which they stand, the most urgent lowest. */
function columns(items, words, x) {
  const urgency = Object.keys(words.outcomes);
  const found = new Map();
  for (const item of items) {
    if (!item.due) continue;
    const column = Math.round(x(Date.parse(item.due)) / PITCH);
    if (!found.has(column)) found.set(column, []);
    found.get(column).push(item);
  }
  for (const stack of found.values()) stack.sort((a, b) => urgency.indexOf(a.outcome) - urgency.indexOf(b.outcome));
  return found;
}

function mark(item, words, left, y) {
  const known = words.outcomes[item.outcome] ?? { look: "quiet", label: item.outcome };
  const shape = words.looks[known.look];
  const text = `${item.name} (${shortId(item.item_id)}), due ${local(item.due)}: ${known.label}`;
  return svg(
    "g",
    { class: `mark ${known.look}`, "data-do": "story", "data-item": item.key, "data-key": item.key },
    svg("title", null, text),
    svg("path", { class: shape.hollow ? "ring" : "full", d: shape.path, transform: `translate(${left} ${y})` }),
  );
}

function lane(title, items, words, x, top) {
  const stacks = columns(items, words, x);
  const tallest = Math.min(Math.max(1, ...[...stacks.values()].map((stack) => stack.length)), HIGHEST);
  const height = tallest * PITCH + 18;
  const base = top + height - 8;
  const marks = [];
  for (const [column, stack] of stacks) {
    const shown = stack.length > HIGHEST ? stack.slice(0, HIGHEST - 1) : stack;
    shown.forEach((item, row) => marks.push(mark(item, words, column * PITCH, base - row * PITCH)));
    if (stack.length > shown.length) marks.push(svg("text", { class: "more", x: column * PITCH, y: base - (HIGHEST - 1) * PITCH + 4 }, `+${stack.length - shown.length}`));
  }
  return { height, drawn: svg("g", { "data-key": title }, svg("text", { class: "lane", x: 8, y: base + 4 }, title), svg("line", { class: "base", x1: LEFT, x2: "100%", y1: base + 8, y2: base + 8 }), ...marks) };
}

/** The picture, as wide as there is room; nothing where there is neither evidence nor an item with a time. */
export function timeline(outage, items, words, width = 960) {
  const timed = items.filter((item) => item.due);
  if (!timed.length && !outage.evidence.length) return null;
  const range = reach(outage, timed);
  const x = axis(range, width);
  const evidence = bars(outage, range, x, 44);
  let top = 44 + evidence.length * (BAR + 4);
  const lanes = [];
  for (const [kind, title] of Object.entries(words.groups)) {
    const some = timed.filter((item) => item.kind === kind);
    if (!some.length) continue;
    const { height, drawn } = lane(`${title.split(" ")[0]} (${some.length})`, some, words, x, top);
    lanes.push(drawn);
    top += height;
  }
  const height = top + 10;
  const label = `Timeline of outage ${outage.id}, ${span(outage.start, outage.end)}: ${outage.evidence.length} claims of evidence, ${timed.length} items with a due time. The table lists them.`;
  return svg(
    "svg",
    { class: "timeline", role: "img", "aria-label": label, width, height, viewBox: `0 0 ${width} ${height}` },
    svg("rect", { class: "window", x: x(range.start), y: 34, width: Math.max(x(range.end) - x(range.start), 2), height: height - 40 }),
    ...grid(range, width, x, height),
    svg("text", { class: "lane soft", x: 8, y: 28 }, zoneName(range.start)),
    ...evidence,
    ...lanes,
    !outage.end && svg("line", { class: "now", x1: x(range.end), x2: x(range.end), y1: 34, y2: height - 6 }, svg("title", null, "now")),
  );
}
