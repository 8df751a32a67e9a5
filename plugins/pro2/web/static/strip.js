// The headline, and below it how everything stands: services, guard, detection, kill switch, ledger.

import { el, name } from "./dom.js";
import { button, said } from "./parts.js";
import { SUFFIX } from "./place.js";
import { at, tick } from "./when.js";

const HEALTH = { up: ["●", "verified", "up"], down: ["✖", "failed", "down"], unknown: ["○", "quiet", "not known"] };
const SHORT = { sending: "Sending", dashboard: "Dashboard", tessitura: "Tessitura" };
const DAGS = ["guard_repairs", "detect_outages", "reconcile"].map((id) => id + SUFFIX);

/** The first thing that is read. */
export function headline({ board, made }) {
  return [
    el("p", { class: "eyebrow" }, "Outages of Pro2 for ", name(board.organization)),
    el("h1", { class: "first-upper" }, name(board.headline)),
    el("p", { class: "soft" }, "As of ", at(made), ". This page refreshes itself."),
  ];
}

function light(term, look, glyph, text, ...more) {
  return el(
    "div",
    { class: "light", "data-key": term },
    el("dt", null, term),
    el("dd", null, el("span", { class: look, "aria-hidden": "true" }, `${glyph} `), el("b", null, text), el("div", { class: "soft" }, ...more)),
  );
}

function service(one) {
  const [glyph, look, text] = HEALTH[one.health];
  const since = one.since ? [tick(one.since, "for %", "from in %"), one.why ? ". " : ""] : "";
  return light(SHORT[one.service] ?? one.service, look, glyph, text, since, one.why && name(one.why));
}

function guard(board) {
  if (!board.guard_at) return light("Guard", "failed", "✖", "has never passed", "Nothing is sent without it. Unpause guard_repairs.");
  const ago = tick(board.guard_at, "Passed % ago.", "Passed just now.");
  if (board.guard_ok) return light("Guard", "verified", "●", "watches", ago);
  return light("Guard", "failed", "✖", "is silent", ago, " Nothing is sent until it passes again.");
}

function detection(board) {
  if (!board.detected_at) return light("Detection", "quiet", "○", "has not looked yet", "detect_outages looks every 5 minutes.");
  return light("Detection", "verified", "●", "looks", tick(board.detected_at, "Looked % ago.", "Looked just now."));
}

function killSwitch(board, me, words) {
  const { stage, who, why, at: time } = board.switch;
  const [glyph, look] = stage === "off" ? ["●", "verified"] : ["■", stage === "everything" ? "failed" : "person"];
  const text = words.stages[stage].split(".")[0].toLowerCase();
  const by = time ? ["By ", ...said(who, why, time), ". "] : "Nobody ever turned it. ";
  const turn = me.admin ? button("Turn …", "switch", {}, "small") : "Only an admin of Airflow may turn it.";
  return light("Kill switch", look, glyph, text, by, turn);
}

function ledger(board, me) {
  const { uuid, epoch, adopted_by: who, adopted_at: time, plans_only: refusal } = board.ledger;
  const by = who ? ["Adopted by ", ...said(who, "", time), ". "] : "Nobody adopted it yet. ";
  const which = el("span", { title: `${uuid}, epoch ${epoch}` }, `${uuid.slice(0, 8)}, epoch ${epoch}. `);
  const adopt = me.admin ? button("Adopt …", "adopt", {}, "small") : "Only an admin of Airflow may adopt it.";
  if (!refusal) return light("Ledger", "verified", "●", "may be acted on", by, which);
  return light("Ledger", "person", "▲", "plans only", name(refusal), " ", which, adopt);
}

function paused(dags) {
  const stopped = DAGS.filter((dag) => dags?.[dag]?.is_paused);
  if (!stopped.length) return null;
  const text = `${stopped.join(", ")} ${stopped.length === 1 ? "is" : "are"} paused`;
  const line = light("Airflow", "person", "▲", text, "What is paused does not run, and what is started waits. Unpause it on the list of Dags.");
  line.classList.add("wide");
  return line;
}

/** The strip of lights. */
export function strip({ board, me, words, dags }) {
  return el(
    "dl",
    { class: "strip card", "aria-label": "How everything stands" },
    ...board.services.map(service),
    guard(board),
    detection(board),
    killSwitch(board, me, words),
    ledger(board, me),
    paused(dags),
  );
}
