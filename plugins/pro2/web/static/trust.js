// What makes us trusted: what proposals would have been by now, and what the account was seen to do.

import { el, name } from "./dom.js";
import { card, itemButton } from "./parts.js";
import { at } from "./when.js";

const WORDS = [
  ["right", "would have been right", "verified"],
  ["twice", "would have mailed twice", "failed"],
  ["not_needed", "would not have been needed", "soft"],
  ["unknown", "cannot be known", "person"],
  ["waiting", "not known yet", "soft"],
];

const VERDICTS = { right: "verified", "mailed twice": "failed", "not needed": "soft" };

function ruleRow(rule) {
  const counts = WORDS.filter(([key]) => rule[key]).map(([key, words, look]) => el("span", { class: look }, `${rule[key].toLocaleString("en")} ${words}`));
  const apart = counts.flatMap((one, number) => (number ? [", ", one] : [one]));
  return el("li", { "data-key": rule.rule }, el("b", null, rule.rule), " ", ...apart);
}

function itemRow(item) {
  return el(
    "li",
    { "data-key": `${item.key} ${item.remedy}`, class: "row" },
    el(
      "div",
      null,
      itemButton(item.key, item.name),
      " ",
      el("span", { class: "soft" }, `${item.rule}, ${item.remedy.replaceAll("_", " ")}: `),
      el("span", { class: VERDICTS[item.verdict] ?? "person" }, item.verdict),
      el("p", null, name(item.why)),
      item.setting && el("p", { class: "soft" }, "What would change it: ", name(item.setting)),
    ),
    el("div", { class: "side" }, "proposed ", at(item.proposed_at)),
  );
}

/** What proposals of mode plan would have been, by rule; nothing where none was ever made. */
export function shadow({ trust }) {
  if (!trust?.shadow.rules.length) return null;
  const { rules, items, left_out: more } = trust.shadow;
  const hint = "Proposals of the last 30 days that nobody carried out, compared with what happened afterwards.";
  const list = el(
    "details",
    { "data-key": "shadow" },
    el("summary", null, `Each of them (${items.length + more})`),
    el("ul", { class: "rows" }, ...items.map(itemRow)),
    more > 0 && el("p", { class: "soft" }, `and ${more.toLocaleString("en")} more`),
  );
  return card("Shadow", hint, el("ul", { class: "rows" }, ...rules.map(ruleRow)), items.length > 0 && list);
}

const STATES = { proven: ["✓", "verified"], failed: ["✗", "failed"], withdrawn: ["–", "person"], "not proven": ["○", "person"] };

function capability(one) {
  const [glyph, look] = STATES[one.state];
  return el(
    "li",
    { "data-key": one.capability },
    el("span", { class: `state ${look}` }, el("span", { "aria-hidden": "true", class: "glyph" }, glyph), ` ${one.state}`),
    el("div", null, one.meaning, " ", el("code", null, one.capability), one.evidence && el("p", { class: "soft" }, name(one.evidence), " (", name(one.who), ")")),
    el("div", { class: "side" }, one.at && at(one.at)),
  );
}

function pressedBy(pressed, seen) {
  if (!pressed) return "All of it was seen, so this software presses everything itself.";
  if (!seen) return "Nothing was seen yet, so a person is asked to press every step. A drill shows most of it (docs/rollout.md).";
  return `A person is asked to press: ${pressed}.`;
}

/** What the account was seen to do; what it was not a person presses, and that stands first. */
export function capabilities({ trust }) {
  if (!trust) return null;
  const open = trust.capabilities.filter((one) => one.state !== "proven");
  const proven = trust.capabilities.filter((one) => one.state === "proven");
  const seen = trust.capabilities.some((one) => one.at);
  const folded = (words, some) =>
    some.length > 0 && el("details", { "data-key": words }, el("summary", null, `${words} (${some.length})`), el("ul", { class: "rows seen" }, ...some.map(capability)));
  return card(
    "What this account was seen to do",
    pressedBy(trust.pressed, seen),
    seen && open.length > 0 && el("ul", { class: "rows seen" }, ...open.map(capability)),
    seen && open.length > 0 && el("p", { class: "soft" }, "Once somebody saw it do so: ", el("code", null, 'python -m pro2_reconciliation capabilities accept NAME --why "..."')),
    seen ? folded("Proven", proven) : folded("Not proven", open),
  );
}
