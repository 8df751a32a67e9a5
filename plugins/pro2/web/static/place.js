// What the address says is meant: an outage, an item, a dag run. Airflow hands what stands behind its own address of the
// page not on to the page, so it is read there.

import { around } from "./around.js";

const FRAME = "/plugin/outages";

/** What stands behind our ids in Airflow where there are several organizations, as "__opera"; else nothing. */
export const SUFFIX = new URL(document.baseURI).pathname.match(/\/pro2(__[a-z0-9_-]+)\/$/)?.[1] ?? "";

function frame() {
  const outside = around();
  return outside && outside.location.pathname.includes(FRAME) ? outside : null;
}

function given() {
  const own = new URLSearchParams(window.location.search);
  return own.size ? own : new URLSearchParams(frame()?.location.search ?? "");
}

/** The parameters `outage`, `item`, `run` and `dag`. */
export const asked = given();

/** Let both addresses say what is shown, so that they can be copied. */
export function remember(shown) {
  const text = new URLSearchParams(shown).toString();
  const query = text ? `?${text}` : "";
  window.history.replaceState(null, "", `${window.location.pathname}${query}`);
  const outside = frame();
  outside?.history.replaceState(outside.history.state, "", `${outside.location.pathname}${query}`);
}
