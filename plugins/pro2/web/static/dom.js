// Elements are made here and nowhere else: text is text, whatever stands in it. Nothing parses HTML.

const SVG = "http://www.w3.org/2000/svg";

function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === false || value === null || value === undefined) continue;
    made.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === false || child === null || child === undefined || child === "") continue;
    made.append(child instanceof Node ? child : String(child));
  }
  return made;
}

/** An HTML element; false, null and undefined leave an attribute or a child out. */
export function el(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** An SVG element. */
export function svg(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** A name from outside: its direction does not leak into what stands beside it. */
export function name(text, attributes) {
  return el("bdi", attributes, text);
}

function alike(old, fresh) {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) return false;
  return old.nodeType !== Node.ELEMENT_NODE || old.dataset?.key === fresh.dataset?.key;
}

function dress(old, fresh) {
  for (const { name: attribute } of [...old.attributes]) {
    const own = attribute === "open" && old.nodeName === "DETAILS"; // a person opened it
    if (!own && !fresh.hasAttribute(attribute)) old.removeAttribute(attribute);
  }
  for (const { name: attribute, value } of [...fresh.attributes]) {
    if (old.getAttribute(attribute) !== value) old.setAttribute(attribute, value);
  }
}

/** The next child without a key that is like `next`, up to the next one with a key; what is passed over goes. */
function ahead(place, next) {
  const passed = [];
  for (let old = place; old && !old.dataset?.key; old = old.nextSibling) {
    if (alike(old, next)) {
      for (const one of passed) one.remove();
      return old;
    }
    passed.push(old);
  }
  return null;
}

/**
 * Make the children of `parent` look like `fresh`, keeping every element that is still meant: focus, scroll, open
 * details and what was typed stay. `data-key` says which is which.
 */
export function morph(parent, ...fresh) {
  const wanted = [...fill(document.createDocumentFragment(), null, fresh).childNodes];
  const keys = new Set(wanted.map((node) => node.dataset?.key));
  const keyed = new Map();
  for (const child of [...parent.children]) {
    if (!child.dataset.key) continue;
    if (keys.has(child.dataset.key)) keyed.set(child.dataset.key, child);
    else child.remove();
  }
  let place = parent.firstChild;
  for (const next of wanted) {
    const key = next.dataset?.key;
    const old = key ? keyed.get(key) : ahead(place, next);
    if (!old || !alike(old, next)) {
      parent.insertBefore(next, place);
      continue;
    }
    if (!key || old === place) place = old.nextSibling;
    else parent.insertBefore(old, place);
    if (old.nodeType === Node.ELEMENT_NODE) {
      dress(old, next);
      if (old.nodeName !== "INPUT" && old.nodeName !== "TEXTAREA") morph(old, ...next.childNodes);
    } else if (old.data !== next.data) {
      old.data = next.data;
    }
  }
  while (place) {
    const rest = place.nextSibling;
    place.remove();
    place = rest;
  }
}
