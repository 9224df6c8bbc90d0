// A little colour for shell and SQL. It only sets words apart that are there; what is risky the scorer says.

import { el } from "./dom.js";

const SQL_RISKY = /^(?:drop|delete|truncate|update|alter|grant|revoke|copy)$/i;
const SQL = new RegExp(
  "\\b(?:select|insert|into|values|update|set|delete|from|where|drop|truncate|alter|create|table|database|schema|index|view|" +
    "join|left|right|inner|on|and|or|not|null|order|group|by|having|limit|union|grant|revoke|to|copy|cascade|if|exists|begin|commit|rollback)\\b",
  "gi",
);
const SHELL = /\|\||&&|\$\(|[|;&<>`()]/g;

const SQL_PROGRAMS = /^(?:psql|mysql|mariadb|sqlite3|duckdb|cockroach|clickhouse-client|bq)$/;
const SHELLS = /^(?:sh|bash|dash|zsh|ksh|ash|busybox)$/;

function marked(text, pattern, className) {
  const nodes = [];
  let at = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > at) nodes.push(text.slice(at, match.index));
    nodes.push(el("span", { class: className(match[0]) }, match[0]));
    at = match.index + match[0].length;
  }
  if (at < text.length) nodes.push(text.slice(at));
  return nodes;
}

export function sql(text) {
  return marked(text, SQL, (word) => (SQL_RISKY.test(word) ? "keyword risky" : "keyword"));
}

export function shell(text) {
  return marked(text, SHELL, () => "operator");
}

const baseName = (path) => path.slice(path.lastIndexOf("/") + 1);

// How the word at `index` of a command is to be read: sql, shell, flag, program or word.
export function kindOf(words, index) {
  const word = words[index];
  if (index === 0) return "program";
  const program = baseName(words[0]);
  const before = words[index - 1];
  if (SHELLS.test(program) && /^-[a-z]*c$/.test(before)) return "shell";
  const isStatement = /^(?:-c|-e|--command|--execute|--query|-q)$/.test(before);
  if (SQL_PROGRAMS.test(program) && (isStatement || /\b(?:select|drop|delete|insert|update|alter)\b.+/i.test(word))) {
    return "sql";
  }
  return word.startsWith("-") ? "flag" : "word";
}

export function marker(kind) {
  if (kind === "sql") return sql;
  if (kind === "shell") return shell;
  return (text) => [text];
}
