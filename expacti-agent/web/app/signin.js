// Signing in: a token, and six digits where one has them.

import { open } from "./api.js";
import { el, replace } from "./dom.js";

export function signIn(why) {
  const token = el("input", { id: "token", name: "token", type: "password", autocomplete: "current-password", required: true, spellcheck: "false", autocapitalize: "none" });
  const totp = el("input", { id: "totp", name: "totp", inputmode: "numeric", autocomplete: "one-time-code", maxlength: "6", placeholder: "if you have them" });
  const said = el("p", { class: "notice", role: "alert", hidden: !why }, why);
  const button = el("button", { class: "primary", type: "submit" }, "Sign in");
  const say = (text) => {
    said.hidden = false;
    said.classList.add("bad");
    replace(said, text);
  };
  const form = el(
    "form",
    { class: "sign-in-form" },
    el("img", { src: "/console/icon.svg", alt: "", width: "48", height: "48" }),
    el("h1", null, "expacti"),
    el("p", { class: "faint" }, "What AI coding agents want to run waits here for people."),
    said,
    el("label", { for: "token" }, "Token"),
    token,
    el("label", { for: "totp" }, "Six digits of your authenticator"),
    totp,
    button,
    el("p", { class: "faint small" }, "No token? An administrator makes one: ", el("code", null, "expacti reviewer add NAME")),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      await open(token.value.trim(), totp.value.trim());
    } catch (problem) {
      say(problem.message);
      (problem.code.startsWith("totp") ? totp : token).select();
    } finally {
      button.disabled = false;
    }
  });
  return { element: el("main", { class: "sign-in" }, form), ready: () => token.focus() };
}
