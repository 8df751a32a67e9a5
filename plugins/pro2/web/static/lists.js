// The short lists around the items: at risk, due soon, open from before, declared, and alarms.

import { el, name } from "./dom.js";
import { button, card, itemButton, patrons, said, SERVICES, shortId } from "./parts.js";
import { at, local, span, tick } from "./when.js";

const SHOWN = 12; // the rest of a long list opens on demand

function folded(rows, what) {
  const list = (some) => el("ul", { class: "rows" }, ...some);
  if (rows.length <= SHOWN) return list(rows);
  const more = el("details", { "data-key": `more-${what}` }, el("summary", null, `${rows.length - SHOWN} more`), list(rows.slice(SHOWN)));
  return [list(rows.slice(0, SHOWN)), more];
}

function due(item, words, risk) {
  const more = [words.kinds[item.kind], shortId(item.item_id), patrons(item.audience)].filter(Boolean).join(" · ");
  return el(
    "li",
    { "data-key": `${item.key} ${item.due}`, class: "row" },
    el("div", null, itemButton(item.key, item.name), " ", el("span", { class: "soft" }, more), risk && el("p", { class: "risk first-upper" }, name(risk))),
    el("div", { class: "side" }, at(item.due), ", ", tick(item.due, "% ago", "in %")),
  );
}

/** Rows, and the one reason that all of them have, if it is one: it is said once. */
function dueRows(items, words) {
  const reasons = new Set(items.map((item) => item.risk).filter(Boolean));
  const shared = reasons.size === 1 && items.length > 1 ? [...reasons][0] : "";
  return { shared: shared && el("span", { class: "person" }, name(shared), ". "), rows: items.map((item) => due(item, words, item.risk === shared ? "" : item.risk)) };
}

/** Campaigns are known from what detection saw while Pro2 was up. */
function asSeen(board) {
  return board.snapshot_at ? ["Campaigns as detection saw them ", at(board.snapshot_at), "."] : "Detection has not seen any campaigns yet.";
}

/** What may not go out while an outage lasts. */
export function atRisk({ board, words }) {
  const lasts = board.services.some((one) => one.health === "down");
  if (!board.at_risk.length && !lasts) return null;
  const { shared, rows } = dueRows(board.at_risk, words);
  if (!rows.length) return card("At risk now", "", el("p", null, "Nothing was due since it began that this page knows of. ", asSeen(board)));
  return card(`At risk now (${rows.length})`, [shared, "Nothing has to be done yet. ", asSeen(board)], folded(rows, "risk"));
}

/** What is due in the next 24 hours. */
export function upcoming({ board, words }) {
  const { shared, rows } = dueRows(board.upcoming, words);
  if (!rows.length) return card("Due in the next 24 hours", "", el("p", null, "Nothing that this page knows of. ", asSeen(board)));
  return card(`Due in the next 24 hours (${rows.length})`, [shared, asSeen(board)], folded(rows, "due"));
}

/** What is still open: of earlier outages, and of this one when its dag run has reported. */
export function openItems({ board, me, items }) {
  const rows = board.open_items.map((item) =>
    el(
      "li",
      { "data-key": item.key, class: "row" },
      el("div", null, itemButton(item.key, item.name), " ", el("span", { class: "soft" }, item.rule), el("p", null, name(item.reason))),
      el(
        "div",
        { class: "side" },
        el("div", null, "open ", tick(item.opened_at, "for %", "from in %"), ", closes by itself ", tick(item.closes_at)),
        me.acts && button("Close …", "close", { item: item.key, name: item.name }, "small"),
      ),
    ),
  );
  if (!rows.length) return card("Open items", "", el("p", null, "No item of any outage is open."), holds(board, items));
  const hint = "Read again every night. An item closes when Pro2 shows it settled, when somebody closes it, or after 30 days.";
  return card(`Open items (${rows.length})`, hint, folded(rows, "open"), holds(board, items));
}

function holds(board, items) {
  if (!board.holds.length) return null;
  const names = new Map([...(items ?? []), ...board.open_items].map((item) => [item.key, item.name]));
  const rows = board.holds.map((one) => el("li", { "data-key": one.key }, itemButton(one.key, names.get(one.key) ?? one.key), " ", ...said(one.who, one.why, one.at)));
  return el("details", { open: true, "data-key": "holds" }, el("summary", null, `Kept by somebody (${rows.length})`), el("ul", { class: "rows" }, ...rows));
}

/** Outages that people vouch for. */
export function declarations({ board, me }) {
  const rows = board.declarations.map((one) =>
    el(
      "li",
      { "data-key": one.number },
      el("div", { class: "row-head" }, el("b", null, SERVICES[one.service] ?? one.service), el("span", null, span(one.start, one.end))),
      el("div", { class: "soft" }, `Number ${one.number}, by `, ...said(one.who, one.why, one.at)),
      me.acts &&
        el(
          "div",
          { class: "buttons" },
          !one.end && button("It has ended …", "end", { number: one.number }, "small"),
          button("Edit window …", "edit", { number: one.number }, "small"),
          button("Withdraw …", "withdraw", { number: one.number }, "small"),
        ),
    ),
  );
  if (!rows.length) return null;
  return el("details", { class: "inset", "data-key": "declared" }, el("summary", null, `Declared by people (${rows.length})`), el("ul", { class: "rows" }, ...rows));
}

/** What must not have happened. */
export function alarms({ board }) {
  if (!board.alarms.length) return null;
  const rows = board.alarms.map((one) => el("li", { "data-key": `${one.at} ${one.text}` }, el("p", { class: "failed strong" }, name(one.text)), el("span", { class: "soft" }, local(one.at))));
  return card(`Alarms (${rows.length})`, "What must not have happened, and what was left and came to nothing. Look at each in Pro2.", folded(rows, "alarms"));
}
