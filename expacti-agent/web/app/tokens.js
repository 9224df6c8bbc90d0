// A command as its words, each in a box of its own: what is one argument and what are two is never a guess.

import { el } from "./dom.js";
import { kindOf, marker } from "./highlight.js";
import { lengthOf, shown, textOf } from "./untrusted.js";
import { bytes } from "./words.js";

// From this length on a word scrolls by itself, and says how long it is.
const LONG = 1_500;

export function tokens(argv, label = "The command, word by word") {
  const words = argv.map(textOf);
  return el(
    "ol",
    { class: "tokens", "aria-label": label },
    argv.map((word, index) => token(word, kindOf(words, index), index)),
  );
}

function token(word, kind, index) {
  const length = lengthOf(word);
  const text = el("code", { class: "text" }, shown(word, marker(kind)));
  if (length > LONG) {
    text.tabIndex = 0;
    text.setAttribute("role", "group");
    text.setAttribute("aria-label", `word ${index}, ${bytes(length)}, scrolls`);
    return el("li", { class: `token long ${kind}` }, el("span", { class: "length" }, `${bytes(length)}, shown whole`), text);
  }
  return el("li", { class: `token ${kind}`, title: `argv[${index}]` }, text);
}

// What a command would run, outermost first, each below what it was unwrapped from.
export function tree(commands) {
  const depth = (command) => (command.parent === undefined ? 0 : 1 + depth(commands[command.parent]));
  return el(
    "ol",
    { class: "unwrapped", "aria-label": "What it runs, outermost first" },
    commands.map((command) => branch(command, depth(command))),
  );
}

function branch(command, depth) {
  const argv = command.words.map((word) => word.text);
  const words = argv.map(textOf);
  const line = el("div", { class: "words" }, argv.map((word, index) => {
    const kind = command.words[index].literal ? kindOf(words, index) : "unknown";
    return el("code", { class: kind, title: kind === "unknown" ? "known only when it runs" : null }, shown(word, marker(kind)));
  }), command.redirections.map((one) => redirection(one)));
  const marks = [
    command.opaque && el("span", { class: "tag warn" }, "not all of it can be seen"),
    command.elsewhere && el("span", { class: "tag" }, "runs elsewhere"),
    ...command.categories.map((name) => el("span", { class: "tag" }, name)),
  ];
  const item = el(
    "li",
    { class: "branch" },
    el("span", { class: `points ${levelOf(command.score)}`, title: "risk of this command alone" }, String(command.score)),
    el("div", null, command.via.length > 0 && el("div", { class: "via" }, command.via.join(" › ")), line, el("div", { class: "tags" }, marks)),
  );
  item.style.setProperty("--depth", depth);
  return item;
}

function redirection({ writes, target }) {
  if (!target) return null;
  return el("code", { class: writes ? "redirect risky" : "redirect" }, writes ? "> " : "< ", shown(target.text));
}

export function levelOf(score) {
  if (score >= 90) return "critical";
  if (score >= 60) return "high";
  return score >= 30 ? "medium" : "low";
}
