// Rules: what is in force, whether it is of use, and what it would say about a command.

import { get, may, post, turns } from "./api.js";
import { badge, risk } from "./card.js";
import { el, replace } from "./dom.js";
import { editor } from "./editor.js";
import { history } from "./history.js";
import { suggestions } from "./suggestions.js";
import { tree } from "./tokens.js";
import { ago, count, duration, plural } from "./words.js";

export function open() {
  const table = el("div", null, el("p", { class: "faint" }, "Loading…"));
  const readers = may("reviewer", "admin", "auditor");
  const turn = turns();
  const past = history();
  const proposed = suggestions(() => changed());
  const changed = () => {
    load(table, turn());
    written.reload();
    if (readers) past.reload();
  };
  const written = editor(changed);
  written.reload();
  const element = el(
    "main",
    { class: "plain-page rules" },
    el("h1", null, "Rules"),
    el("div", { class: "two" }, tryOut(), written.element),
    table,
    readers && proposed.element,
    readers && past.element,
  );
  // What is in force first: suggestions read much of the log.
  load(table, turn()).then(() => readers && Promise.all([past.reload(), proposed.reload()]));
  return { name: "Rules", element };
}

async function load(place, counts) {
  try {
    const { rules, generation } = await get("/v1/rules");
    if (!counts()) return;
    if (rules.length === 0) {
      replace(place, el("p", { class: "faint" }, "No rule is in force: only the risk score decides."));
      return;
    }
    const filter = el("input", { id: "rule-filter", type: "search", placeholder: "name, reason or file" });
    const body = el("tbody");
    const show = () => {
      const wanted = filter.value.toLowerCase();
      const fits = (rule) => `${rule.name} ${rule.because} ${rule.at} ${rule.decision}`.toLowerCase().includes(wanted);
      replace(body, rules.filter(fits).map(row));
    };
    filter.addEventListener("input", show);
    show();
    const idle = rules.filter((rule) => rule.findings.length > 0).length;
    replace(
      place,
      el("div", { class: "title-row" }, el("h2", null, `${plural(rules.length, "rule")} in force`), el("span", { class: "faint" }, `generation ${generation}${idle > 0 ? ` · ${plural(idle, "rule")} to look at` : ""}`), el("label", { class: "filter" }, el("span", null, "Find"), filter)),
      el("div", { class: "table-wrap", tabindex: "0", role: "group", "aria-label": "Rules in force" }, el("table", null, el("thead", null, el("tr", null, ["Says", "Rule", "Limits", "Hits in 30 days", "Last", "Ends", "Where"].map((head) => el("th", { scope: "col" }, head)))), body)),
    );
  } catch (problem) {
    if (counts()) replace(place, el("p", { class: "notice", role: "alert" }, problem.message));
  }
}

function row(rule) {
  const hits = rule.hits === undefined ? "" : rule.hits >= 1000 ? "1,000+" : count(rule.hits);
  return el(
    "tr",
    null,
    el("td", null, el("span", { class: `says ${rule.decision}` }, rule.decision)),
    el("td", null, el("b", null, rule.name), el("div", { class: "faint" }, rule.because), rule.findings.map((finding) => el("div", { class: "finding" }, finding))),
    el("td", null, rule.limits.map((limit) => el("div", null, limit)), rule.exact && el("div", { class: "faint" }, "one exact command")),
    el("td", { class: "number" }, rule.hits > 0 ? el("a", { href: `/log?q=${encodeURIComponent(`by:rule:${rule.name} since:30d`)}` }, hits) : hits),
    el("td", null, rule.last_us === undefined ? "" : ago(Date.now() - rule.last_us / 1000)),
    el("td", null, ends(rule.expires)),
    el("td", { class: "faint" }, rule.at),
  );
}

function ends(expires) {
  if (expires === undefined) return el("span", { class: "faint" }, "never");
  const left = Date.parse(expires) - Date.now();
  return left > 0 ? [`in ${duration(left).split(" ")[0]}`, el("div", { class: "faint" }, expires.slice(0, 10))] : el("span", { class: "finding" }, `over since ${expires.slice(0, 10)}`);
}

function tryOut() {
  const command = el("input", { id: "try", spellcheck: "false", autocapitalize: "none", placeholder: "git push --force origin main", value: "" });
  const folder = el("input", { id: "try-folder", spellcheck: "false", placeholder: "/home/dev/app" });
  const answer = el("div", { class: "answer", "aria-live": "polite" });
  const form = el("form", { class: "panel" }, el("h2", null, "Try a command"), el("p", { class: "faint" }, "What would be decided, and why. Nothing is run and nobody is asked."), el("label", { for: "try" }, "As typed into a shell"), command, el("label", { for: "try-folder" }, "In the folder"), folder, el("div", { class: "panel-buttons" }, el("button", { class: "primary", type: "submit" }, "Try")), answer);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const request = { shell: command.value };
    if (folder.value) request.cwd = folder.value;
    try {
      const found = await post("/v1/rules/try", request);
      const says = { allow: "It would run.", hold: "It would wait for people.", deny: "It would be denied." }[found.decision];
      replace(
        answer,
        el("p", { class: "headline-row" }, el("span", { class: `says ${found.decision}` }, found.decision), badge(found.level, found.score), el("b", null, says)),
        el("p", { class: "faint" }, decided(found.decided_by)),
        found.commands.length > 0 && tree(found.commands),
        risk(found),
        el("ol", { class: "steps" }, found.steps.map((step) => el("li", null, el("b", null, step.stage.replaceAll("-", " ")), ` ${step.outcome === "silent" ? "says nothing" : step.outcome}${step.why ? `: ${step.why}` : ""}`))),
      );
    } catch (problem) {
      replace(answer, el("p", { class: "notice bad" }, problem.message));
    }
  });
  return form;
}

function decided(by) {
  if (by.by === "rule") return `Rule ${by.name}${by.because ? `: ${by.because}` : ""}`;
  return { threshold: "By its risk score.", anomaly: "Because it is unusual.", grant: "By a grant.", incomplete: "Because not all of it could be read." }[by.by] ?? by.by;
}
