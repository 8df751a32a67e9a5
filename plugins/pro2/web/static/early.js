// Asks for what is shown first, before the rest of the page is there: what it asks for takes longest.

import { asked, SUFFIX } from "./place.js";

const run = asked.get("run");
const items = run ? `api/runs/${encodeURIComponent(run)}` : `api/outages/${encodeURIComponent(asked.get("outage") || "latest")}`;
const ours = !asked.get("dag") || asked.get("dag") === `reconcile${SUFFIX}`;

/** Address to the answer that is on its way, null where it did not come; each is good for one reading. */
export const early = new Map();

for (const address of ours ? ["api/board", items] : []) {
  early.set(address, fetch(address, { credentials: "same-origin", cache: "no-store" }).catch(() => null));
}
