// What a command would run where that is a text: a script, or lines behind `sh -c`; and what changed in it since people
// approved it.

import { diffOfLines } from "./diff.js";
import { el, section } from "./dom.js";
import { kindOf, marker, shell } from "./highlight.js";
import { lengthOf, linesOf, pieces, shown, textOf } from "./untrusted.js";
import { bytes } from "./words.js";

export function script(now, earlier) {
  const version = earlier?.word === undefined ? earlier : null;
  return [
    el("p", { class: "faint" }, shown(now.path), ` · ${bytes(lengthOf(now.text))} · sha256 ${now.sha256.slice(0, 16)}…`),
    now.truncated && el("p", { class: "notice bad" }, "The script goes on beyond what could be read."),
    text("Script", now.text, version, shell),
  ];
}

// Arguments of several lines, line by line.
export function texts(argv, earlier) {
  const words = argv.map(textOf);
  return argv.map((word, index) => {
    if (!words[index].includes("\n")) return null;
    const title = `Lines of argument ${index}`;
    return section(title, text(title, word, earlier?.word === index ? earlier : null, marker(kindOf(words, index))));
  });
}

function text(title, value, version, mark) {
  const now = numbered(value);
  const then = version && numbered(version.text);
  const rows = then ? diffOfLines(then.keys, now.keys) : now.keys.map((key) => ({ kind: "same", text: key }));
  const lines = new Map([...(then?.lines ?? []), ...now.lines]);
  let number = 0;
  return [
    version && since(version, rows),
    el("div", { class: "script", tabindex: "0", role: "group", "aria-label": title }, rows.map(({ kind, text: key }) => {
      if (kind !== "removed") number += 1;
      const sign = { same: " ", added: "+", removed: "−" }[kind];
      const line = lines.get(key);
      return el("div", { class: `line ${kind}` }, el("span", { class: "number" }, kind === "removed" ? "" : String(number)), el("span", { class: "sign" }, sign), el("code", null, line.length === 0 ? "" : shown(line, mark)));
    })),
  ];
}

// Lines by what they look like: equal ones look the same, and others do not.
function numbered(value) {
  const lines = new Map();
  const keys = linesOf(value).map((line) => {
    const key = pieces(line).map((piece) => piece.text).join("");
    lines.set(key, line);
    return key;
  });
  return { keys, lines };
}

function since({ by }, rows) {
  const count = (kind) => rows.filter((row) => row.kind === kind).length;
  const when = by.length > 0 ? `${by.join(" and ")} approved it` : "it last ran";
  const isSame = rows.every((row) => row.kind === "same");
  return el("p", { class: isSame ? "since same" : "since" }, isSame
    ? `Unchanged since ${when}.`
    : [`Since ${when}: `, el("b", { class: "added" }, `${count("added")} added`), ", ", el("b", { class: "removed" }, `${count("removed")} removed`), "."]);
}
