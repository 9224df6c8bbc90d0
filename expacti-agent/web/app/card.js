// A card whole: everything that a decision needs, what decides first.

import { get } from "./api.js";
import { el, section } from "./dom.js";
import { script, texts } from "./program.js";
import { levelOf, tokens, tree } from "./tokens.js";
import { line, shown } from "./untrusted.js";
import { ago, duration, plural } from "./words.js";

export function card(detail) {
  const { request, evaluation, commands } = detail;
  return [
    headline(detail),
    section("Command", tokens(request.argv), request.missing?.length > 0 && missing(request.missing)),
    nested(commands) && section("What it runs", tree(commands)),
    texts(request.argv, detail.earlier),
    request.script && section("Script", script(request.script, detail.earlier)),
    section("Risk", risk(evaluation, detail.card.decided_by)),
    section("Where and who", facts(request, detail.node)),
    detail.claim && section("What the agent says", claim(detail.claim)),
    similar(detail.card),
    section("Before this", before(detail.before)),
    request.lineage?.length > 0 && section("Started by", lineage(request.lineage)),
    el("p", { class: "digest" }, "digest ", el("code", null, detail.card.digest)),
  ];
}

function headline({ card: { id, level, score, agent, count, because } }) {
  return el(
    "header",
    { class: "headline" },
    el("div", { class: "headline-row" }, badge(level, score), el("span", { class: "who" }, el("b", null, agent), ` wants to run this`), el("span", { class: "faint" }, `ticket ${id}`), count > 1 && el("span", { class: "tag" }, `${count} identical attempts wait`)),
    el("p", { class: "because" }, because.join("; ") || "No single reason stands out."),
  );
}

export function badge(level, score) {
  return el("span", { class: `badge ${level.toLowerCase()}` }, level, " ", el("b", null, String(score)));
}

function missing(what) {
  return el("p", { class: "notice bad" }, el("b", null, "Not all of it could be read: "), shown(what.join("; ")));
}

function nested(commands) {
  return commands?.length > 1 || commands?.some((command) => command.opaque || command.categories.length > 0);
}

// The factors as one bar, and in words.
export function risk(evaluation, decidedBy) {
  const factors = evaluation.factors.filter((factor) => factor.points !== 0);
  const total = factors.reduce((sum, factor) => sum + Math.max(0, factor.points), 0);
  const bar = el("div", { class: "riskbar", role: "img", "aria-label": `risk ${evaluation.score} of 100` });
  const scale = evaluation.score / Math.max(total, 1);
  factors.filter((factor) => factor.points > 0).forEach((factor, index) => {
    const part = el("span", { class: `part shade-${index % 4} ${levelOf(evaluation.score)}`, title: `${factor.because ?? factor.why} (${factor.points})` });
    part.style.width = `${factor.points * scale}%`;
    bar.append(part);
  });
  return [
    bar,
    el("ul", { class: "factors" }, factors.map((factor) => el(
      "li",
      null,
      el("span", { class: "points" }, `${factor.points > 0 ? "+" : "−"}${Math.abs(factor.points)}`),
      el("span", null, factor.why),
      el("code", { class: "faint" }, factor.id),
    ))),
    decidedBy && el("p", { class: "faint" }, "It waits because of ", decidedBy, "."),
  ];
}

function facts(request, node) {
  const { credentials = {}, exe = {}, container, git, stdin } = request;
  const uid = credentials.uid ?? 0, euid = credentials.euid ?? 0;
  const rows = [
    ["folder", request.cwd !== undefined && shown(request.cwd)],
    ["executable", exe.path !== undefined && [shown(exe.path), fileMarks(exe)]],
    ...(request.interpreters ?? []).map((one) => ["interpreter", shown(one.path)]),
    ["user", uid === euid ? `uid ${uid}${uid === 0 ? " (root)" : ""}` : `uid ${uid}, effective ${euid}`],
    ["container", container && container.id && shown(`${container.name} of ${container.image} (${container.runtime})`)],
    ["pod", container?.pod && shown(`${container.namespace ?? "default"}/${container.pod}`)],
    ["node", node],
    ["cgroup", request.agent?.cgroup && shown(request.agent.cgroup)],
    ["git", git && [git.branch !== undefined && ["branch ", shown(git.branch)], git.remote !== undefined && [" · ", shown(git.remote)]]],
    ["standard input", stdinWords(stdin)],
    ["terminal", request.tty !== undefined && shown(request.tty)],
    ...Object.entries(request.env ?? {}).map(([name, value]) => ["environment", [shown(name), "=", shown(value)]]),
  ];
  return el("dl", { class: "facts" }, rows.filter(([, value]) => value).map(([name, value]) => [el("dt", null, name), el("dd", null, value)]));
}

