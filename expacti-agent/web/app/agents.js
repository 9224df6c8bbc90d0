// Agents: what is gated, how busy it is, and the brake.

import { get, may, post, remove } from "./api.js";
import { spark } from "./charts.js";
import { ask } from "./dialogs.js";
import { el, replace, toast } from "./dom.js";
import { ago, count, duration } from "./words.js";

export function open({ live }) {
  const place = el("div", { class: "cards-grid" });
  const grants = el("div");
  const element = el("main", { class: "plain-page" }, el("h1", null, "Agents"), place, grants);
  const page = { name: "Agents", element };
  const draw = async () => {
    try {
      const [agents, given] = await Promise.all([get("/v1/agents"), get("/v1/grants")]);
      const stats = may("reviewer", "admin", "auditor") ? await get("/v1/stats?q=since:14d").catch(() => null) : null;
      if (agents.length === 0) replace(place, el("p", { class: "faint" }, "No agent is enrolled. ", el("code", null, "expacti enroll"), " gates one."));
      else replace(place, agents.map((agent) => card(agent, stats, draw)));
      replace(grants, el("h2", null, "What runs without asking because people said so"), given.length === 0 ? el("p", { class: "faint" }, "Nothing.") : table(given, draw));
    } catch (problem) {
      replace(place, el("p", { class: "notice bad", role: "alert" }, problem.message));
    }
  };
  page.onEvent = (name) => (name.startsWith("agent-") || name.startsWith("grant-")) && draw();
  page.onReload = draw;
  const timer = setInterval(() => live.isFresh() && draw(), 5_000);
  page.close = () => clearInterval(timer);
  draw();
  return page;
}

function card(agent, stats, redraw) {
  const days = stats ? stats.days.filter((day) => day.agent === agent.name).reverse() : [];
  const total = (key) => days.reduce((sum, day) => sum + day[key], 0);
  return el(
    "section",
    { class: `panel agent${agent.stopped_by ? " stopped" : ""}`, "aria-label": agent.name },
    el("div", { class: "panel-head" }, el("h2", null, agent.name), agent.stopped_by ? el("span", { class: "tag warn" }, `stopped by ${agent.stopped_by}`) : el("span", { class: "tag" }, "gated"), agent.pending > 0 && el("a", { class: "tag", href: "/" }, `${agent.pending} waiting`)),
    el("p", { class: "faint" }, el("code", null, agent.cgroup), ` · since ${ago(Date.now() - agent.since * 1000)}`),
    days.length > 0 && [
      spark(days.map((day) => day.allowed + day.denied), `attempts a day in the last two weeks`),
      el("p", { class: "small" }, `${count(total("allowed"))} allowed, ${count(total("denied"))} denied, ${count(total("reviewed"))} reviewed in two weeks`),
    ],
    el("div", { class: "panel-buttons" }, buttons(agent, redraw)),
  );
}

function buttons({ name, stopped_by: stopped }, redraw) {
  const act = async (what, question, kind) => {
    const sure = await ask({ title: `${what[0].toUpperCase()}${what.slice(1)} ${name}?`, content: el("p", null, question), confirm: what[0].toUpperCase() + what.slice(1), kind });
    if (!sure) return;
    try {
      await post(`/v1/agents/${encodeURIComponent(name)}/${what}`);
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
