// Rules: what is in force, whether it is of use, and what it would say about a command.

import { get, post } from "./api.js";
import { badge, risk } from "./card.js";
import { el, replace } from "./dom.js";
import { tree } from "./tokens.js";
import { ago, count, plural } from "./words.js";

export function open() {
  const table = el("div", null, el("p", { class: "faint" }, "Loading…"));
  const element = el(
    "main",
    { class: "plain-page rules" },
    el("h1", null, "Rules"),
    el("div", { class: "two" }, tryOut(), draft()),
    table,
  );
  load(table);
  return { name: "Rules", element };
}

async function load(place) {
  try {
    const { rules, generation } = await get("/v1/rules");
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
      el("div", { class: "table-wrap", tabindex: "0", role: "group", "aria-label": "Rules in force" }, el("table", null, el("thead", null, el("tr", null, ["Says", "Rule", "Limits", "Hits in 30 days", "Last", "Where"].map((head) => el("th", { scope: "col" }, head)))), body)),
    );
  } catch (problem) {
    replace(place, el("p", { class: "notice", role: "alert" }, problem.message));
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
    el("td", { class: "faint" }, rule.at),
  );
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

const EXAMPLE = `[[rule]]
name = "fetch"
decision = "allow"
because = "only reads from the remote"
argv = ["git", "fetch", "..."]
`;

// A draft is checked while it is typed. It is not kept: rules in force are files of the operators.
function draft() {
  const text = el("textarea", { id: "draft", rows: "9", spellcheck: "false", autocapitalize: "none" });
  text.value = EXAMPLE;
  const said = el("div", { class: "answer", "aria-live": "polite" });
  let timer = 0;
  const check = async () => {
    try {
      const { rules, problems, findings } = await post("/v1/rules/check", { text: text.value });
      if (problems.length > 0) replace(said, problems.map((one) => el("p", { class: "notice bad" }, el("b", null, `line ${one.line}, column ${one.column}: `), one.what, one.help && `; ${one.help}`)));
      else replace(said, el("p", { class: "notice" }, `${plural(rules, "rule")}, and nothing wrong.`), findings.map((one) => el("p", { class: "finding" }, one)));
    } catch (problem) {
      replace(said, el("p", { class: "notice bad" }, problem.message));
    }
  };
  text.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(check, 300);
  });
  check();
  return el("section", { class: "panel" }, el("h2", null, "Draft a rule"), el("p", { class: "faint" }, "Checked as you type, examples and all. It is not kept: rules in force are the operators' files."), el("label", { for: "draft" }, "TOML"), text, said);
}
