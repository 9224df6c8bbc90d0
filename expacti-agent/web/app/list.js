// A list of any length, of which only what can be seen is in the page. Rows have one height.

import { el } from "./dom.js";

const MARGIN = 8;

// Browsers end elements at about 33 million pixels. A list that is longer moves faster than its scroll bar.
const TALLEST = 30_000_000;

export class List {
  // draw(row, index): fills a row; key(index): what is in it.
  constructor({ height, label, draw, key, length, onScroll, role = "listbox", rowRole = "option", beyond = true }) {
    Object.assign(this, { height, draw, key, length, onScroll, rowRole, beyond });
    this.rows = new Map();
    this.space = el("div", { class: "list-space" });
    this.element = el("div", { class: "list", role, tabindex: "0", "aria-label": label }, this.space);
    this.element.addEventListener("scroll", () => this.render(), { passive: true });
    this.element.addEventListener("wheel", (event) => this.#step(event, event.deltaMode === 0 ? event.deltaY : event.deltaY * this.height), { passive: false });
    this.element.addEventListener("keydown", (event) => this.#step(event, { PageDown: this.view - this.height, PageUp: this.height - this.view, ArrowDown: this.height, ArrowUp: -this.height }[event.key] ?? 0));
    this.resize = new ResizeObserver(() => this.measure());
    this.resize.observe(this.element);
    this.view = 600;
    this.scale = 1;
  }

  close() {
    this.resize.disconnect();
  }

  measure() {
    this.view = this.element.clientHeight || this.view;
    this.render();
  }

  render(force = false) {
    const total = this.length();
    // Room behind the last row, so that any row can stay where it is whatever is put above it.
    const room = this.beyond && total > 0 ? Math.max(0, this.view - this.height) : 0;
    const tall = total * this.height + room;
    this.space.style.height = `${Math.min(tall, TALLEST)}px`;
    this.scale = tall > TALLEST ? (tall - this.view) / (TALLEST - this.view) : 1;
    const { scrollTop } = this.element;
    const top = scrollTop * this.scale;
    const first = Math.max(0, Math.floor(top / this.height) - MARGIN);
    const last = Math.min(total, Math.ceil((top + this.view) / this.height) + MARGIN);
    const kept = new Set();
    for (let index = first; index < last; index += 1) {
      const key = this.key(index);
      kept.add(key);
      let row = this.rows.get(key);
      if (!row) {
        row = el("div", { class: "row", role: this.rowRole, id: `row-${key}` });
        row.dataset.key = key;
        this.rows.set(key, row);
        this.space.append(row);
        this.draw(row, index);
      } else if (force) {
        this.draw(row, index);
      }
      if (row.dataset.index !== String(index)) {
        row.dataset.index = index;
        row.setAttribute("aria-posinset", index + 1);
        row.style.transform = `translateY(${index * this.height + scrollTop - top}px)`;
      } else if (this.scale !== 1) {
        row.style.transform = `translateY(${index * this.height + scrollTop - top}px)`;
      }
      row.setAttribute("aria-setsize", total);
    }
    for (const [key, row] of this.rows) {
      if (kept.has(key)) continue;
      row.remove();
      this.rows.delete(key);
    }
    this.onScroll?.(first, last);
  }

  // Where the scroll bar is too coarse, wheel and keys still go row by row.
  #step(event, pixels) {
    if (!(this.scale > 1) || pixels === 0) return;
    event.preventDefault();
    this.element.scrollTop += pixels / this.scale;
  }

  redraw(key) {
    const row = this.rows.get(key);
    if (row) this.draw(row, Number(row.dataset.index));
  }

  // Draws anew what can be seen, such as for a countdown.
  each(visit) {
    for (const [key, row] of this.rows) visit(key, row);
  }

  reveal(index) {
    const top = index * this.height;
    const shown = this.element.scrollTop * this.scale;
    if (top < shown) this.element.scrollTop = top / this.scale;
    else if (top + this.height > shown + this.view) this.element.scrollTop = (top + this.height - this.view) / this.scale;
    this.render();
  }

  // Whether a row at this index could be seen.
  sees(index) {
    const top = index * this.height - this.element.scrollTop * this.scale;
    return top > -this.height && top < this.view;
  }
}
