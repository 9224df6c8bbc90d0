// One record: what was tried, how it was judged, who answered, what it started.

import { get } from "./api.js";
import { badge, risk } from "./card.js";
import { el, replace } from "./dom.js";
import { script } from "./program.js";
import { tokens, tree } from "./tokens.js";
import { shown } from "./untrusted.js";
import { clock, seconds } from "./words.js";

export function open({ id, go }) {
  const body = el("div", { class: "record-body" }, el("p", { class: "faint" }, "Loading…"));
  const back = el("button", { class: "plain", type: "button", onclick: () => (history.length > 1 ? history.back() : go("/log")) }, "‹ Log");
  get(`/v1/records/${encodeURIComponent(id)}`).then(
    (detail) => replace(body, draw(detail)),
    (problem) => replace(body, el("p", { class: "notice bad", role: "alert" }, problem.message)),
  );
  return { name: `Record ${id}`, element: el("main", { class: "record" }, back, body) };
}

function section(title, ...content) {
  return el("section", { class: "block", "aria-label": title }, el("h2", null, title), content);
}

function draw({ record, commands, before, started, incomplete }) {
  const { request, evaluation } = record;
  return [
    el("header", { class: "headline" },
      el("div", { class: "headline-row" }, badge(evaluation.level, evaluation.score), el("span", { class: `outcome ${record.state}` }, record.state), el("span", null, el("b", null, request.agent?.name)), el("span", { class: "faint" }, clock(record.time_us))),
      el("h1", null, `Record ${record.id}`)),
    record.alarms?.length > 0 && el("p", { class: "notice bad" }, record.alarms.join("; ")),
    section("Command", tokens(request.argv)),
    commands.length > 1 && section("What it would run", tree(commands)),
    request.script && section("Script", script(request.script)),
    section("How it was decided", decision(record)),
    section("Risk", risk(evaluation)),
    section("Processes", processes(record, started, incomplete)),
    before.length > 0 && section("Before it in the session", el("ol", { class: "lines" }, before.map((one) => el("li", null, recordLine(one))))),
    section("Where and who", facts(record)),
  ];
}

function decision({ verdict, votes = [], state, exit, started }) {
  const rows = [
    verdict && ["verdict", `${state} by ${by(verdict)}, ${seconds(verdict.held / 1e6)} after the attempt`],
    verdict?.because && ["because", verdict.because],
    !verdict && ["verdict", state === "withdrawn" ? "none: it went away" : "none yet"],
    ...votes.map((vote) => ["vote", `${vote.reviewer} ${vote.approve ? `approved (${vote.scope})` : "denied"} by ${vote.via} at ${clock(Date.parse(vote.time) * 1000)}${vote.note ? `: ${vote.note}` : ""}`]),
    ["ended", exit ? `${exit.code !== undefined ? `with code ${exit.code}` : `by signal ${exit.signal}`} after ${seconds(exit.duration_us / 1e6)}` : started ? "not yet, as far as the log knows" : null],
  ];
  return list(rows);
}

function by({ decider }) {
  if (decider.by === "reviewers") return decider.names.join(" and ");
  if (decider.by === "rule") return `rule ${decider.name}`;
  return { threshold: "its risk score", cache: "an earlier verdict", timeout: "nobody: the time was over" }[decider.by] ?? decider.by;
}

function list(rows) {
  return el("dl", { class: "facts" }, rows.filter((row) => row && row[1]).map(([name, value]) => [el("dt", null, name), el("dd", null, value)]));
}

// Parents above, it in the middle, what it started below.
function processes(record, started, incomplete) {
  const { request } = record;
  const above = [...(request.lineage ?? [])].reverse();
  let depth = 0;
  const item = (indent, ...content) => {
    const line = el("li", null, content);
    line.style.setProperty("--depth", indent);
    return line;
  };
  const rows = above.map((one) => item(depth++, el("span", { class: "pid" }, String(one.pid)), el("code", null, one.argv.map((word, index) => [index > 0 && " ", shown(word)]))));
  const own = item(depth, el("span", { class: "pid" }, String(record.pid)), el("code", null, request.argv.map((word, index) => [index > 0 && " ", shown(word)])));
  own.className = "own";
  rows.push(own);
  const below = (branches, at) => branches.forEach((branch) => {
    rows.push(item(at, el("span", { class: "pid" }, String(branch.record.pid)), recordLine(branch.record)));
    below(branch.started, at + 1);
  });
  below(started, depth + 1);
  return [el("ol", { class: "processes" }, rows), incomplete && el("p", { class: "faint" }, "There may be more: too much ran meanwhile.")];
}

export function recordLine(record) {
  return [
    el("span", { class: `outcome ${record.state}` }, record.state),
    " ",
    el("a", { href: `/log/${record.id}` }, el("code", null, record.command)),
    " ",
    el("span", { class: "faint" }, clock(record.time_us).slice(11)),
  ];
}

function facts(record) {
  const { request } = record;
  const { exe = {}, credentials = {}, container } = request;
  return list([
    ["executable", exe.path !== undefined && shown(exe.path)],
    ["sha256", exe.sha256],
    ["folder", request.cwd !== undefined && shown(request.cwd)],
    ["user", `uid ${credentials.uid ?? 0}${credentials.euid !== credentials.uid ? `, effective ${credentials.euid ?? 0}` : ""}`],
    ["terminal", request.tty !== undefined && shown(request.tty)],
    ...Object.entries(request.env ?? {}).map(([name, value]) => ["environment", [shown(name), "=", shown(value)]]),
    ...(record.masked ?? []).map((what) => ["masked", what]),
    ["container", container?.id && shown(`${container.name} of ${container.image}`)],
    ["cgroup", request.agent?.cgroup && shown(request.agent.cgroup)],
    ["node", record.node],
    ["in the chain", `position ${record.position}, sequence ${record.sequence} of ${record.boot}`],
    ["engine", `${record.engine}, rules ${record.evaluation.rule_generation}`],
  ]);
}
