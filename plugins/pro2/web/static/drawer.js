// The drawer: one item with all that is known of it, what to do, and what may be said about it.

import { pathOf, RECONCILE } from "./airflow.js";
import { read } from "./api.js";
import { el, morph, name } from "./dom.js";
import { button, facts, outcome, patrons, shortId } from "./parts.js";
import { at, tick } from "./when.js";

const SETTLED = new Set(["verified", "none", "closed", "reported"]);
const WAITED = new Set(["watching", "open", "seen"]);
const CLOSABLE = new Set(["needs_human", "stale", "failed", "not now", "open"]);

let box = null;
let shown = { key: "", story: null, trouble: "" };

const logLink = (log, label) => log && el("a", { href: pathOf(log, ""), "data-do": "go" }, label, " ", name(log.label || log.task_id));

function buttons(item, me) {
  if (!me.acts) return el("p", { class: "soft" }, `${me.name} may look only.`);
  const about = { item: item.key, name: item.name };
  const may = [
    WAITED.has(item.outcome) && !item.waived_by && button("Do not wait for this one …", "waive", about),
    item.held_by ? button("Give it back …", "release", { ...about, by: item.held_by }) : !SETTLED.has(item.outcome) && button("I do this one myself …", "hold", about),
    (item.open_since || CLOSABLE.has(item.outcome)) && button("Close …", "close", about),
  ].filter(Boolean);
  return may.length ? el("div", { class: "buttons" }, ...may) : null;
}

function about(item, words) {
  const soon = item.send_by && [at(item.send_by), ", ", tick(item.send_by, "% ago", "in %")];
  return facts([
    ["Kind", `${words.kinds[item.kind] ?? item.kind} ${shortId(item.item_id)}`],
    ["Due", item.due && [at(item.due), ", ", tick(item.due)]],
    ["Audience", patrons(item.audience)],
    ["Pro2 shows", [name(item.observation.replaceAll("_", " ")), item.observed_at && [", read ", at(item.observed_at)]]],
    ["Rule", [item.rule, ...item.via].join(" via ")],
    ["Decision", item.decision.replaceAll("_", " ")],
    ["Reason", name(item.reason)],
    ["Detail", item.detail && name(item.detail)],
    ["Choices", item.choices.join(", ")],
    ["Answer", item.answer && [name(item.answer), ", by ", name(item.answered_by), ", ", at(item.answered_at)]],
    ["Send by", soon],
    ["Kept by", item.held_by && name(item.held_by)],
    ["Not waited for by", item.waived_by && name(item.waived_by)],
    ["Open since", item.open_since && [at(item.open_since), ", ", tick(item.open_since)]],
    ["Copy", item.copy_id && name(item.copy_id)],
    ["Dag run", item.dag_run && el("a", { href: pathOf({ dag_id: RECONCILE, run_id: item.dag_run }), "data-do": "go" }, name(item.dag_run))],
    ["Log", logLink(item.log, "of")],
  ]);
}

function event(one) {
  return el(
    "li",
    { "data-key": `${one.at} ${one.what} ${one.text}` },
    el("div", null, at(one.at), " ", el("b", null, one.what.replaceAll("_", " "))),
    el("p", null, name(one.text)),
    el("div", { class: "soft" }, name(one.who), one.log && [", ", logLink(one.log, "log of")]),
  );
}

function body(view) {
  const { story, trouble, key } = shown;
  const close = el("button", { type: "button", class: "button small close", "data-do": "close-story" }, "Close");
  if (!story) {
    const text = trouble ? el("p", { class: "failed" }, trouble) : el("p", { class: "soft" }, "Reading its story …");
    return [el("header", null, el("h2", { id: "drawer-title" }, name(key)), close), text];
  }
  const { item, events } = story;
  return [
    el("header", null, el("h2", { id: "drawer-title" }, name(item.name || key)), close),
    trouble && el("p", { class: "failed" }, trouble),
    item.alarm && el("p", { class: "failed strong", "data-key": "alarm" }, "Alarm: ", name(item.alarm)),
    el("p", null, outcome(view.words, item.outcome), item.pro2_url && [" · ", el("a", { href: item.pro2_url, "data-do": "outside" }, "Open in Pro2")]),
    buttons(item, view.me),
    item.steps.length > 0 && el("section", { class: "steps", "data-key": "steps" }, el("h3", null, "What to do in Pro2"), el("ol", null, ...item.steps.map((step) => el("li", null, name(step))))),
    about(item, view.words),
    el("h3", null, "Its story"),
    events.length ? el("ol", { class: "story" }, ...events.map(event)) : el("p", { class: "soft" }, "Nothing happened to it yet."),
    el("p", null, el("a", { href: `bundles/${encodeURIComponent(key)}`, download: true }, "Support bundle (zip)"), " with a message to the vendor"),
  ];
}

/** Draw again, after news or when the words are there. */
export function drawDrawer(view) {
  if (box && view.words) morph(box.lastElementChild, ...body(view));
}

/** Read the story again, if a drawer is open. */
export async function refreshDrawer(view) {
  if (!box) return;
  const { key } = shown;
  try {
    const { body: story } = await read(`api/items/${encodeURIComponent(key)}`);
    if (key === shown.key) shown = { key, story, trouble: "" };
  } catch (refused) {
    if (key === shown.key) shown = { ...shown, trouble: refused.message };
  }
  drawDrawer(view);
}

/** Whether it is open. */
export function drawerKey() {
  return box ? shown.key : "";
}

/** Open the drawer of an item. */
export function openDrawer(view, key, closed) {
  if (box) closeDrawer();
  const before = document.activeElement;
  shown = { key, story: null, trouble: "" };
  const parts = [el("div", { class: "told", role: "status" }), el("div", { class: "drawer-body" })];
  box = el("dialog", { class: "drawer", "aria-labelledby": "drawer-title" }, ...parts);
  document.body.append(box);
  box.addEventListener("close", () => {
    box?.remove();
    box = null;
    if (before?.isConnected) before.focus({ preventScroll: true });
    closed();
  });
  box.addEventListener("click", (event) => event.target === box && closeDrawer()); // beside it
  drawDrawer(view);
  box.showModal();
  return refreshDrawer(view);
}

/** Close it. */
export function closeDrawer() {
  box?.close();
}
