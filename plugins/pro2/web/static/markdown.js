// The little of Markdown that a question's body uses, made into elements: paragraphs, lists, strong, code, escapes.
// What it does not know it shows as it is.

import { el } from "./dom.js";

const TOKEN = /\\([\\`*_{}[\]()#+\-.!|<>&~$%])|`([^`]+)`|\*\*/g;

/** One line as text, <strong> and <code>. */
function inline(line) {
  const outer = [];
  let target = outer;
  let strong = null;
  let last = 0;
  for (const token of line.matchAll(TOKEN)) {
    if (token.index > last) target.push(line.slice(last, token.index));
    last = token.index + token[0].length;
    if (token[1]) target.push(token[1]);
    else if (token[2]) target.push(el("code", null, token[2]));
    else if (strong) {
      outer.push(el("strong", null, ...strong));
      [strong, target] = [null, outer];
    } else {
      strong = [];
      target = strong;
    }
  }
  if (last < line.length) target.push(line.slice(last));
  if (strong) outer.push("**", ...strong);
  return outer;
}

/** The elements of a text. */
export function markdown(text) {
  const blocks = [];
  let list = null;
  let lines = [];
  const paragraph = () => {
    if (lines.length) blocks.push(el("p", null, ...inline(lines.join(" "))));
    lines = [];
  };
  for (const line of (text || "").split("\n")) {
    const point = /^\s*(?:[*-]|\d+\.)\s+(.*)$/.exec(line);
    if (point) {
      paragraph();
      if (!list) blocks.push((list = el("ul")));
      list.append(el("li", null, ...inline(point[1])));
      continue;
    }
    list = null;
    const head = /^#{1,6}\s+(.*)$/.exec(line);
    if (head) {
      paragraph();
      blocks.push(el("p", { class: "strong" }, ...inline(head[1])));
    } else if (line.trim()) lines.push(line.trim());
    else paragraph();
  }
  paragraph();
  return blocks;
}
