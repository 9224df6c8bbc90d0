// What waits, by risk and age.

import { get } from "./api.js";

export class Cards {
  constructor() {
    this.byId = new Map();
    this.order = [];
    this.asOf = null;
  }

  // Everything, page by page; `onPage` after each of them.
  async load(onPage = () => {}) {
    const seen = new Set();
    let after = 0, asOf = null;
    do {
      const page = await get(`/v1/cards?limit=1000&after=${after}`, { background: true });
      // What happens while pages come is in the stream behind the first of them.
      asOf ??= page.as_of;
      for (const card of page.cards) {
        seen.add(card.id);
        this.put(card, false);
      }
      after = page.next;
      if (after === undefined) this.#retain(seen);
      this.#sort();
      onPage();
    } while (after !== undefined);
    this.asOf = asOf;
  }

  put(card, sort = true) {
    const now = performance.now();
    const known = this.byId.get(card.id);
    const entry = {
      card,
      opened: now - card.waiting_ms,
      deadline: now + card.remaining_ms,
      ended: null,
    };
    this.byId.set(card.id, entry);
    if (!sort || (known && known.card.score === card.score)) return;
    if (known) this.order.splice(this.order.indexOf(card.id), 1);
    this.order.splice(this.#place(entry.card), 0, card.id);
  }

  // It is done with, and stays visible as such until `forget`.
  end(id, outcome) {
    const entry = this.byId.get(id);
    if (!entry || entry.ended) return;
    entry.ended = { outcome, at: performance.now() };
  }

  forget(id) {
    if (!this.byId.delete(id)) return;
    const at = this.order.indexOf(id);
    if (at >= 0) this.order.splice(at, 1);
  }

  get(id) {
    return this.byId.get(id);
  }

  waiting() {
    let count = 0, critical = 0;
    for (const { card, ended } of this.byId.values()) {
      if (ended) continue;
      count += 1;
      critical += card.level === "CRITICAL" ? 1 : 0;
    }
    return { count, critical };
  }

  #retain(seen) {
    for (const [id, entry] of this.byId) {
      if (!seen.has(id) && !entry.ended) this.byId.delete(id);
    }
  }

  #sort() {
    this.order = [...this.byId.keys()].sort((a, b) => compare(this.byId.get(a).card, this.byId.get(b).card));
  }

  #place(card) {
    let low = 0, high = this.order.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(this.byId.get(this.order[middle]).card, card) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

// The riskiest first, and of those the oldest.
function compare(a, b) {
  return b.score - a.score || a.id - b.id;
}
