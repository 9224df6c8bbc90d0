// The exec log: searched as on the command line, saved in the address, as long as it may be.

import { get, may, post } from "./api.js";
import { el, replace, toast } from "./dom.js";
import { List } from "./list.js";
import { Pages } from "./pages.js";
import { ago, clock, count, plural } from "./words.js";

const ROW = 44;

// How the key of a row begins whose record is not here yet.
const AWAITED = "at-";

const FILTERS = [
  ["level", "Risk", ["", "medium", "high", "critical"]],
  ["decision", "Ended", ["", "allowed", "denied", "held", "pending", "withdrawn", "timeout"]],
  ["since", "Since", ["", "1h", "24h", "7d", "30d"]],
];

export function open({ go }) {
  return new Log(go);
}

class Log {
  constructor(go) {
    this.go = go;
    this.name = "Log";
    this.pages = new Pages("", () => this.#arrived());
    this.list = new List({
      height: ROW,
      label: "Attempts, newest first",
      role: "list",
      rowRole: "listitem",
      beyond: false,
      length: () => this.pages.total,
      key: (index) => this.pages.at(index)?.id ?? `${AWAITED}${index}`,
      draw: (row, index) => draw(row, this.pages.at(index)),
      onScroll: (first, last) => this.pages.want(first, last),
    });
    this.list.element.addEventListener("click", (event) => {
      const row = event.target.closest?.(".row");
      if (row && !row.dataset.key.startsWith(AWAITED) && !event.target.closest("a")) go(`/log/${row.dataset.key}`);
    });
    this.question = el("input", { id: "question", type: "search", name: "q", spellcheck: "false", autocapitalize: "none", placeholder: 'agent:claude level:high since:2h "drop table"' });
    this.filters = FILTERS.map(([field, label, values]) => {
      const select = el("select", { id: `filter-${field}` }, values.map((value) => el("option", { value }, value || "any")));
      select.addEventListener("change", () => this.#set(field, select.value));
      return { field, select, element: el("label", { class: "filter" }, el("span", null, label), select) };
    });
    this.said = el("p", { class: "log-state", role: "status" });
    this.chain = el("div", { class: "chain" });
    const form = el("form", { class: "search", role: "search" }, el("label", { class: "hidden-text", for: "question" }, "Question"), this.question, el("button", { class: "primary", type: "submit" }, "Search"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#go(this.question.value.trim());
    });
    this.exports = el("span", { class: "exports" });
    this.element = el(
      "main",
      { class: "log" },
      el("div", { class: "log-head" }, el("div", { class: "title-row" }, el("h1", null, "Log"), this.chain), form, el("div", { class: "filters" }, this.filters.map((one) => one.element), this.exports), this.said),
      this.list.element,
    );
    this.onKey = (event) => {
      if (event.key === "/" && !event.target.closest?.("input, textarea, select")) {
        event.preventDefault();
        this.question.focus();
      }
    };
    document.addEventListener("keydown", this.onKey);
    this.#search(new URLSearchParams(location.search).get("q") ?? "");
    this.#showChain();
  }

  close() {
    this.list.close();
    this.pages.close();
    clearTimeout(this.looking);
    document.removeEventListener("keydown", this.onKey);
  }

  #go(question) {
    this.go(`/log${question ? `?q=${encodeURIComponent(question)}` : ""}`);
  }

  // Puts one field of the question in the place of what it was.
  #set(field, value) {
    const rest = this.question.value.replace(new RegExp(`(^|\\s)${field}:(?:"[^"]*"|\\S+)`, "g"), " ").trim();
    this.#go(`${rest}${value ? ` ${field}:${value}` : ""}`.trim());
  }

  #search(question) {
    this.question.value = question;
    for (const { field, select } of this.filters) {
      const value = new RegExp(`(?:^|\\s)${field}:(\\S+)`).exec(question)?.[1] ?? "";
      if (![...select.options].some((option) => option.value === value)) select.append(el("option", { value }, value));
      select.value = value;
    }
    const formats = may("admin", "auditor") ? ["jsonl", "csv", "ocsf", "cef", "otlp"] : [];
    replace(this.exports, formats.length > 0 && el("span", { class: "faint" }, "Export"), formats.map((format) => el("a", { class: "export", href: `/v1/records/export?format=${format}&q=${encodeURIComponent(question)}`, download: `expacti-log.${format}` }, format.toUpperCase())));
    this.pages.close();
    this.pages = new Pages(question, () => this.#arrived());
    this.list.element.scrollTop = 0;
    this.pages.want(0, 1);
  }

  // Something of what was asked for is here, or the reason why it is not.
  #arrived() {
    const { problem, total } = this.pages;
    replace(this.said, problem ? problem.message : total === 0 ? "Nothing fits." : plural(total, "attempt"));
    this.said.classList.toggle("bad", Boolean(problem));
    this.list.render();
  }

  async #showChain() {
    try {
      this.#drawChain(await get("/v1/chain"));
    } catch {
      replace(this.chain);
    }
  }

  #drawChain({ running, at, bad, chains }) {
    const verify = el("button", { type: "button", onclick: () => this.#prove() }, "Verify now");
    const upTo = chains.map((chain) => count(chain.position)).join(", ");
    const words = running
      ? el("span", null, "Proving every record…")
      : bad
        ? el("span", { class: "broken" }, `NOT WHOLE: ${bad}`)
        : at
          ? el("span", { class: "whole" }, `Verified up to record ${upTo}, ${ago(Date.now() - at * 1000)}`)
          : el("span", { class: "faint" }, "Not verified since the daemon began");
    replace(this.chain, words, !running && verify);
    if (running) this.looking = setTimeout(() => this.#showChain(), 700);
  }

  async #prove() {
    try {
      this.#drawChain(await post("/v1/chain", {}));
    } catch (problem) {
      toast(problem.message, "bad");
    }
  }
}

function draw(row, record) {
  if (!record) {
    row.className = "row awaited";
    replace(row, el("span", { class: "faint" }, "…"));
    return;
  }
  row.className = `row ${record.state}`;
  replace(
    row,
    el("time", { datetime: new Date(record.time_us / 1000).toISOString() }, clock(record.time_us)),
    el("span", { class: `score ${record.level.toLowerCase()}`, title: record.level }, String(record.score)),
    el("span", { class: `outcome ${record.state}` }, record.state),
    el("span", { class: "agent" }, record.agent),
    el("a", { class: "what", href: `/log/${record.id}` }, el("code", null, record.command, record.command_left_out > 0 && "…")),
    el("span", { class: "by" }, record.by),
  );
}
