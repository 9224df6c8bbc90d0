// Elements from plain calls. Text is only ever text: nothing here takes markup.

const SVG = "http://www.w3.org/2000/svg";

// el("button", { class: "primary", onclick: f, "aria-label": "Approve" }, "Approve")
export function el(name, properties, ...children) {
  return fill(document.createElement(name), properties, children);
}

// A part of a card under a name of its own.
export function section(title, ...content) {
  return el("section", { class: "block", "aria-label": title }, el("h3", null, title), content);
}

export function svg(name, properties, ...children) {
  return fill(document.createElementNS(SVG, name), properties, children);
}

function fill(element, properties, children) {
  for (const [key, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    element.append(child);
  }
}

export function replace(element, ...children) {
  element.replaceChildren();
  append(element, children);
}

// For those who listen instead of looking.
export function announce(text) {
  const place = document.getElementById("announcer");
  if (place) place.textContent = text;
}

// A word of ours beside the thing that was pressed is gone too soon; this stays for a moment.
export function toast(text, kind = "plain") {
  const place = document.getElementById("toasts");
  if (!place) return;
  const note = el("div", { class: `toast ${kind}` }, text);
  place.append(note);
  setTimeout(() => note.remove(), kind === "bad" ? 9000 : 5000);
}
