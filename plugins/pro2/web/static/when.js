// Times on the organization's wall clock, in the words of the rest of the package, and lines that tick.

import { el } from "./dom.js";

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const MINUTE = 60000;

let steps = [{ at: 0, minutes: 0, name: "UTC" }];
let skew = 0;

/** Take over the server's clock: its time now, and when which offset begins. */
export function setClock(madeAt, clock) {
  skew = Date.parse(madeAt) - Date.now();
  steps = clock.map((step) => ({ ...step, at: Date.parse(step.at) }));
}

/** Milliseconds of the server's clock. */
export function now() {
  return Date.now() + skew;
}

function stepAt(moment) {
  let found = steps[0];
  for (const step of steps) if (step.at <= moment) found = step;
  return found;
}

function wall(moment) {
  return new Date(moment + stepAt(moment).minutes * MINUTE);
}

const two = (number) => String(number).padStart(2, "0");

/** "CST", of a time or of now. */
export function zoneName(moment = now()) {
  return stepAt(moment).name;
}

/** "18:00". */
export function clockTime(moment) {
  const at = wall(moment);
  return `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`;
}

/** "Thu 19 Nov". */
export function day(moment) {
  const at = wall(moment);
  return `${DAYS[at.getUTCDay()]} ${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]}`;
}

/** "Thu 19 Nov 18:00 CST" of an ISO time or of milliseconds; "" of none. The year where it is not this one. */
export function local(time) {
  if (time === null || time === undefined || time === "") return "";
  const moment = typeof time === "number" ? time : Date.parse(time);
  const year = wall(moment).getUTCFullYear() === wall(now()).getUTCFullYear() ? "" : ` ${wall(moment).getUTCFullYear()}`;
  return `${day(moment)}${year} ${clockTime(moment)} ${zoneName(moment)}`;
}

/** "Thu 19 Nov 18:00-21:05 CST"; "since Thu 19 Nov 18:00 CST" where it lasts. */
export function span(start, end) {
  if (!end) return `since ${local(start)}`;
  const [from, to] = [Date.parse(start), Date.parse(end)];
  if (day(from) !== day(to) || zoneName(from) !== zoneName(to)) return `${local(from)} to ${local(to)}`;
  return `${local(from).replace(/ \S+$/, "")}-${clockTime(to)} ${zoneName(to)}`;
}

/** "2026-11-19T18:00" on the wall clock, as a form's field takes it. */
export function fieldTime(moment) {
  const at = wall(moment);
  return `${at.getUTCFullYear()}-${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())}T${clockTime(moment)}`;
}

/** "1 h 12 min", "34 s", "3 d 4 h" of milliseconds. */
export function lasting(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 100) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return hours % 24 ? `${Math.floor(hours / 24)} d ${hours % 24} h` : `${hours / 24} d`;
}

function distance(moment, past, future) {
  const away = moment - now();
  return away <= 0 ? past.replace("%", lasting(-away)) : future.replace("%", lasting(away));
}

/**
 * A line that ticks. `past` and `future` say where the time stands in it: "% ago", "in %".
 */
export function tick(time, past = "% ago", future = "in %") {
  const moment = Date.parse(time);
  return el(
    "time",
    { class: "tick", datetime: time, title: local(time), "data-past": past, "data-future": future },
    distance(moment, past, future),
  );
}

/** A time in full, the exact one as its machine-readable value. */
export function at(time) {
  return time ? el("time", { datetime: time }, local(time)) : "";
}

/** Let every line tick once. */
export function tickAll() {
  for (const line of document.querySelectorAll("time.tick")) {
    const text = distance(Date.parse(line.dateTime), line.dataset.past, line.dataset.future);
    if (line.textContent !== text) line.textContent = text;
  }
}
