// The queue: what waits, by risk and age, beside the card that is looked at.

import { get } from "./api.js";
import { card, remaining } from "./card.js";
import { helpDialog } from "./dialogs.js";
import { announce, el, replace, toast } from "./dom.js";
import { List } from "./list.js";
import { Verdict } from "./verdict.js";
import { plural } from "./words.js";

const ROW = 74;
// How long an ended card stays in the list, so that one sees how it ended.
const LINGER = 4_000;
// Steps that come faster than this are a run through the list.
const RUNNING = 150;

export class Queue {
  constructor({ cards, live, chosen, go }) {
    Object.assign(this, { cards, live, go });
    this.shown = [...cards.order];
    this.selected = null;
    this.pointerOn = null;
    this.list = new List({
      height: ROW,
      label: "Commands that wait",
      length: () => this.shown.length,
      key: (index) => this.shown[index],
      draw: (row, index) => this.#row(row, this.cards.get(this.shown[index])),
    });
    this.held = el("button", { class: "held", type: "button", hidden: true, onclick: () => this.#arrange(true) });
    this.strip = el("div", { class: "strip", role: "status" });
    this.body = el("div", { class: "card-body", tabindex: "0", role: "group", "aria-label": "What it is" });
    this.verdict = new Verdict({ live, onVoted: (id, result) => this.#voted(id, result) });
    const back = el("button", { class: "back plain", type: "button", onclick: () => this.#leaveCard() }, "‹ All that waits");
    this.pane = el("article", { class: "card-pane", "aria-label": "The chosen command" }, back, this.body, this.verdict.element);
    this.element = el("main", { class: "queue" }, el("h1", { class: "hidden-text" }, "Queue"), this.strip, el("div", { class: "list-pane" }, this.list.element, this.held), this.pane);
    this.#listen();
    this.changed();
    const first = chosen && cards.get(chosen) ? chosen : this.shown[0];
    if (chosen) this.element.classList.add("reading");
    this.#select(first ?? null);
    this.ticking = setInterval(() => this.#tick(), 500);
  }

  close() {
    clearInterval(this.ticking);
    clearTimeout(this.loading);
    document.removeEventListener("keydown", this.onKey);
    this.verdict.close();
    this.list.close();
  }

  #listen() {
    const rowOf = (event) => event.target.closest?.(".row");
    const list = this.list.element;
    list.addEventListener("pointermove", (event) => {
      const row = rowOf(event);
      this.pointerOn = event.pointerType === "mouse" && row ? Number(row.dataset.key) : null;
    });
    list.addEventListener("pointerleave", () => {
      this.pointerOn = null;
      this.#arrange();
    });
    list.addEventListener("click", (event) => {
      const row = rowOf(event);
      if (!row) return;
      this.#select(Number(row.dataset.key));
      this.element.classList.add("reading");
    });
    this.onKey = (event) => this.#key(event);
    document.addEventListener("keydown", this.onKey);
  }

  // ---- what is in the list, and where ----

  changed() {
    if (this.pendingChange) return;
    this.pendingChange = requestAnimationFrame(() => {
      this.pendingChange = null;
      this.#arrange();
      this.#strip();
      if (this.selected === null && this.shown.length > 0) this.#select(this.shown[0]);
    });
  }

  // Brings the list up to date so that what is under the pointer and what is chosen stay where they are. Where that
  // cannot be, it waits until it can, and says so.
  #arrange(forced = false) {
    const next = this.cards.order;
    const anchors = forced ? [] : [this.pointerOn, this.selected].filter((id) => this.#isVisible(id));
    const moves = new Set(anchors.map((id) => next.indexOf(id) - this.shown.indexOf(id)));
    const [move = 0] = moves;
    const { element } = this.list;
    const isPossible = moves.size <= 1 && element.scrollTop + move * ROW >= 0 && anchors.every((id) => next.includes(id));
    if (!isPossible) {
      const known = new Set(this.shown);
      const fresh = next.filter((id) => !known.has(id)).length;
      this.held.hidden = fresh === 0;
      this.held.textContent = `${plural(fresh, "new command")} — show`;
      this.list.render(true);
      return;
    }
    this.held.hidden = true;
    this.shown = [...next];
    // First the room, then the place in it, so that nothing is painted in between.
    this.list.render(true);
    if (move !== 0) element.scrollTop += move * ROW;
    this.list.render();
    this.#mark();
  }

  #isVisible(id) {
    if (id === null || id === undefined) return false;
    const index = this.shown.indexOf(id);
    return index >= 0 && this.list.sees(index);
  }

  #row(row, entry) {
    if (!entry) return;
    const { card: one, ended } = entry;
    const level = one.level.toLowerCase();
    row.className = `row ${level}${ended ? " ended" : ""}${one.id === this.selected ? " selected" : ""}`;
    row.setAttribute("aria-selected", one.id === this.selected ? "true" : "false");
    const approvals = one.votes.filter((vote) => vote.approve).length;
    const left = el("span", { class: "left" });
    replace(
      row,
      el("span", { class: `score ${level}`, title: one.level }, String(one.score), el("span", { class: "hidden-text" }, ` ${one.level}`)),
      el("span", { class: "what" }, el("code", null, one.command)),
      el("span", { class: "meta" }, el("b", null, one.agent), one.count > 1 && ` ×${one.count}`, one.approvals > 1 && ` · ${approvals} of ${one.approvals}`, ` · ${ended ? ended.outcome : one.because[0] ?? one.decided_by}`),
      left,
    );
    this.#countdown(row, entry);
  }

  #countdown(row, entry) {
    const left = row.querySelector(".left");
    if (!left) return;
    left.textContent = entry.ended ? "" : remaining(entry.deadline);
    left.classList.toggle("soon", !entry.ended && entry.deadline - performance.now() < 30_000);
  }

  #tick() {
    const now = performance.now();
    for (const [id, { ended }] of this.cards.byId) {
      if (ended && now - ended.at > LINGER && id !== this.selected && id !== this.pointerOn) {
        this.cards.forget(id);
        this.pendingForget = true;
      }
    }
    if (this.pendingForget) {
      this.pendingForget = false;
      this.changed();
    }
    this.list.each((id, row) => {
      const entry = this.cards.get(id);
      if (entry) this.#countdown(row, entry);
    });
    const clock = this.body.querySelector(".clock");
    const entry = this.cards.get(this.selected);
    if (clock && entry) clock.textContent = entry.ended ? "" : `${remaining(entry.deadline)} left`;
    this.verdict.refresh();
  }

  // Always there, so that a warning moves nothing.
  #strip() {
    const { count, critical } = this.cards.waiting();
    this.strip.classList.toggle("critical", critical > 0);
    const words = `${critical} CRITICAL ${critical === 1 ? "command waits" : "commands wait"}`;
    replace(this.strip, critical > 0 ? [el("b", null, words), ` · ${count} in all`] : count > 0 ? `${plural(count, "command")} ${count === 1 ? "waits" : "wait"}` : "Nothing waits.");
  }

  // ---- the card that is looked at ----

  #select(id, reveal = false) {
    const before = this.selected;
    this.selected = id;
    if (before !== id) {
      this.detail = null;
      replace(this.body);
      this.body.scrollTop = 0;
      this.verdict.show(this.cards.get(id), null);
    }
    this.#mark();
    if (id === null) {
      replace(this.body, el("div", { class: "empty" }, el("p", { class: "empty-title" }, "Nothing waits for you."), el("p", { class: "faint" }, "What agents want to run and nobody has decided yet appears here by itself.")));
      this.verdict.show(null, null);
      return;
    }
    if (reveal) this.list.reveal(this.shown.indexOf(id));
    if (before !== id) this.#load();
  }

