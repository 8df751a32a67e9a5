// Airflow around the page: its REST API with the same login, and its own pages for whoever wants to see more.

import { ask, Refused, send } from "./api.js";
import { around } from "./around.js";
import { SUFFIX } from "./place.js";

export const RECONCILE = `reconcile${SUFFIX}`;
const ROOT = new URL("../", document.baseURI); // where Airflow is, whatever path it is served below
const API = new URL("api/v2/", ROOT);
const SETTLE = 5000; // an answer sooner than this after the question makes Airflow 3.3 fail the task
const TRIES = 4;
const PAUSE = 2000;

const part = (text) => encodeURIComponent(text);
const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

async function get(path) {
  return (await ask(new URL(path, API))).json();
}

/** The page's DAGs by id, with what Airflow knows of each. */
export async function dags() {
  const found = await get(`dags?tags=pro2&limit=100&dag_id_pattern=${part(`%${SUFFIX}`)}`);
  return Object.fromEntries(found.dags.map((dag) => [dag.dag_id, dag]));
}

/** Every question of `reconcile` that nobody has answered; those that waited longest first. */
export async function questions() {
  const path = `dags/${RECONCILE}/dagRuns/~/hitlDetails?response_received=false&limit=100&order_by=created_at`;
  const found = await get(`${path}&state=awaiting_input&state=deferred`);
  return found.hitl_details.filter((one) => !one.response_received);
}

/** Start a dag run of `reconcile`; its id. */
export async function trigger(conf, note) {
  const body = { logical_date: null, conf, note: note || null };
  return (await send("POST", new URL(`dags/${RECONCILE}/dagRuns`, API), body)).dag_run_id;
}

function questionPath(task) {
  const run = `dags/${part(task.dag_id)}/dagRuns/${part(task.dag_run_id)}`;
  return `${run}/taskInstances/${part(task.task_id)}/${task.map_index}/hitlDetails`;
}

/**
 * Answer a question. A server that fails may have kept the answer all the same, so it is asked before anything is sent
 * again. `{ mine, by, at }`: whether this answer counts, else who was faster.
 */
export async function answer(question, option, choices) {
  const path = questionPath(question.task_instance);
  const body = { chosen_options: [option], params_input: choices };
  await pause(Math.max(0, Date.parse(question.created_at) + SETTLE - Date.now()));
  let last;
  for (let tried = 0; tried < TRIES; tried += 1) {
    try {
      await send("PATCH", new URL(path, API), body);
      return { mine: true };
    } catch (error) {
      if (!(error instanceof Refused) || (error.status !== 0 && error.status !== 409 && error.status < 500)) throw error;
      last = error;
      const now = await get(path).catch(() => null);
      if (now?.response_received) {
        const same = error.status !== 409 && JSON.stringify(now.params_input) === JSON.stringify(choices);
        return { mine: same, by: now.responded_by_user?.name ?? "somebody", at: now.responded_at };
      }
      if (error.status === 409) throw error;
      await pause(PAUSE);
    }
  }
  throw last;
}

/** How the task of a question ended: "success", "failed", or "" if it has not after a while. */
export async function endOf(task) {
  const path = `dags/${part(task.dag_id)}/dagRuns/${part(task.dag_run_id)}/taskInstances/${part(task.task_id)}`;
  for (let tried = 0; tried < 15; tried += 1) {
    const { state } = await get(task.map_index < 0 ? path : `${path}/${task.map_index}`).catch(() => ({}));
    if (state === "success" || state === "failed") return state;
    await pause(PAUSE);
  }
  return "";
}

/** The path of a dag run, or of one of its tasks, in Airflow's own pages. */
export function pathOf({ dag_id: dag, run_id: run, task_id: task, map_index: index }, tab = "") {
  const mapped = index >= 0 ? `/mapped/${index}` : "";
  const below = task ? `/tasks/${part(task)}${mapped}${tab}` : "";
  return `${ROOT.pathname}dags/${part(dag)}/runs/${part(run)}${below}`;
}

/** Show one of Airflow's own pages: in the window around this one, since a link would nest Airflow in itself. */
export function show(path) {
  const outside = around();
  if (!outside) {
    window.location.assign(path);
    return;
  }
  outside.history.pushState(null, "", path);
  outside.dispatchEvent(new outside.PopStateEvent("popstate", { state: null }));
}

/** Open another site in a tab of its own: from the window around this one, whose frame allows no pop-ups. */
export function openOutside(address) {
  press({ href: address, target: "_blank", rel: "noopener noreferrer" });
}

/** Load the whole window again, so that Airflow asks for the login. */
export function logInAgain() {
  press({ href: (around() ?? window).location.href });
}

/** Press a link in the window around this one. */
function press(attributes) {
  const place = (around() ?? window).document;
  const link = Object.assign(place.createElement("a"), attributes);
  place.body.append(link);
  link.click();
  link.remove();
}