function fileMarks(exe) {
  return [
    exe.unlinked && el("span", { class: "tag warn" }, "has no name any more"),
    exe.privileged && el("span", { class: "tag warn" }, "gains privileges"),
    exe.unstable && el("span", { class: "tag warn" }, "may change at each read"),
  ];
}

function stdinWords(stdin) {
  if (!stdin || stdin === "unknown") return null;
  return typeof stdin === "string" ? stdin : ["file ", shown(stdin.file.path)];
}

function claim(text) {
  return [
    el("p", { class: "notice quiet" }, "Written by the agent itself. It may say anything; nothing depends on it."),
    el("blockquote", { class: "claim" }, shown(text)),
  ];
}

function lineage(ancestors) {
  return el("ol", { class: "lineage" }, ancestors.map((one) => el("li", null, el("span", { class: "faint" }, String(one.pid)), " ", el("code", null, one.argv.map((word, index) => [index > 0 && " ", shown(word)])))));
}

function before(past) {
  if (past.length === 0) return el("p", { class: "faint" }, "Nothing that this daemon has seen.");
  return el("ol", { class: "timeline" }, [...past].reverse().map((one) => el(
    "li",
    { class: outcomeKind(one.outcome) },
    el("span", { class: "when" }, ago(one.ago_ms)),
    el("code", null, one.command),
    el("span", { class: "faint" }, one.outcome ?? "waits"),
  )));
}

export function outcomeKind(outcome) {
  if (!outcome) return "pending";
  return outcome.startsWith("allowed") ? "allowed" : "denied";
}

// What humans said to the same command before. It comes later than the card, into a place that is kept for it.
function similar(of) {
  const place = el("div", { class: "similar" }, el("p", { class: "faint" }, "Looking…"));
  get(`/v1/cards/${of.id}/similar`, { background: true }).then(
    (found) => place.replaceChildren(...similarWords(found)),
    (problem) => place.replaceChildren(el("p", { class: "faint" }, problem.status === 404 ? "There is no exec log to ask." : problem.message)),
  );
  return section("The same command before", place);
}

function similarWords({ approved, denied, timed_out: timedOut, by, last_us: last, same_program: program }) {
  const words = [];
  if (approved > 0) words.push(`approved ${plural(approved, "time")}`);
  if (denied > 0) words.push(`denied ${plural(denied, "time")}`);
  if (timedOut > 0) words.push(`${plural(timedOut, "time")} nobody answered`);
  if (words.length === 0) {
    const near = program > 0 ? ` This agent's ${plural(program, "other command")} of the same program did.` : "";
    return [el("p", null, `It never waited for a human before.${near}`)];
  }
  const when = last ? `, last ${ago(Date.now() - last / 1000)}` : "";
  return [el("p", null, `${words.join(", ")}${by.length > 0 ? ` by ${by.join(", ")}` : ""}${when}.`)];
}

export function votes({ votes: cast, approvals, roles }) {
  const approving = cast.filter((vote) => vote.approve);
  const text = `${approving.length} of ${approvals}`;
  const names = cast.map((vote) => `${vote.name} ${vote.approve ? "approves" : "denies"}${vote.note ? `: ${line(vote.note)}` : ""}`);
  const who = roles.length > 0 ? ` (${roles.join(" or ")})` : "";
  return { text, names, needs: `${plural(approvals, "approval")} needed${who}` };
}

export function remaining(deadline) {
  return duration(deadline - performance.now());
}
