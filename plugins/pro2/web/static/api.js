// Requests to the page's own server. Every failure is an Error whose message is a sentence for a person.

import { early } from "./early.js";

/** What the server refused, or could not be asked. `status` 0: no answer at all. */
export class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

const LONGEST_WAIT = 30000;
const known = new Map(); // address to { etag, body }

async function sentenceOf(answer) {
  try {
    const body = await answer.json();
    const detail = body.detail ?? body.error;
    if (typeof detail === "string") return detail;
    if (Array.isArray(detail)) return detail.map((one) => one.msg ?? JSON.stringify(one)).join("; ");
    if (detail) return detail.message ?? detail.reason ?? JSON.stringify(detail);
  } catch {
    // no JSON: the status has to do
  }
  return `the server answered ${answer.status}`;
}

/** The answer to a question that was asked before the page was there. */
function taken(address) {
  const answer = early.get(address);
  early.delete(address);
  return answer;
}

/** One request; the answer, if it was a good one or one of `also`. */
export async function ask(address, options = {}, also = []) {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), LONGEST_WAIT);
  let answer;
  try {
    answer = (await taken(address)) ?? (await fetch(address, { credentials: "same-origin", cache: "no-store", signal: patience.signal, ...options }));
  } catch {
    const why = patience.signal.aborted ? "did not answer in 30 s" : "cannot be reached";
    throw new Refused(`Airflow's API server ${why}`, 0);
  } finally {
    clearTimeout(timer);
  }
  if (!answer.ok && !also.includes(answer.status)) throw new Refused(await sentenceOf(answer), answer.status);
  return answer;
}

/** The JSON at an address; what is known already is not sent again. `changed` false: it is what it was. */
export async function read(address) {
  const before = known.get(address);
  const headers = before ? { "If-None-Match": before.etag } : {};
  const answer = await ask(address, { headers }, [304]);
  if (answer.status === 304) return { body: before.body, changed: false };
  const body = await answer.json();
  const etag = answer.headers.get("ETag");
  if (etag) known.set(address, { etag, body });
  return { body, changed: true };
}

/** Send JSON; the JSON that comes back. */
export async function send(method, address, body) {
  const headers = { "Content-Type": "application/json" };
  const answer = await ask(address, { method, headers, body: JSON.stringify(body) });
  return answer.json();
}

/** Say a command to the ledger; the sentence that it answers. */
export async function say(command, body) {
  return (await send("POST", `api/commands/${encodeURIComponent(command)}`, body)).said;
}
