// The short lists around the items: at risk, due soon, open from before, declared, and alarms of the guard.

import { el, name } from "./dom.js";
import { button, card, itemButton, patrons, said, SERVICES } from "./parts.js";
import { at, local, span, tick } from "./when.js";

const SHOWN = 12; // the rest of a long list opens on demand

function folded(rows, what) {
  const list = (some) => el("ul", { class: "rows" }, ...some);
  if (rows.length <= SHOWN) return list(rows);
  const more = el("details", { "data-key": `more-${what}` }, el("summary", null, `${rows.length - SHOWN} more`), list(rows.slice(SHOWN)));
  return [list(rows.slice(0, SHOWN)), more];
}

function due(item, words, withRisk) {
  const more = [words.kinds[item.kind], item.item_id, patrons(item.audience)].filter(Boolean).join(" · ");
  return el(
    "li",
    { "data-key": `${item.key} ${item.due}` },
    el("div", { class: "row-head" }, itemButton(item.key, item.name), el("span", { class: "soft" }, more)),
    el("div", { class: "row-when" }, at(item.due), ", ", tick(item.due, "% ago", "in %")),
    item.risk && el("p", { class: `${withRisk} first-upper` }, name(item.risk)),
  );
}

/** Campaigns are known from what detection saw while Pro2 was up. */
function asSeen(board) {
  return board.snapshot_at ? ["Campaigns as detection saw them ", at(board.snapshot_at), "."] : "Detection has not seen any campaigns yet.";
}

/** What may not go out while an outage lasts. */
export function atRisk({ board, words }) {
  const lasts = board.services.some((one) => one.health === "down");
  if (!board.at_risk.length && !lasts) return null;
  const seen = asSeen(board);
  const reasons = [...new Set(board.at_risk.map((item) => item.risk))];
  const rows = board.at_risk.map((item) => due(reasons.length > 1 ? item : { ...item, risk: "" }, words, "risk"));
  if (!rows.length) return card("At risk now", "", el("p", null, "Nothing was due since it began that this page knows of. ", seen));
  return card(`At risk now (${rows.length})`, [reasons.length === 1 && el("span", { class: "person" }, name(reasons[0]), ". "), "Nothing has to be done yet. ", seen], folded(rows, "risk"));
}

/** What is due in the next 24 hours. */
export function upcoming({ board, words }) {
  const rows = board.upcoming.map((item) => due(item, words, "risk"));
  const warned = board.upcoming.some((item) => item.risk) && "Some have a reason to be looked at before they go out. ";
  if (!rows.length) return card("Due in the next 24 hours", "", el("p", null, "Nothing that this page knows of. ", asSeen(board)));
  return card(`Due in the next 24 hours (${rows.length})`, [warned, asSeen(board)], folded(rows, "due"));
}

/** What still needs a person, of earlier outages. */
export function openItems({ board, me }) {
  const rows = board.open_items.map((item) =>
    el(
      "li",
      { "data-key": item.key },
      el("div", { class: "row-head" }, itemButton(item.key, item.name), el("span", { class: "soft" }, item.rule)),
      el("p", null, name(item.reason)),
      el("div", { class: "soft" }, "Open since ", at(item.opened_at), "; closes by itself ", at(item.closes_at), ", ", tick(item.closes_at)),
      me.acts && button("Close …", "close", { key: item.key, name: item.name }, "small"),
    ),
  );
  if (!rows.length) return card("Needs a person", "", el("p", null, "No item of an earlier outage is open."));
  const hint = "Read again every night. An item closes when Pro2 shows it settled, when somebody closes it, or after 30 days.";
  return card(`Needs a person (${rows.length})`, hint, folded(rows, "open"), holds(board));
}

function holds(board) {
  if (!board.holds.length) return null;
  const rows = board.holds.map((one) => el("li", { "data-key": one.key }, itemButton(one.key, one.key), " ", ...said(one.who, one.why, one.at)));
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
  return card(`Alarms of the guard (${rows.length})`, "What must not have happened. Look at each in Pro2.", folded(rows, "alarms"));
}
