// Dialogs that say what will happen, ask what is missing, and stay open with a sentence when it was refused.

import { el, morph } from "./dom.js";

let current = null; // what closes the dialog that is open

function input(field) {
  const common = { id: `field-${field.id}`, name: field.id, required: field.required !== false };
  if (field.type === "select" || field.type === "radio") {
    const chosen = field.value ?? field.options[0][0];
    if (field.type === "select") {
      return el("select", common, ...field.options.map(([value, text]) => el("option", { value, selected: value === chosen }, text)));
    }
    return el(
      "div",
      { class: "radios", role: "radiogroup", "aria-label": field.label },
      ...field.options.map(([value, text]) => el("label", null, el("input", { type: "radio", name: field.id, value, checked: value === chosen }), el("span", null, text))),
    );
  }
  if (field.type === "check") return el("input", { ...common, type: "checkbox", required: false });
  if (field.type === "time") return el("input", { ...common, type: "datetime-local", value: field.value ?? "" });
  return el("textarea", { ...common, rows: 2, maxlength: 900, placeholder: field.placeholder ?? "" });
}

function row(field) {
  const hint = field.hint && el("p", { class: "soft", id: `hint-${field.id}` }, field.hint);
  const made = input(field);
  if (hint) made.setAttribute("aria-describedby", hint.id);
  if (field.type === "check") return el("div", { class: "row" }, el("label", { class: "check" }, made, el("span", null, field.label)), hint);
  const title = field.type === "radio" ? el("span", { class: "label" }, field.label) : el("label", { for: `field-${field.id}` }, field.label);
  return el("div", { class: "row" }, title, made, hint);
}

function values(form, fields) {
  const found = {};
  for (const field of fields) {
    const named = form.elements.namedItem(field.id);
    found[field.id] = field.type === "check" ? named.checked : named.value.trim();
  }
  return found;
}

/** A time that the clocks show twice can only be written with its offset, for which a picker has no place. */
function letTimesBeTyped(form, message) {
  if (!/ happens twice in /.test(message)) return;
  for (const one of form.querySelectorAll("input[type=datetime-local]")) {
    const typed = one.value;
    one.type = "text";
    one.value = typed;
  }
}

/**
 * Open a dialog. `what`: elements that say what will happen; `fields`: what is asked; `label`: the words of the button
 * that does it, `danger` for one that must not be pressed lightly; `act(values)`: does it, and returns the sentence to
 * be told, or throws one, which is shown while the dialog stays. Resolves with the sentence, or null.
 */
export function dialog({ title, what, fields = [], label, danger = false, act }) {
  if (current) return Promise.resolve(null); // one question at a time
  const error = el("p", { class: "failed", role: "alert" });
  const go = el("button", { type: "submit", class: `button ${danger ? "danger" : "primary"}` }, label);
  const cancel = el("button", { type: "button", class: "button" }, "Cancel");
  const form = el("form", { method: "dialog" }, el("h2", { id: "dialog-title" }, title), el("div", { class: "what" }, what), ...fields.map(row), error, el("div", { class: "buttons" }, cancel, go));
  const box = el("dialog", { class: "dialog", "aria-labelledby": "dialog-title" }, form);
  const before = document.activeElement;
  document.body.append(box);
  return new Promise((done) => {
    const close = (sentence) => {
      current = null;
      box.close();
      box.remove();
      if (before?.isConnected) before.focus({ preventScroll: true });
      done(sentence);
    };
    current = close;
    cancel.addEventListener("click", () => close(null));
    box.addEventListener("cancel", (event) => {
      event.preventDefault();
      if (!go.disabled) close(null);
    });
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (go.disabled) return; // a double click is one
      go.disabled = true;
      cancel.disabled = true;
      error.textContent = "";
      go.textContent = "Please wait …";
      try {
        close(await act(values(form, fields)));
      } catch (refused) {
        error.textContent = `${refused.message[0].toUpperCase()}${refused.message.slice(1)}`;
        letTimesBeTyped(form, refused.message);
        go.disabled = false;
        cancel.disabled = false;
        go.textContent = label;
      }
    });
    box.showModal();
    (form.querySelector("textarea, select, input") ?? go).focus();
  });
}

/** Whether a dialog is open. */
export function busy() {
  return current !== null;
}

/** Show a sentence at the top of the page, and of the drawer that may cover it, with a way to put it away. */
export function tell(sentence) {
  for (const place of document.querySelectorAll(".told")) {
    const away = el("button", { type: "button", class: "button small", "data-do": "dismiss" }, "Dismiss");
    morph(place, sentence ? el("div", { class: "notice" }, el("p", null, sentence), away) : null);
  }
}
