// What a person may say on the page: for each the dialog that says exactly what will happen, and asks for the reason.

import { say } from "./api.js";
import { answer, endOf, RECONCILE, trigger } from "./airflow.js";
import { dialog } from "./dialog.js";
import { el, name } from "./dom.js";
import { SERVICES } from "./parts.js";
import { choicesOf, idOf, meaning } from "./question.js";
import { fieldTime, local, now, span, zoneName } from "./when.js";

const why = (placeholder) => ({ id: "why", label: "Reason", placeholder, hint: "Stands in the ledger with your name, for everybody to read." });
const paragraphs = (...texts) => texts.filter(Boolean).map((text) => el("p", null, text));
const told = (key, text) => el("p", { class: "strong" }, name(text || key));

/** An item: `about` is `{ item, name, by }`, the item by its key. */
export const itemCommands = {
  waive: (about) =>
    dialog({
      title: "Do not wait for this one",
      what: [told(about.item, about.name), ...paragraphs("Its sensor stops waiting at its next look. What Pro2 shows then is what the plan decides on, so you may be asked about it sooner. Nothing is sent because of this.")],
      fields: [why("It will not go out by itself any more")],
      label: "Do not wait",
      act: (given) => say("waive", { item: about.item, ...given }),
    }),
  hold: (about) =>
    dialog({
      title: "I do this one myself",
      what: [told(about.item, about.name), ...paragraphs("Nothing of ours touches it until somebody gives it back: no stop, no copy, no send. A step that is under way is not taken back.")],
      fields: [why("I send it by hand after the show")],
      label: "Keep it",
      act: (given) => say("hold", { item: about.item, ...given }),
    }),
  release: (about) =>
    dialog({
      title: "Give it back",
      what: [told(about.item, about.name), ...paragraphs(about.by && `${about.by} keeps it now.`, "The next plan may offer a repair for it again. Nothing is done before somebody chooses it.")],
      label: "Give it back",
      act: () => say("release", { item: about.item }),
    }),
  close: (about) =>
    dialog({
      title: "Close this item",
      what: [told(about.item, about.name), ...paragraphs("It is taken off the list of what needs a person, and nothing of ours goes on with it. Nothing is changed in Pro2.")],
      fields: [why("Sent by hand, looked right in Pro2")],
      label: "Close it",
      act: (given) => say("close", { item: about.item, ...given }),
    }),
};

function timeField(id, label, value, required = true) {
  return { id, label: `${label} (${zoneName()})`, type: "time", value, required, hint: `On the organization's clock, which shows ${local(now())}.` };
}

/** Say that a service is or was down. */
export function declare() {
  return dialog({
    title: "Declare an outage",
    what: paragraphs("You vouch that a service was down, though no source shows it. The next detection pass takes it up, and when it is over its items are looked at. Nothing is repaired without somebody's choice."),
    fields: [
      { id: "service", label: "Service", type: "select", options: Object.entries(SERVICES) },
      timeField("start", "From", fieldTime(now() - 3600000)),
      { ...timeField("end", "To", "", false), hint: "Leave it empty while it lasts." },
      why("The vendor told us by phone"),
    ],
    label: "Declare",
    act: (given) => say("declare", given),
  });
}

/** A declared outage that lasted is over. */
export function endDeclaration(one) {
  return dialog({
    title: `It has ended: declaration ${one.number}`,
    what: paragraphs(`${SERVICES[one.service]}, ${span(one.start, one.end)}. After it has settled, its items are looked at.`),
    fields: [timeField("at", "Ended at", fieldTime(now()))],
    label: "It has ended",
    act: (given) => say("end_declaration", { number: one.number, ...given }),
  });
}

/** Another window: the new one is declared first, so that at no moment there is none. */
export function editDeclaration(one) {
  return dialog({
    title: `Edit the window of declaration ${one.number}`,
    what: paragraphs(`Now ${span(one.start, one.end)}. The new window is declared, then this declaration is withdrawn. What was planned already stays as it is; the next dag run reads the new window.`),
    fields: [
      timeField("start", "From", fieldTime(Date.parse(one.start))),
      { ...timeField("end", "To", one.end ? fieldTime(Date.parse(one.end)) : "", false), hint: "Leave it empty while it lasts." },
      why("It was over sooner than we thought"),
    ],
    label: "Change the window",
    act: async (given) => {
      const first = await say("declare", { service: one.service, ...given });
      try {
        return `${first}. ${await say("withdraw", { number: one.number })}`;
      } catch (error) {
        throw new Error(`the new window is declared, but the old one could not be withdrawn: ${error.message}. Withdraw declaration ${one.number} by itself`);
      }
    },
  });
}