  // At once; but who runs through the list with a key held down wants the card where they stop, not all on the way.
  #load() {
    const now = performance.now();
    const isRunning = now - (this.selectedAt ?? -Infinity) < RUNNING;
    this.selectedAt = now;
    clearTimeout(this.loading);
    if (isRunning) this.loading = setTimeout(() => this.refreshCard(), RUNNING);
    else this.refreshCard();
  }

  #mark() {
    this.list.each((id, row) => {
      row.classList.toggle("selected", id === this.selected);
      row.setAttribute("aria-selected", id === this.selected ? "true" : "false");
    });
    const isThere = this.selected !== null && this.list.rows.has(this.selected);
    if (isThere) this.list.element.setAttribute("aria-activedescendant", `row-${this.selected}`);
    else this.list.element.removeAttribute("aria-activedescendant");
  }

  // A card appeared, changed or ended.
  onCard(id) {
    this.changed();
    this.list.redraw(id);
    if (id !== this.selected) return;
    const entry = this.cards.get(id);
    if (entry?.ended) {
      this.verdict.show(entry, this.detail);
      this.body.classList.add("over");
    } else {
      this.refreshCard();
    }
  }

  // Everything was looked at anew.
  onReload() {
    if (this.selected !== null && !this.cards.get(this.selected)) this.#select(null);
    this.changed();
    if (this.selected !== null) this.refreshCard();
  }

  async refreshCard() {
    const id = this.selected;
    try {
      const detail = await get(`/v1/cards/${id}`, { background: true });
      if (this.selected !== id) return;
      const isNew = this.detail?.card.digest !== detail.card.digest;
      this.detail = detail;
      if (isNew) this.#draw(detail);
      this.verdict.show(this.cards.get(id), detail);
    } catch (problem) {
      if (this.selected !== id || this.cards.get(id)?.ended) return;
      if (problem.status === 429) {
        this.loading = setTimeout(() => this.refreshCard(), 1_000);
        return;
      }
      replace(this.body, el("p", { class: "notice bad" }, problem.message));
    }
  }

  #draw(detail) {
    this.body.classList.remove("over");
    replace(this.body, el("h2", { class: "hidden-text" }, "Card"), card(detail));
    this.body.querySelector(".headline-row")?.append(el("span", { class: "clock" }));
    this.#tick();
    announce(`${detail.card.level} ${detail.card.score}: ${detail.card.command}`);
  }

  #voted(id, { ended, card: still }) {
    if (ended.length > 0) {
      const [{ outcome, state }] = ended;
      this.cards.end(id, outcome ?? state);
      toast(`Ticket ${id} ${outcome ?? state}`, state === "allowed" ? "good" : "plain");
      this.list.redraw(id);
      this.#next(id);
    } else if (still) {
      this.cards.put(still);
      toast(`Your vote counts. Ticket ${id} waits for others.`);
      this.onCard(id);
    }
    this.changed();
  }

  // On to what waits next, from where one is.
  #next(id) {
    const waits = (one) => !this.cards.get(one)?.ended;
    const at = this.shown.indexOf(id);
    const next = this.shown.slice(at + 1).find(waits) ?? this.shown.slice(0, at).findLast(waits);
    this.#select(next ?? null, true);
    if (next === undefined) this.#leaveCard();
  }

  #leaveCard() {
    this.element.classList.remove("reading");
    this.list.element.focus({ preventScroll: true });
  }

  // ---- keys ----

  #key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest?.("input, textarea, select, dialog, [contenteditable]")) return;
    const moves = { j: 1, arrowdown: 1, k: -1, arrowup: -1, pagedown: 8, pageup: -8, home: -Infinity, end: Infinity };
    const key = event.key.toLowerCase();
    if (key in moves) {
      const isScrolling = key.length > 1 && this.body.contains(document.activeElement);
      if (isScrolling) return;
      this.#move(moves[key]);
      event.preventDefault();
      return;
    }
    const acts = {
      a: () => this.verdict.approve(),
      d: () => this.verdict.deny(),
      c: () => this.verdict.approve({ children: true }),
      m: () => this.verdict.more(),
      n: () => this.verdict.writeNote(),
      "?": () => helpDialog(),
      enter: () => {
        this.element.classList.add("reading");
        this.body.focus();
      },
      escape: () => this.#leaveCard(),
    };
    if (!acts[key] || (key === "enter" && event.target.closest?.("button, a"))) return;
    event.preventDefault();
    // A key that is held down answers one card, not the next ones too.
    if (!event.repeat) acts[key]();
  }

  #move(by) {
    if (this.shown.length === 0) return;
    const at = this.shown.indexOf(this.selected);
    const to = Math.min(this.shown.length - 1, Math.max(0, (at < 0 ? -1 : at) + by));
    this.#select(this.shown[to], true);
    this.changed();
  }
}

