// What a click does: `data-do` of a button or link names the action, its other data say what it is about.

import { logInAgain, openOutside, show } from "./airflow.js";
import * as commands from "./commands.js";
import { tell } from "./dialog.js";
import { closeDrawer, openDrawer } from "./drawer.js";
import { filter } from "./items.js";
import { idOf } from "./question.js";

const NUMBERS = new Set(["patrons", "due"]); // first click: the largest, the latest

/** `view`: what is shown; `draw`: show it again; `refresh`: ask the servers; `choose(id)`: another outage. */
export function makeActions({ view, draw, refresh, choose, remember }) {
  const after = async (asked) => {
    const sentence = await asked;
    if (!sentence) return;
    tell(sentence);
    await refresh();
  };
  const outage = (data) => view.board.outages.find((one) => one.id === data.id);
  const declared = (data) => view.board.declarations.find((one) => String(one.number) === data.number);
  return {
    choose: (data) => choose(data.id),
    story: (data) => {
      openDrawer(view, data.item, remember);
      remember();
    },
    "close-story": () => closeDrawer(),
    dismiss: () => tell(""),
    "log-in": () => logInAgain(),
    retry: () => refresh(),
    go: (data, link) => show(link.getAttribute("href")),
    outside: (data, link) => openOutside(link.href),
    sort: (data) => {
      const same = filter.sort === data.column;
      filter.descending = same ? !filter.descending : NUMBERS.has(data.column);
      filter.sort = data.column;
      draw();
    },
    declare: () => after(commands.declare()),
    end: (data) => after(commands.endDeclaration(declared(data))),
    edit: (data) => after(commands.editDeclaration(declared(data))),
    withdraw: (data) => after(commands.withdraw(declared(data))),
    confirm: (data) => after(commands.confirm(outage(data))),
    reconcile: (data) => after(commands.reconcile(outage(data), view.dags)),
    switch: () => after(commands.killSwitch(view.board, view.words)),
    adopt: () => after(commands.adopt(view.board)),
    answer: (data) => after(commands.answerQuestion(view.questions.find((one) => idOf(one) === data.question), data.option)),
    waive: (data) => after(commands.itemCommands.waive(data)),
    hold: (data) => after(commands.itemCommands.hold(data)),
    release: (data) => after(commands.itemCommands.release(data)),
    close: (data) => after(commands.itemCommands.close(data)),
  };
}

/** Let clicks and changes anywhere on the page reach the actions. */
export function listen(actions, changed) {
  document.addEventListener("click", (event) => {
    const source = event.target.closest?.("[data-do]");
    const action = source && actions[source.dataset.do];
    if (!action || source.disabled) return;
    if (source.nodeName === "A") {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a person who wants a tab may try
      event.preventDefault();
    }
    action({ ...source.dataset }, source);
  });
  document.addEventListener("input", (event) => {
    const what = event.target.dataset?.change;
    if (what) changed(what, event.target.value);
  });
}
