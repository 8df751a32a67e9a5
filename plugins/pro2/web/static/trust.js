// What makes us trusted: what proposals would have been by now, and what the account was seen to do.

import { el, name } from "./dom.js";
import { card, itemButton } from "./parts.js";
import { at } from "./when.js";

const WORDS = [
  ["right", "would have been right", "good"],
  ["twice", "would have mailed twice", "failed"],
  ["not_needed", "would not have been needed", "soft"],
  ["unknown", "cannot be known", "person"],
  ["waiting", "not known yet", "soft"],
];

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
      el("span", { class: "soft" }, `${item.rule}, ${item.remedy.replaceAll("_", " ")}`),
      el("p", { class: item.verdict === "mailed twice" ? "failed" : "" }, name(item.why)),
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

/** What the account was seen to do; nothing before the first drill. */
export function capabilities({ trust }) {
  if (!trust?.capabilities.some((one) => one.at)) return null;
  const rows = trust.capabilities.map((one) =>
    el(
      "li",
      { "data-key": one.capability, class: "row" },
      el("div", null, el("span", { class: one.state === "proven" ? "good" : "person" }, one.state), ` ${one.meaning}`, one.evidence && el("p", { class: "soft" }, name(one.evidence))),
      el("div", { class: "side" }, one.at && at(one.at)),
    ),
  );
  return card("What this account was seen to do", "By a drill. What is not proven should stay with a person (docs/rollout.md).", el("ul", { class: "rows" }, ...rows));
}
