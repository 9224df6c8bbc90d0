// Who changed the rules in force, when and how.

import { get, turns } from "./api.js";
import { changed } from "./editor.js";
import { el, replace } from "./dom.js";
import { clock, plural } from "./words.js";

export function history() {
  const place = el("div");
  const element = el("section", { class: "panel", "aria-label": "History" }, el("h2", null, "History"), place);
  const turn = turns();
  const reload = async () => {
    const counts = turn();
    try {
      const changes = await get("/v1/rules/history", { background: true });
      if (!counts()) return;
      replace(place, changes.length === 0 ? el("p", { class: "faint" }, "No change is on record.") : el("ol", { class: "history" }, changes.map(entry)));
    } catch (problem) {
      if (counts()) replace(place, el("p", { class: "faint" }, problem.message));
    }
  };
  return { element, reload };
}

function entry({ at_us: at, by, generation, added, removed, diff }) {
  const lines = el("div");
  const details = el(
    "details",
    null,
    el("summary", null, el("time", null, clock(at)), " ", el("b", null, by || "a daemon began"), el("span", { class: "faint" }, ` · generation ${generation} · ${plural(added, "line")} new, ${removed} gone`)),
    lines,
  );
  // Long ones are drawn for those who look.
  details.addEventListener("toggle", () => details.open && replace(lines, changed(diff.trimEnd().split("\n"))), { once: true });
  return el("li", null, details);
}
