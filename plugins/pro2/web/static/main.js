// The page: reads, draws, and does it again every ten seconds while somebody looks.

import { listen, makeActions } from "./actions.js";
import { dags, questions, RECONCILE } from "./airflow.js";
import { read } from "./api.js";
import { closeDrawer, drawDrawer, drawerKey, openDrawer, refreshDrawer } from "./drawer.js";
import { el, morph, name } from "./dom.js";
import { drawItems, filter, moveRow } from "./items.js";
import { alarms, atRisk, openItems, upcoming } from "./lists.js";
import { chosenOutage, outageList, reportLinks } from "./outages.js";
import { card } from "./parts.js";
import { asked, remember as note } from "./place.js";
import { questionCards } from "./question.js";
import { headline, strip } from "./strip.js";
import { followTheme } from "./theme.js";
import { capabilities, shadow } from "./trust.js";
import { local, setClock, tickAll } from "./when.js";

const EVERY = 10000;
const BORDERS = 42; // pixels of a card's borders and padding
const AIRFLOW_EVERY = 6; // the DAGs are looked at every sixth time
const TRUST_EVERY = 30; // what changes once a night

const view = {
  run: asked.get("run") ?? "",
  dag: asked.get("dag") ?? (asked.get("run") ? RECONCILE : ""),
  chosen: asked.get("outage") ?? "",
  board: null,
  items: null,
  itemsOf: "",
  itemsTrouble: "",
  questions: null,
  dags: null,
  trust: null,
  trouble: "",
  width: 960,
};
const section = (id) => document.getElementById(id);
const foreign = view.dag !== "" && view.dag !== RECONCILE;
let round = 0;
let timer = 0;
let reading = null;
let waiting = null;

async function readBoard() {
  const { body } = await read("api/board");
  setClock(body.made_at, body.clock);
  Object.assign(view, { board: body.board, me: body.me, words: body.words, made: body.made_at });
  const known = body.board.outages.map((one) => one.id);
  if (!view.run && !known.includes(view.chosen)) view.chosen = known[0] ?? "";
}

async function readItems() {
  const chosen = view.chosen || "latest"; // before the board says what there is
  const address = view.run ? `api/runs/${encodeURIComponent(view.run)}` : `api/outages/${encodeURIComponent(chosen)}`;
  try {
    const { body } = await read(address);
    if (view.run || [view.chosen, ""].includes(body.outage) || !view.board) Object.assign(view, { items: body.items, itemsOf: body.outage, itemsTrouble: "" });
  } catch (refused) {
    Object.assign(view, { itemsTrouble: refused.message });
  }
}

/** Questions and DAGs; whether there is news. */
async function readAirflow() {
  const before = JSON.stringify([view.questions, view.trouble, view.dags]);
  const [found, all] = await Promise.allSettled([questions(), round % AIRFLOW_EVERY === 1 ? dags() : view.dags]);
  view.questions = found.status === "fulfilled" ? found.value : view.questions;
  view.trouble = found.status === "fulfilled" ? "" : found.reason.message;
  if (all.status === "fulfilled") view.dags = all.value;
  return JSON.stringify([view.questions, view.trouble, view.dags]) !== before;
}

/** Verdicts and capabilities; whether there is news. The page goes on without them. */
async function readTrust() {
  if (view.run || round % TRUST_EVERY !== 1) return false;
  try {
    const { body, changed } = await read("api/trust");
    view.trust = body;
    return changed;
  } catch {
    return false;
  }
}

function offline(refused) {
  const since = view.made ? ` What you see is as of ${local(view.made)}.` : "";
  const locked = refused.status === 401;
  const button = el("button", { type: "button", class: "button small", "data-do": locked ? "log-in" : "retry" }, locked ? "Log in" : "Try again");
  const words = `${refused.message[0].toUpperCase()}${refused.message.slice(1)}.${since}`;
  morph(section("trouble"), el("div", { class: "notice bad" }, el("p", null, words.replace("..", ".")), button));
  if (!view.board) morph(section("top"), el("h1", null, "Outages"), el("p", { class: "soft" }, "Nothing can be shown yet. The sentence above says why."));
  section("page").setAttribute("aria-busy", "false");
}

