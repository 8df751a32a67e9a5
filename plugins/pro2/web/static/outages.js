// The list of outages, and the one that was chosen: what happens next, its dag runs, evidence and picture.

import { pathOf } from "./airflow.js";
import { el, name } from "./dom.js";
import { declarations } from "./lists.js";
import { button, card, outcome, SERVICES } from "./parts.js";
import { timeline } from "./timeline.js";
import { at, lasting, span, tick } from "./when.js";

const STATES = {
  open: "It lasts",
  ended: "Ended, not settled yet",
  settled: "Settled; detection has started nothing for it",
  planned: "Planned",
  closed: "Closed",
};
const STAGES = {
  begun: "has begun",
  watching: "watches what is not settled",
  planned: "made its plan",
  asked: "waits for an answer",
  acting: "carries out what was chosen",
  reported: "has reported",
};
const SHOWN = 8;

/** Outcomes with their numbers, the most urgent first. */
export function chips(counts, words) {
  const known = Object.keys(words.outcomes).filter((value) => counts[value]);
  const others = Object.keys(counts).filter((value) => !words.outcomes[value]);
  return el("ul", { class: "chips" }, ...[...known, ...others].map((value) => el("li", { "data-key": value }, outcome(words, value, counts[value]))));
}

function state(one) {
  if (one.end === one.start) return "Taken back";
  return [el("span", null, STATES[one.state] ?? one.state), !one.confirmed && el("span", { class: "person" }, ", only suspected")];
}

function entry(one, words, chosen) {
  const mine = one.id === chosen;
  return el(
    "li",
    { "data-key": one.id },
    el(
      "button",
      { type: "button", class: "outage", "data-do": "choose", "data-id": one.id, "aria-current": mine ? "true" : null },
      el("span", { class: "outage-head" }, el("b", null, SERVICES[one.service] ?? one.service), " ", el("span", null, span(one.start, one.end))),
      el("span", { class: "soft" }, one.end ? `${lasting(Date.parse(one.end) - Date.parse(one.start))}. ` : [tick(one.start, "For %.", "In %."), " "], state(one)),
      one.items > 0 && chips(one.counts, words),
    ),
  );
}

/** The list. */
export function outageList(view) {
  const { board, me, words, chosen } = view;
  const tools = me.acts && el("div", { class: "buttons" }, button("Declare an outage …", "declare"));
  if (!board.outages.length) {
    return card("Outages", "", el("p", null, "No outage is known. Detection looks every 5 minutes; if you know of one, declare it."), tools, declarations(view));
  }
  const rows = board.outages.map((one) => entry(one, words, chosen));
  const rest = rows.slice(SHOWN);
  const list = [el("ul", { class: "outages" }, ...rows.slice(0, SHOWN))];
  if (rest.length) list.push(el("details", { "data-key": "older" }, el("summary", null, `${rest.length} earlier`), el("ul", { class: "outages" }, ...rest)));
  return card(`Outages (${board.outages.length})`, "Choose one to see its items.", list, tools, declarations(view));
}

/** The report of a dag run: its files as Airflow serves them; where none could be written, what the ledger kept. */
export function reportLinks(one) {
  const [, file] = /([\w-]+)\.html$/.exec(one.report) ?? [];
  if (!file) return [el("a", { href: `api/reports/${encodeURIComponent(one.dag_run)}`, download: true }, "Report")];
  return [
    el("a", { href: `reports/${file}.html`, "data-do": "outside" }, "Report"),
    ...["CSV", "JSON"].map((kind) => el("a", { href: `reports/${file}.${kind.toLowerCase()}`, download: true }, `Report as ${kind}`)),
  ];
}

function run(one) {
  const path = pathOf({ dag_id: one.dag_id, run_id: one.dag_run });
  return el(
    "li",
    { "data-key": one.dag_run },
    el("a", { href: path, "data-do": "go" }, name(one.dag_run)),
    el("span", { class: "soft" }, ` ${one.mode ? `mode ${one.mode}, ` : ""}${STAGES[one.stage] ?? one.stage}, `, at(one.at)),
    one.plan_hash && el("code", { class: "soft", title: "plan" }, ` ${one.plan_hash.slice(0, 8)}`),
    one.progress && el("p", null, name(one.progress)),
    one.stage === "reported" && el("div", { class: "files" }, ...reportLinks(one), one.report && el("span", { class: "soft" }, "kept at ", name(one.report))),
  );
}

function evidence(claim) {
  const kind = claim.declared ? "declared" : claim.confirms ? "confirms" : "a claim that may be wrong";
  return el("li", { "data-key": `${claim.source} ${claim.key}` }, el("b", null, name(claim.source)), ` (${kind}) `, span(claim.start, claim.end), claim.detail && [": ", name(claim.detail)]);
}

/** The outage that was chosen. */
export function chosenOutage(view) {
  const { board, me, words, items, width } = view;
  const one = board.outages.find((outage) => outage.id === view.chosen);
  if (!one) return null;
  return el(
    "section",
    { class: "card", "data-key": one.id, "aria-labelledby": "chosen-title" },
    el("h2", { id: "chosen-title" }, SERVICES[one.service] ?? one.service, ", ", span(one.start, one.end)),
    el("p", { class: "hint" }, "Outage ", el("code", null, one.id), ". ", state(one), one.end ? "." : [" ", tick(one.start, "for %.", "from in %.")]),
    one.next && el("p", { class: "next first-upper" }, name(one.next), one.until && [" (", tick(one.until), ")"]),
    me.acts &&
      el(
        "div",
        { class: "buttons" },
        button("Reconcile this outage …", "reconcile", { id: one.id }, "primary"),
        !one.confirmed && button("It was one: confirm …", "confirm", { id: one.id }),
      ),
    one.items > 0 ? chips(one.counts, words) : el("p", { class: "soft" }, "No dag run has read its items yet."),
    timeline(one, items ?? [], words, width),
    one.runs.length > 0 &&
      el("details", { "data-key": "runs", open: true }, el("summary", null, `Dag runs (${one.runs.length})`), el("ul", { class: "rows" }, ...one.runs.map(run))),
    one.evidence.length > 0 &&
      el("details", { "data-key": "evidence" }, el("summary", null, `Evidence (${one.evidence.length})`), el("ul", { class: "rows" }, ...one.evidence.map(evidence))),
  );
}
