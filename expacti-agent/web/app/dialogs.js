// Questions that stand before everything else.

import { get } from "./api.js";
import { el } from "./dom.js";
import { line } from "./untrusted.js";
import { plural } from "./words.js";

// Opens a dialog around a form; gives what `read` makes of it, or null where the human thinks better of it.
export function ask({ title, content, confirm, kind = "primary", read = () => true }) {
  return new Promise((resolve) => {
    const close = (value) => {
      dialog.close();
      dialog.remove();
      resolve(value);
    };
    const form = el(
      "form",
      { method: "dialog" },
      el("h2", { id: "dialog-title" }, title),
      content,
      el(
        "div",
        { class: "dialog-buttons" },
        el("button", { type: "button", class: "plain", onclick: () => close(null) }, "Cancel"),
        el("button", { type: "submit", class: kind }, confirm),
      ),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      close(read(new FormData(form)));
    });
    const dialog = el("dialog", { "aria-labelledby": "dialog-title" }, form);
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      close(null);
    });
    // Keys of the page behind mean nothing here.
    dialog.addEventListener("keydown", (event) => event.stopPropagation());
    document.body.append(dialog);
    dialog.showModal();
  });
}

export function totpDialog() {
  return ask({
    title: "One-time password",
    content: [
      el("p", null, "This takes the six digits that your authenticator shows now."),
      el("label", { for: "totp" }, "Six digits"),
      el("input", { id: "totp", name: "totp", inputmode: "numeric", autocomplete: "one-time-code", maxlength: "6", required: true, pattern: "[0-9]{6}" }),
    ],
    confirm: "Approve",
    read: (form) => form.get("totp"),
  });
}

const TIMES = [["5 minutes", 300_000], ["1 hour", 3_600_000], ["8 hours", 28_800_000]];

// For how long, and for what it starts. Gives a scope, or null.
export function scopeDialog(detail) {
  const { card } = detail;
  const choice = (value, label, hint, checked) => el(
    "label",
    { class: "choice" },
    el("input", { type: "radio", name: "repeat", value, checked }),
    el("span", null, el("b", null, label), hint && el("span", { class: "faint" }, ` ${hint}`)),
  );
  const preview = el("div", { class: "rule-preview" });
  if (card.always_offered) showRule(card.id, preview);
  const content = [
    el("p", { class: "faint" }, "For exactly this command, in this folder, by this agent:"),
    choice("once", "Once", card.count > 1 ? `all ${card.count} attempts that wait` : "this attempt only", true),
    TIMES.map(([label, ms]) => choice(`for:${ms}`, `For ${label}`)),
    choice("session", "For the session", "until the agent ends"),
    card.always_offered && choice("always", "Always", "by a rule:"),
    card.always_offered && preview,
    el("label", { class: "choice separate" }, el("input", { type: "checkbox", name: "children" }), el("span", null, el("b", null, "With children"), el("span", { class: "faint" }, " what it starts may run too, up to its own risk"))),
  ];
  return ask({ title: "Approve, but how far?", content, confirm: "Approve", kind: "approve", read: scope });
}

function scope(form) {
  const [repeat, ms] = String(form.get("repeat")).split(":");
  const chosen = { repeat, children: form.get("children") === "on" };
  if (ms) chosen.for_ms = Number(ms);
  return chosen;
}

async function showRule(id, place) {
  place.append(el("p", { class: "faint" }, "Asking what that rule would be…"));
  try {
    const rule = await get(`/v1/cards/${id}/rule`);
    const past = rule.matched === 0
      ? "In the last 30 days it would have matched nothing else."
      : `In the last 30 days it would have matched ${plural(rule.matched, "attempt")}${rule.more ? " or more" : ""}:`;
    place.replaceChildren(
      el("pre", { tabindex: "0", "aria-label": "The rule" }, rule.text),
      el("p", { class: "faint" }, past),
      el("ul", null, rule.examples.map((command) => el("li", null, el("code", null, line(command))))),
    );
  } catch (problem) {
    place.replaceChildren(el("p", { class: "faint" }, problem.message));
  }
}

export function helpDialog() {
  const keys = [
    ["J, ↓", "next card"], ["K, ↑", "card before"], ["A", "approve once"], ["C", "approve with children"],
    ["M", "approve for longer"], ["D", "deny"], ["N", "note"], ["Enter", "read the card"], ["?", "this help"],
  ];
  return ask({
    title: "Keys",
    content: [
      el("dl", { class: "keys" }, keys.map(([key, what]) => [el("dt", null, key.split(", ").map((one) => el("kbd", null, one))), el("dd", null, what)])),
      el("p", { class: "faint" }, "Nothing is decided within half a second of a card's appearance, by a key that is held down, or while the page is not connected."),
    ],
    confirm: "Good",
  });
}
