// Agents: what is gated, how busy it is, and the brake.

import { get, may, post, remove, turns, withTotp } from "./api.js";
import { spark } from "./charts.js";
import { ask, totpDialog } from "./dialogs.js";
import { el, replace, toast } from "./dom.js";
import { ago, count, duration } from "./words.js";

// Numbers of whole days change slowly.
const STATS_EVERY = 60_000;

export function open({ live }) {
  const place = el("div", { class: "cards-grid" });
  const grants = el("div");
  const element = el("main", { class: "plain-page" }, el("h1", null, "Agents"), place, grants);
  const page = { name: "Agents", element };
  let stats = null, counted = -Infinity;
  // What the page asks for by itself does not keep an empty chair signed in.
  const turn = turns();
  const draw = async ({ background = true } = {}) => {
    const counts = turn();
    try {
      const [agents, given] = await Promise.all([get("/v1/agents", { background }), get("/v1/grants", { background })]);
      if (may("reviewer", "admin", "auditor") && performance.now() - counted > STATS_EVERY) {
        counted = performance.now();
        stats = await get("/v1/stats?q=since:14d", { background }).catch(() => null);
      }
      if (!counts()) return;
      if (agents.length === 0) replace(place, el("p", { class: "faint" }, "No agent is enrolled. ", el("code", null, "expacti enroll"), " gates one."));
      else replace(place, agents.map((agent) => card(agent, stats, draw)));
      replace(grants, el("h2", null, "What runs without asking because people said so"), given.length === 0 ? el("p", { class: "faint" }, "Nothing.") : table(given, draw));
    } catch (problem) {
      if (counts()) replace(place, el("p", { class: "notice bad", role: "alert" }, problem.message));
    }
  };
  page.onEvent = (name) => (name.startsWith("agent-") || name.startsWith("grant-")) && draw();
  page.onReload = draw;
  const timer = setInterval(() => live.isFresh() && draw(), 5_000);
  page.close = () => clearInterval(timer);
  draw({ background: false });
  return page;
}

function card(agent, stats, redraw) {
  const days = stats ? stats.days.filter((day) => day.agent === agent.name).reverse() : [];
  const total = (key) => days.reduce((sum, day) => sum + day[key], 0);
  return el(
    "section",
    { class: `panel agent${agent.stopped_by ? " stopped" : ""}`, "aria-label": agent.name },
    el("div", { class: "panel-head" }, el("h2", null, agent.name), ABSENT[agent.state] ? el("span", { class: "tag warn" }, ABSENT[agent.state]) : agent.stopped_by ? el("span", { class: "tag warn" }, `stopped by ${agent.stopped_by}`) : mode(agent), agent.pending > 0 && el("a", { class: "tag", href: "/" }, `${agent.pending} waiting`)),
    el("p", { class: "faint" }, el("code", null, agent.cgroup), ` · since ${ago(Date.now() - agent.since * 1000)}`),
    agent.policy !== undefined && el("p", { class: "small" }, `policy ${agent.policy} · ${HOLDS[agent.hold]} · ${count(agent.execs)} execs since the daemon began, ${count(agent.denied)} denied`),
    days.length > 0 && [
      spark(days.map((day) => day.allowed + day.denied), `attempts a day in the last two weeks`),
      el("p", { class: "small" }, `${count(total("allowed"))} allowed, ${count(total("denied"))} denied, ${count(total("reviewed"))} reviewed in two weeks`),
    ],
    !ABSENT[agent.state] && el("div", { class: "panel-buttons" }, buttons(agent, redraw)),
  );
}

// There is nothing to stop or to end; the gate waits for it.
const ABSENT = {
  awaited: "awaited: gated once it is there",
  gone: "gone: gated again once it is back",
};

const HOLDS = {
  before: "holds before the exec: a denial is an exec that fails",
  after: "holds behind the exec, before its first instruction: a denial kills",
};

// What the gate does with what it sees. Anything but `enforce` lets everything run.
function mode({ mode }) {
  if (mode === undefined) return el("span", { class: "tag" }, "gated");
  const words = { observe: "observe: only logged", shadow: "shadow: only logged, with what would have been", enforce: "enforce" };
  return el("span", { class: `tag${mode === "enforce" ? "" : " warn"}` }, words[mode] ?? mode);
}

function buttons({ name, stopped_by: stopped }, redraw) {
  const act = async (what, question, kind) => {
    const sure = await ask({ title: `${what[0].toUpperCase()}${what.slice(1)} ${name}?`, content: el("p", null, question), confirm: what[0].toUpperCase() + what.slice(1), kind });
    if (!sure) return;
    try {
      await withTotp(totpDialog, (totp) => post(`/v1/agents/${encodeURIComponent(name)}/${what}`, undefined, { totp }));
      toast(`${name}: ${what === "stop" ? "stopped" : what === "kill" ? "killed" : "goes on"}`);
    } catch (problem) {
      toast(problem.message, "bad");
    }
    redraw();
  };
  return [
    !stopped && may("reviewer", "admin") && el("button", { type: "button", onclick: () => act("stop", "Everything it runs stands still, and nothing further runs, until somebody resumes it.", "primary") }, "Stop"),
    stopped && may("admin") && el("button", { type: "button", onclick: () => act("resume", "It goes on where it stood still.", "primary") }, "Resume"),
    may("admin") && el("button", { type: "button", class: "danger", onclick: () => act("kill", "Every process of it is ended, and what it waits for is denied. The evidence stays. This cannot be undone.", "danger") }, "Kill"),
  ];
}

function table(grants, redraw) {
  const end = async (id) => {
    if (!(await ask({ title: "Take this back?", content: el("p", null, "What it covers asks again from now on."), confirm: "Take back", kind: "danger" }))) return;
    try {
      await remove(`/v1/grants/${encodeURIComponent(id)}`);
    } catch (problem) {
      toast(problem.message, "bad");
    }
    redraw();
  };
  return el(
    "div",
    { class: "table-wrap", tabindex: "0", role: "group", "aria-label": "Grants" },
    el("table", null,
      el("thead", null, el("tr", null, ["Grant", "Agent", "Up to risk", "By", "Ends", ""].map((head) => el("th", null, head)))),
      el("tbody", null, grants.map((grant) => el("tr", null, el("td", null, grant.id), el("td", null, grant.agent), el("td", null, String(grant.ceiling)), el("td", null, grant.by.join(", ")), el("td", null, grant.remaining_ms === undefined ? "with the session" : `in ${duration(grant.remaining_ms)}`), el("td", null, may("reviewer", "admin") && el("button", { type: "button", onclick: () => end(grant.id) }, "Take back")))))),
  );
}
