// Text that an agent wrote. It is shown as what it is: visible ASCII as it stands, everything else escaped and marked,
// so that nothing hides, reorders, or looks like something else. The same rules as the daemon's.

import { el } from "./dom.js";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

// The API sends a string where the bytes are UTF-8, else { base64 }.
export function textOf(value) {
  if (typeof value === "string") return value;
  return decoder.decode(bytesOf(value));
}

export function bytesOf(value) {
  if (value instanceof Uint8Array) return value;
  if (typeof value === "string") return new TextEncoder().encode(value);
  return Uint8Array.from(atob(value?.base64 ?? ""), (c) => c.charCodeAt(0));
}

export function lengthOf(value) {
  return bytesOf(value).length;
}

// Its lines, each a value of its own.
export function linesOf(value) {
  if (typeof value === "string") return value.split("\n");
  const all = bytesOf(value), lines = [];
  for (let at = 0, end = 0; end >= 0; at = end + 1) {
    end = all.indexOf(10, at);
    lines.push(all.subarray(at, end < 0 ? all.length : end));
  }
  return lines;
}

// What was written, in pieces: { text, escape } in their order.
export function pieces(value) {
  return typeof value === "string" ? ofText(value) : ofBytes(bytesOf(value));
}

function ofText(text) {
  const found = [];
  let plain = 0;
  for (const match of text.matchAll(/(?:[^ -~]|\\)+/gu)) {
    if (match.index > plain) found.push({ text: text.slice(plain, match.index), escape: false });
    found.push({ text: [...match[0]].map(escaped).join(""), escape: true });
    plain = match.index + match[0].length;
  }
  if (plain < text.length) found.push({ text: text.slice(plain), escape: false });
  return found;
}

const NAMED = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function escaped(character) {
  return NAMED[character] ?? `\\u{${character.codePointAt(0).toString(16)}}`;
}

// Bytes that are no UTF-8 as a whole: what of them is, as text, and the rest byte by byte.
function ofBytes(bytes) {
  const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const found = [];
  let at = 0;
  while (at < bytes.length) {
    let taken = 0;
    for (let length = Math.min(4, bytes.length - at); length > 0 && !taken; length -= 1) {
      try {
        const text = strict.decode(bytes.subarray(at, at + length));
        if ([...text].length === 1) {
          found.push(...ofText(text));
          taken = length;
        }
      } catch {
        // Not a character of this length.
      }
    }
    if (!taken) {
      found.push({ text: `\\x${bytes[at].toString(16).padStart(2, "0")}`, escape: true });
      taken = 1;
    }
    at += taken;
  }
  return joined(found);
}

function joined(found) {
  const result = [];
  for (const piece of found) {
    const last = result.at(-1);
    if (last && last.escape === piece.escape) last.text += piece.text;
    else result.push({ ...piece });
  }
  return result;
}

// Nodes for a value. `mark` may set plain text apart further, such as keywords.
export function shown(value, mark = (text) => [text]) {
  const all = pieces(value);
  if (all.length === 0) return [el("span", { class: "faint" }, "(empty)")];
  return all.flatMap((piece) =>
    piece.escape ? [el("span", { class: "escape", title: "not plain text" }, piece.text)] : mark(piece.text),
  );
}

// One line of it, as plain text: for titles and notifications.
export function line(value, limit = 120) {
  const text = pieces(value).map((piece) => piece.text).join("");
  return text.length > limit ? `${text.slice(0, limit)}…` : text;
}
