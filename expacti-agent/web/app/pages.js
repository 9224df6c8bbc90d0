// What fits a question of the exec log, as long as it may be: pages come when somebody looks at them, and go again.

import { get } from "./api.js";

const PAGE = 200;

// Pages that are kept; the ones looked at last.
const KEPT = 40;

// A scroll bar that is dragged passes many pages that nobody wants to see.
const SETTLE = 60;

// After a failure.
const PATIENCE = 2_000;

export class Pages {
  // arrived(): called when there is more to show, or a problem.
  constructor(question, arrived) {
    Object.assign(this, { question, arrived, total: 0, problem: null, notBefore: 0 });
    this.pages = new Map();
    // Where a page begins, as far as that is known.
    this.places = new Map();
    this.loading = new Set();
    this.closed = false;
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
  }

  at(index) {
    return this.pages.get(Math.floor(index / PAGE))?.[index % PAGE];
  }

  // These are looked at.
  want(first, last) {
    const from = Math.floor(first / PAGE), to = Math.floor(Math.max(first, last - 1) / PAGE);
    this.wanted = [];
    for (let page = from; page <= to; page += 1) {
      const known = this.pages.get(page);
      if (known) {
        // Looked at last.
        this.pages.delete(page);
        this.pages.set(page, known);
      } else if (page === 0 || page * PAGE < this.total) this.wanted.push(page);
    }
    if (this.wanted.length === 0 || performance.now() < this.notBefore) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.wanted.forEach((page) => this.#load(page)), this.total === 0 ? 0 : SETTLE);
  }

  async #load(page) {
    if (this.closed || this.loading.has(page) || this.pages.has(page)) return;
    this.loading.add(page);
    try {
      const { records, next, from, total } = await get(`/v1/records?limit=${PAGE}&q=${encodeURIComponent(this.question)}${this.#place(page)}`);
      if (total !== undefined) this.total = Math.max(total, records.length);
      // Whatever comes meanwhile, the first page stays the first.
      if (page === 0 && from !== undefined) this.places.set(0, from);
      if (next === undefined) this.total = page * PAGE + records.length;
      else this.places.set(page + 1, next);
      this.pages.set(page, records);
      if (this.pages.size > KEPT) this.pages.delete(this.pages.keys().next().value);
      this.problem = null;
    } catch (problem) {
      this.problem = problem;
      this.notBefore = performance.now() + PATIENCE;
    }
    this.loading.delete(page);
    if (!this.closed) this.arrived();
  }

  #place(page) {
    if (this.places.has(page)) return `&after=${this.places.get(page)}`;
    if (page === 0) return "&total=true";
    return `&after=${this.places.get(0)}&skip=${page * PAGE}`;
  }
}