async function readAll() {
  round += 1;
  const others = readAirflow();
  const trust = readTrust();
  try {
    await Promise.all([readBoard(), readItems()]);
    morph(section("trouble"));
    if (!view.run && view.itemsOf !== view.chosen && view.chosen) await readItems(); // what was asked for is gone
    draw();
  } catch (refused) {
    offline(refused);
    return;
  }
  if (await others) draw();
  if (await trust) draw();
  await refreshDrawer(view);
}

/** Ask the servers now. Whoever asks while they are asked gets an answer that is younger than his question. */
function refresh() {
  window.clearTimeout(timer);
  if (reading) {
    waiting ??= reading.then(() => {
      waiting = null;
      return refresh();
    });
    return waiting;
  }
  reading = readAll().finally(() => {
    reading = null;
    timer = window.setTimeout(() => !document.hidden && refresh(), EVERY);
  });
  return reading;
}

function itemsTitle() {
  if (view.run) return ["Items of dag run ", name(view.run)];
  return "Items";
}

/** What may be taken away: the items of an outage as they stand now, of a dag run what it reported. */
function links() {
  if (view.run) {
    const run = view.board.outages.flatMap((one) => one.runs).find((one) => one.dag_run === view.run);
    return run?.stage === "reported" ? reportLinks(run) : [];
  }
  if (!view.chosen) return [];
  const base = `api/outages/${encodeURIComponent(view.chosen)}/items`;
  return ["CSV", "JSON"].map((kind) => el("a", { href: `${base}.${kind.toLowerCase()}`, download: true }, kind));
}

function draw() {
  if (!view.board) return;
  section("page").setAttribute("aria-busy", "false");
  morph(section("top"), ...headline(view));
  morph(section("strip"), strip(view));
  morph(section("questions"), questionCards(view));
  if (!view.run) {
    morph(section("risk"), atRisk(view));
    morph(section("alarms"), alarms(view));
    morph(section("outages"), outageList(view));
    morph(section("chosen"), chosenOutage(view));
    morph(section("open"), openItems(view));
    morph(section("upcoming"), upcoming(view));
    morph(section("shadow"), shadow(view));
    morph(section("capabilities"), capabilities(view));
  }
  if (view.items && (view.items.length || view.run)) drawItems(section("items"), view.items, view.words, itemsTitle(), links());
  else section("items").hidden = true;
  if (view.itemsTrouble) morph(section("chosen"), card("Items", "", el("p", { class: "person" }, view.itemsTrouble)));
  const { me } = view;
  const may = me.admin ? "may do everything here" : me.acts ? "may do everything here but turn the kill switch and adopt a ledger" : "may look only";
  morph(section("foot"), el("p", null, "You are ", name(me.name), ` and ${may}. Times are those of ${view.board.zone}.`));
  drawDrawer(view);
}

/** Let the picture be as wide as its card. */
function fit(room) {
  const width = Math.max(Math.round(room) - BORDERS, 320);
  if (width === view.width) return;
  view.width = width;
  draw();
}

function remember() {
  const shown = {};
  if (view.run) shown.run = view.run;
  else if (view.chosen && view.chosen !== view.board?.outages[0]?.id) shown.outage = view.chosen;
  if (drawerKey()) shown.item = drawerKey();
  note(shown);
}

function choose(id) {
  if (id === view.chosen) return;
  Object.assign(view, { chosen: id, items: null, itemsOf: "", itemsTrouble: "" });
  Object.assign(filter, { outcome: "", kind: "", search: "" });
  remember();
  draw();
  refresh();
}

function start() {
  followTheme();
  if (foreign) {
    morph(section("top"), el("h1", null, "Outages"), el("p", null, "This tab is about dag runs of reconcile; this one is of ", name(view.dag), ". Open Outages in the navigation."));
    section("page").setAttribute("aria-busy", "false");
    return;
  }
  listen(makeActions({ view, draw, refresh, choose, remember }), (what, value) => {
    filter[what] = value;
    draw();
  });
  document.addEventListener("keydown", (event) => moveRow(event) && event.preventDefault());
  document.addEventListener("visibilitychange", () => !document.hidden && refresh());
  new ResizeObserver(([page]) => fit(page.contentRect.width)).observe(section("chosen"));
  window.setInterval(() => !document.hidden && tickAll(), 1000);
  refresh().then(() => asked.get("item") && !drawerKey() && openDrawer(view, asked.get("item"), remember));
}

start();
window.addEventListener("pagehide", closeDrawer);
