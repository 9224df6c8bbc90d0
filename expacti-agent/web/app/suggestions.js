// Rules that the exec log speaks for: what each would have saved, what speaks against it, and accepting it.

import { get, may, post, turns, withTotp } from "./api.js";
import { ask, totpDialog } from "./dialogs.js";
import { el, replace, toast } from "./dom.js";
import { count, plural } from "./words.js";

const AT_LEAST = 2;

// accepted(): called when something else is in force.
export function suggestions(accepted) {
  const place = el("div", null, el("p", { class: "faint" }, "Looking at the last 30 days…"));
  const element = el("section", { class: "panel", "aria-label": "Suggestions" }, el("h2", null, "Suggestions"), place);
  const turn = turns();
  const reload = async () => {
    const counts = turn();
    try {
      const page = await get(`/v1/rules/suggestions?at_least=${AT_LEAST}`, { background: true });
      if (!counts()) return;
      const words = page.suggestions.length === 0
        ? "Nothing that ran often enough is without a rule."
        : `Of ${plural(page.looked_at, "attempt")}${page.more ? " (there are older ones)" : ""}, ${count(page.asked)} would ask people under the rules in force. With all of these that nothing speaks against, ${count(page.saved)} of them would not.`;
      replace(place, el("p", { class: "faint" }, words), el("ol", { class: "suggestions" }, page.suggestions.map((one) => suggestion(one, accept))));
    } catch (problem) {
      if (counts()) replace(place, el("p", { class: "faint" }, problem.message));
    }
  };

  async function accept({ name, text, refused }) {
    const sure = await ask({
      title: "Accept this rule?",
      content: [
        refused.length > 0 && el("p", { class: "notice bad" }, `${plural(refused.length, "attempt")} that somebody refused would run by it.`),
        el("pre", { tabindex: "0", "aria-label": "The rule" }, text),
      ],
      confirm: "Accept",
      kind: refused.length > 0 ? "danger" : "primary",
    });
    if (!sure) return;
    try {
      const kept = await withTotp(totpDialog, (totp) => post(`/v1/rules/suggestions/${encodeURIComponent(name)}/accept`, { at_least: AT_LEAST }, { totp }));
      toast(`${kept.name} is in force: generation ${kept.generation}.`);
      accepted();
    } catch (problem) {
      toast(problem.message, "bad");
    }
    reload();
  }

  return { element, reload };
}

function suggestion(one, accept) {
  return el(
    "li",
    null,
    el("div", { class: "headline-row" }, el("code", { class: "pattern" }, one.pattern), el("span", { class: "faint" }, `${plural(one.matched, "attempt")}, ${count(one.approved)} approved by people; would save ${plural(one.saves, "question")}; up to risk ${one.score}`), may("admin") && el("button", { type: "button", "aria-label": `Accept ${one.name}`, onclick: () => accept(one) }, "Accept…")),
    one.refused.length > 0 && el("p", { class: "finding" }, "Refused before, and it would take: ", commands(one.refused)),
    el("details", null, el("summary", null, "The rule, what it takes, and what it does not"), el("pre", { tabindex: "0", "aria-label": `The rule ${one.name}` }, one.text), list("It takes, among others", one.examples), list("It does not take", one.beside)),
  );
}

function list(title, all) {
  if (all.length === 0) return null;
  return [el("p", { class: "faint" }, title), el("ul", null, all.map((one) => el("li", null, el("a", { href: `/log/${one.id}` }, el("code", null, one.command)), el("span", { class: "faint" }, ` ${one.became}, ${one.agent}`))))];
}

function commands(all) {
  return all.map((one, index) => [index > 0 && ", ", el("code", null, one.command)]);
}
