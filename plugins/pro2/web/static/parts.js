// Small pieces that several sections share.

import { el, name } from "./dom.js";
import { at } from "./when.js";

export const SERVICES = {
  sending: "Sending (ActiveCampaign)",
  dashboard: "Integrated Dashboard",
  tessitura: "Tessitura",
};

/** A button that `actions.js` acts upon: `what` names the action, `data` is what it is about. */
export function button(label, what, data = {}, kind = "") {
  const about = Object.entries(data).map(([key, value]) => [`data-${key}`, value]);
  return el("button", { type: "button", class: `button ${kind}`.trim(), "data-do": what, ...Object.fromEntries(about) }, label);
}

/** A section with a heading; `hint` is one sentence below it. */
export function card(title, hint, ...children) {
  const id = `title-${title.toLowerCase().replace(/[^a-z]+/g, "-")}`;
  return el(
    "section",
    { class: "card", "aria-labelledby": id },
    el("h2", { id }, title),
    hint && el("p", { class: "hint first-upper" }, hint),
    ...children,
  );
}

/** Glyph and words of an outcome, in its colour. */
export function outcome(words, value, count) {
  const known = words.outcomes[value] ?? { label: value, look: "quiet", glyph: "▪" };
  return el(
    "span",
    { class: `outcome ${known.look}` },
    el("span", { "aria-hidden": "true", class: "glyph" }, known.glyph),
    ` ${known.label}`,
    count !== undefined && el("b", null, ` ${count.toLocaleString("en")}`),
  );
}

/** The name of an item as a button that opens its story. */
export function itemButton(key, text) {
  const made = button(name(text || key), "story", { item: key }, "link");
  made.setAttribute("title", key);
  return made;
}

/** An item's id without the due time in UTC that a job's has: the time stands beside it on the organization's clock. */
export function shortId(id) {
  return id.replace(/@[^+]*/, "");
}

/** "about 1,200 patrons" or nothing. */
export function patrons(audience) {
  return audience === null || audience === undefined ? "" : `${audience.toLocaleString("en")} patrons`;
}

/** Terms and what is said of them; a term without anything is left out. */
export function facts(pairs, attributes = { class: "facts" }) {
  const said = pairs.filter(([, value]) => value !== "" && value !== null && value !== undefined && value !== false);
  return el("dl", attributes, ...said.map(([term, value]) => el("div", null, el("dt", null, term), el("dd", null, value))));
}

/** Who said it, why and when, as one line. */
export function said(who, why, time) {
  return [name(who), why ? [": ", name(why)] : "", time ? [", ", at(time)] : ""];
}