/** Take a declaration back. */
export function withdraw(one) {
  return dialog({
    title: `Withdraw declaration ${one.number}`,
    what: paragraphs(`${SERVICES[one.service]}, ${span(one.start, one.end)}. What was not begun because of it will not be. What was done already stays done.`),
    label: "Withdraw it",
    danger: true,
    act: () => say("withdraw", { number: one.number }),
  });
}

/** A suspected outage was one. */
export function confirm(one) {
  return dialog({
    title: "It was an outage",
    what: paragraphs(`${SERVICES[one.service]}, ${span(one.start, one.end)}. So far only sources that may be wrong say so, so nothing may be repaired. You vouch for it; the next detection pass goes on, and reconcile may ask what to do.`),
    fields: [why("Two colleagues could not send either")],
    label: "It was one",
    act: (given) => say("confirm", { outage_id: one.id, ...given }),
  });
}

const MODES = [
  ["plan", "Plan. Reads Pro2 and reports; asks nobody and changes nothing"],
  ["ask", "Ask. Reads Pro2, then asks; carries out only what somebody chooses"],
];

/** Start a dag run of reconcile about an outage, through Airflow. */
export function reconcile(one, dags) {
  const paused = dags?.[RECONCILE]?.is_paused;
  return dialog({
    title: "Reconcile this outage",
    what: paragraphs(
      `${SERVICES[one.service]}, ${span(one.start, one.end)}. Airflow starts a dag run of reconcile, which reads everything that was due in it.`,
      !one.end && "It lasts, so the dag run only observes: its mode will be plan, whatever you choose.",
      one.end && !one.confirmed && "It is only suspected, so the dag run only proposes. Confirm it first if you know that it was one.",
      paused && "reconcile is paused in Airflow: the dag run waits until somebody unpauses it.",
    ),
    fields: [
      { id: "mode", label: "Mode", type: "radio", options: MODES },
      { id: "reason", label: "Reason", placeholder: "Second look with the marketing team", hint: "For the report and for colleagues." },
    ],
    label: "Start it",
    act: async ({ mode, reason }) => `Dag run ${await trigger({ outage: one.id, mode, reason }, reason)} of reconcile has started, mode ${mode}`,
  });
}

/** Turn the kill switch. */
export function killSwitch(board, words) {
  return dialog({
    title: "Kill switch",
    what: paragraphs(`It is «${board.switch.stage}» now. It is read before each step, so it holds at once. A request that has left already is not taken back.`),
    fields: [{ id: "stage", label: "Turn it to", type: "radio", value: board.switch.stage, options: Object.entries(words.stages) }, why("Pro2 behaves strangely, we look first")],
    label: "Turn the switch",
    danger: true,
    act: (given) => say("switch", given),
  });
}

/** Vouch for this ledger. */
export function adopt(board) {
  const { uuid, epoch, plans_only: refusal } = board.ledger;
  return dialog({
    title: "Adopt this ledger",
    what: [
      el("p", null, "Ledger ", el("code", null, uuid), `, epoch ${epoch}. `, name(refusal)),
      ...paragraphs("You vouch that this is the newest ledger there is. From then on it may be acted on. Plans made before do not count any more. If an older one is adopted, what was repaired since may be done twice."),
    ],
    fields: [why("First start")],
    label: "Adopt it",
    danger: true,
    act: (given) => say("adopt", { epoch, ...given }),
  });
}

/** Answer one of Airflow's questions. */
export function answerQuestion(question, option) {
  const choices = choicesOf(question);
  const safe = question.defaults?.includes(option) ?? false;
  return dialog({
    title: safe ? "Choose nothing" : "Carry out these choices",
    what: [el("p", { class: "strong" }, name(question.subject)), ...meaning(question, option, choices), el("p", { class: "soft" }, "An answer cannot be changed. Before each step Pro2 is read again: if a thing changed since, nothing is done for it.")],
    label: option,
    act: async () => {
      const { mine, by, at } = await answer(question, option, choices);
      if (!mine) return `Somebody was faster: ${by} answered ${local(at)}, and that answer counts`;
      const end = await endOf(question.task_instance);
      if (end === "failed") return `Airflow kept your answer, but the task that takes it failed: look at the log of ${idOf(question)}`;
      return end ? "Your answer was taken" : "Your answer was taken; its task has not ended yet";
    },
  });
}
