// The rules that this node keeps itself: checked while they are typed, and kept when an administrator says so.

import { get, may, post, put, turns, withTotp } from "./api.js";
import { ask, totpDialog } from "./dialogs.js";
import { diff } from "./diff.js";
import { el, replace, toast } from "./dom.js";
import { shown } from "./untrusted.js";
import { plural } from "./words.js";

const EXAMPLE = `[[rule]]
name = "fetch"
decision = "allow"
because = "only reads from the remote"
argv = ["git", "fetch", "..."]
`;

// A pause in typing after which the text is checked.
const PAUSE = 300;

// kept(): called when something else is in force.
export function editor(kept) {
  const text = el("textarea", { id: "draft", rows: "9", spellcheck: "false", autocapitalize: "none" });
  const said = el("div", { class: "answer", "aria-live": "polite" });
  const words = el("p", { class: "faint" });
  const save = el("button", { type: "button", class: "primary", hidden: true, onclick: () => keep() }, "Save…");
  // What is stored, as far as this page has seen; none where nothing can be kept.
  let stored = null;
  let timer = 0;

  const check = async () => {
    const checked = text.value;
    try {
      const { rules, problems, findings } = await post("/v1/rules/check", { text: checked });
      if (checked !== text.value) return;
      save.disabled = problems.length > 0 || checked === stored?.text;
      if (problems.length > 0) replace(said, problems.map((one) => el("p", { class: "notice bad" }, el("b", null, `line ${one.line}, column ${one.column}: `), one.what, one.help && `; ${one.help}`)));
      else replace(said, el("p", { class: "notice" }, `${plural(rules, "rule")}, and nothing wrong.`), findings.map((one) => el("p", { class: "finding" }, one)));
    } catch (problem) {
      replace(said, el("p", { class: "notice bad" }, problem.message));
    }
  };
  text.addEventListener("input", () => {
    save.disabled = true;
    clearTimeout(timer);
    timer = setTimeout(check, PAUSE);
  });

  // Shows what is stored, unless somebody is writing.
  const turn = turns();
  const reload = async () => {
    const counts = turn();
    try {
      const now = await get("/v1/rules/stored", { background: true });
      if (!counts()) return;
      if (stored === null || text.value === stored.text) text.value = now.text;
      stored = now;
      save.hidden = !may("admin");
      replace(words, "Kept in ", el("code", null, now.path), may("admin") ? ", and in force once they are saved. " : ". Administrators save them. ", "Checked as you type, examples and all. The operators' own files are not edited here.");
    } catch {
      if (!counts()) return;
      text.value ||= EXAMPLE;
      replace(words, "Checked as you type, examples and all. It is not kept: this daemon gates nothing.");
    }
    check();
  };

  async function keep() {
    const next = text.value;
    const lines = diff(stored.text, next).filter((line) => line.kind !== "same");
    const sure = await ask({
      title: "Put these rules in force?",
      content: [el("p", { class: "faint" }, "What is decided from now on is decided by them. The log keeps who changed what."), changed(lines.map(({ kind, text: line }) => `${kind === "added" ? "+" : "-"}${line}`))],
      confirm: "Save",
    });
    if (!sure) return;
    try {
      const { generation } = await withTotp(totpDialog, (totp) => put("/v1/rules/stored", { text: next, was: stored.digest }, { totp }));
      stored = { ...stored, text: next };
      toast(`In force: generation ${generation}.`);
      kept();
    } catch (problem) {
      replace(said, el("p", { class: "notice bad", role: "alert" }, problem.message));
    }
  }

  const element = el("section", { class: "panel", "aria-label": "Write rules" }, el("h2", null, "Write rules"), words, el("label", { for: "draft" }, "TOML"), text, el("div", { class: "panel-buttons" }, save), said);
  return { element, reload };
}

// Lines of a diff that begin with what they are.
export function changed(lines) {
  const kinds = { "+": "added", "-": "removed", "@": "place" };
  const kind = (line) => (/^(\+\+\+|---) /.test(line) ? "place" : kinds[line[0]] ?? "same");
  return el("div", { class: "script changes", tabindex: "0", role: "group", "aria-label": "What changes" }, lines.map((line) => el("div", { class: `line ${kind(line)}` }, el("code", null, line === "" ? " " : shown(line)))));
}
