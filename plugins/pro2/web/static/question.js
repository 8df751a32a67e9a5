// What waits for an answer: Airflow's own questions, answered here through Airflow's own API, with the same choices and
// the same safe presets. A choice that somebody made is kept while the page refreshes.

import { pathOf } from "./airflow.js";
import { el, name } from "./dom.js";
import { markdown } from "./markdown.js";
import { button, card } from "./parts.js";
import { at, tick } from "./when.js";

/** The identity of a question: its dag run, task and map index. */
export function idOf(question) {
  const task = question.task_instance;
  return `${task.dag_run_id}/${task.task_id}/${task.map_index}`;
}

/** The id of the form's field for an item. */
const fieldId = (question, key) => `choice ${idOf(question)} ${key}`;

/** The name of what is asked about, and what else its title says. */
function title(text) {
  const [first, ...rest] = text.split(" · ");
  return [name(first), rest.length > 0 && el("span", { class: "rest" }, ` · ${rest.join(" · ")}`)];
}

function field(question, key, param, locked) {
  const { schema, value, description } = param;
  const id = fieldId(question, key);
  const facts = description ?? schema.description;
  const common = { id, "data-choice": key, disabled: locked, "aria-describedby": facts ? `${id} facts` : null };
  let input;
  if (schema.enum) {
    const labels = schema.values_display ?? {};
    const options = schema.enum.map((one) => el("option", { value: one, selected: one === value }, labels[one] ?? one));
    input = el("select", { ...common, "data-safe": value }, ...options);
  } else if (schema.type === "boolean") input = el("input", { ...common, type: "checkbox", checked: value === true });
  else input = el("input", { ...common, type: "text", value: value ?? "" });
  return el(
    "div",
    { class: "ask", "data-key": key },
    el("label", { for: id }, ...title(schema.title ?? key)),
    el("div", null, input),
    facts && el("p", { id: `${id} facts`, class: "soft" }, name(facts)),
  );
}

function options(question) {
  const usual = question.defaults?.[0];
  return question.options.map((option) => button(option, "answer", { question: idOf(question), option }, option === usual ? "" : "primary"));
}

function one(question, me) {
  const task = question.task_instance;
  const where = { dag_id: task.dag_id, run_id: task.dag_run_id, task_id: task.task_id, map_index: task.map_index };
  const params = Object.entries(question.params);
  const facts = markdown(question.body);
  return el(
    "article",
    { class: "question", "data-key": idOf(question), "data-question": idOf(question) },
    el("h3", null, name(question.subject)),
    el(
      "p",
      { class: "soft" },
      "Asked ",
      at(question.created_at),
      ", ",
      tick(question.created_at),
      ", by ",
      el("a", { href: pathOf(where, "/required_actions"), "data-do": "go" }, name(`${task.task_id} of ${task.dag_run_id}`)),
    ),
    params.length > 0 ? el("details", { "data-key": "body" }, el("summary", null, "What Pro2 shows, and what will be done"), ...facts) : facts,
    el("div", { class: "asks" }, ...params.map(([key, param]) => field(question, key, param, !me.answers))),
    me.answers
      ? el("div", { class: "buttons" }, ...options(question))
      : el("p", { class: "soft" }, `${me.name} may look, but not answer: that needs the right to answer questions of reconcile.`),
  );
}

/** Every question that waits, `run` only those of one dag run. */
export function questionCards({ questions, trouble, me, run }) {
  if (trouble) return card("Waits for an answer", "", el("p", { class: "person" }, `The questions cannot be read: ${trouble}. Look at Required Actions in Airflow.`));
  if (!questions) return null;
  const mine = questions.filter((question) => !run || question.task_instance.dag_run_id === run);
  if (!mine.length) return card("Waits for an answer", "", el("p", null, "Nothing. When reconcile asks something, it stands here."));
  const hint = "Nothing is done without a choice. Whoever answers first decides; the ledger keeps who it was.";
  return card(`Waits for an answer (${mine.length})`, hint, ...mine.map((question) => one(question, me)));
}

/** What is chosen in a question now, as Airflow takes it. */
export function choicesOf(question) {
  const form = document.querySelector(`[data-question="${CSS.escape(idOf(question))}"]`);
  const found = {};
  for (const input of form?.querySelectorAll("[data-choice]") ?? []) {
    found[input.dataset.choice] = input.type === "checkbox" ? input.checked : input.value;
  }
  return found;
}

/** What pressing `option` means, as lines for a person: how many of which choice, with the names of those that act. */
export function meaning(question, option, choices) {
  const params = Object.entries(question.params);
  if (!params.length) return [el("p", null, "The answer is «", name(option), "».")];
  if (question.defaults?.includes(option)) return [el("p", null, `Nothing is chosen: nothing is done for any of the ${params.length} items.`)];
  const by = new Map();
  for (const [key, param] of params) {
    const chosen = choices[key] ?? param.value;
    if (!by.has(chosen)) by.set(chosen, []);
    by.get(chosen).push({ title: param.schema.title ?? key, safe: chosen === param.value });
  }
  const preset = (items) => items.every((item) => item.safe);
  const sorted = [...by].sort(([, one], [, other]) => preset(one) - preset(other)); // what acts comes first
  const lines = sorted.map(([chosen, items]) =>
    preset(items)
      ? el("li", null, el("b", null, String(chosen)), `: ${items.length} items, as preset. Nothing is done for them.`)
      : el("li", null, el("b", null, String(chosen)), ": ", ...items.flatMap((item, index) => [index ? ", " : "", name(item.title)])),
  );
  return [el("ul", null, ...lines)];
}
