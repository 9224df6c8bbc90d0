// The bar below a card, and the vote that it sends: exactly what was shown, never more.

import { may, post, session, totpShown } from "./api.js";
import { votes } from "./card.js";
import { announce, el, replace, toast } from "./dom.js";
import { scopeDialog, totpDialog } from "./dialogs.js";

// Nothing is decided by a key or finger that was on its way before its owner could see what is there now.
const LOOK_FIRST = 500;

export class Verdict {
  // live: tells whether the page is fresh; onVoted(id, result).
  constructor({ live, onVoted }) {
    Object.assign(this, { live, onVoted });
    this.note = el("input", { id: "note", maxlength: "1000", placeholder: "for the log; with a denial the agent reads it", autocomplete: "off" });
    this.noteRow = el("div", { class: "note-row", hidden: true }, el("label", { for: "note" }, "Note"), this.note);
    this.state = el("p", { class: "verdict-state", id: "verdict-state" });
    this.buttons = [
      this.#button("approve", "Approve", "A", () => this.approve()),
      this.#button("children", "With children", "C", () => this.approve({ children: true })),
      this.#button("more", "More…", "M", () => this.more()),
      this.#button("add-note", "Note", "N", () => this.writeNote()),
      this.#button("deny", "Deny", "D", () => this.deny()),
    ];
    this.element = el("div", { class: "verdict", role: "group", "aria-label": "Decide" }, this.noteRow, this.state, el("div", { class: "verdict-buttons" }, this.buttons));
    this.note.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === "Escape") {
        if (event.key === "Escape") this.note.value = "";
        this.noteRow.hidden = this.note.value === "";
        this.note.blur();
        event.preventDefault();
        event.stopPropagation();
      }
    });
    this.lookAgain = () => {
      if (!document.hidden) this.shownAgain();
    };
    document.addEventListener("visibilitychange", this.lookAgain);
    window.addEventListener("focus", this.lookAgain);
  }

  close() {
    clearTimeout(this.timer);
    document.removeEventListener("visibilitychange", this.lookAgain);
    window.removeEventListener("focus", this.lookAgain);
  }

  #button(name, label, key, press) {
    const button = el("button", { class: name, type: "button", "aria-keyshortcuts": key, "aria-describedby": "verdict-state" }, label, el("kbd", { "aria-hidden": "true" }, key));
    button.addEventListener("click", (event) => {
      // The second half of a double click belongs to what was there before.
      if (event.detail <= 1) press();
    });
    return button;
  }

  // Shows another card, or the same one as it is now. `detail` is none until it has come.
  show(entry, detail) {
    const isOther = entry?.card.id !== this.entry?.card.id;
    const isNew = detail?.card.digest !== this.detail?.card.digest || isOther;
    if (isOther) {
      this.note.value = "";
      this.noteRow.hidden = true;
    }
    this.entry = entry;
    this.detail = detail;
    if (isNew) this.shownAgain();
    else this.refresh();
  }

  // What is there is to be looked at before anything is decided.
  shownAgain() {
    this.shownAt = Infinity;
    this.refresh();
    // From when it is painted, not from when it was asked for.
    requestAnimationFrame(() => requestAnimationFrame(() => {
      this.shownAt = performance.now();
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.refresh(), LOOK_FIRST + 10);
    }));
  }

  // Why nothing can be decided now; none where something can.
  refusal() {
    const { entry, detail } = this;
    if (!entry) return "";
    if (entry.ended) return entry.ended.outcome;
    if (!may("reviewer")) return `You may look but not decide: that takes the role reviewer.`;
    if (!this.live.isFresh()) return "Not connected: what is shown may be over. Nothing can be decided.";
    if (!detail) return "Loading…";
    if (detail.card.digest !== entry.card.digest) return "It has changed. Loading…";
    if (entry.deadline <= performance.now()) return "Its time is over.";
    if (this.sending) return "Sending…";
    if (entry.card.votes.some((vote) => vote.name === session.me.name)) return "You have voted. It waits for others.";
    if (!(performance.now() - this.shownAt >= LOOK_FIRST)) return "Look first…";
    return null;
  }

  refresh() {
    const refusal = this.refusal();
    this.element.hidden = !this.entry;
    for (const button of this.buttons) {
      button.setAttribute("aria-disabled", refusal === null ? "false" : "true");
    }
    if (!this.entry) return;
    const { text, names, needs } = votes(this.entry.card);
    const quorum = this.entry.card.approvals > 1 || names.length > 0 ? [el("b", null, `${text} approved`), ` · ${needs}`, names.map((name) => ` · ${name}`)] : [];
    replace(this.state, refusal === null ? (quorum.length > 0 ? quorum : needs) : [refusal, quorum.length > 0 && [" · ", quorum]]);
    this.state.classList.toggle("bad", !this.live.isFresh());
  }

  approve(scope = {}) {
    return this.#vote({ answer: "approve", ...scope });
  }

  deny() {
    return this.#vote({ answer: "deny" });
  }

  writeNote() {
    if (!this.entry || this.entry.ended) return;
    this.noteRow.hidden = false;
    this.note.focus();
  }

  async more() {
    if (this.#refused()) return;
    const { id } = this.entry.card;
    const scope = await scopeDialog(this.detail);
    // Time has passed; what was asked about must still be what is there.
    if (scope && this.entry?.card.id === id) await this.approve(scope);
  }

  #refused() {
    const refusal = this.refusal();
    if (refusal !== null) announce(refusal);
    return refusal !== null;
  }

  async #vote(answer, totp) {
    if (this.#refused()) return;
    const { digest, newest, id } = this.detail.card;
    const note = this.note.value.trim();
    const body = { digest, newest, ...answer };
    if (note) body.note = note;
    this.sending = true;
    this.refresh();
    let missing = false;
    try {
      const result = await post(`/v1/cards/${id}/votes`, body, { totp });
      if (totp) totpShown();
      this.note.value = "";
      this.noteRow.hidden = true;
      this.onVoted(id, result);
    } catch (problem) {
      missing = problem.code === "totp-missing";
      if (!missing || totp) toast(problem.message, "bad");
      announce(problem.message);
    } finally {
      this.sending = false;
      this.refresh();
    }
    if (missing) {
      const code = await totpDialog();
      if (code && this.entry?.card.id === id) await this.#vote(answer, code);
    }
  }
}
