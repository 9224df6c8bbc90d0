// The last two weeks: how much needed people, how long that took, what they were asked.

import { get } from "./api.js";
import { columns, ring } from "./charts.js";
import { el, replace } from "./dom.js";
import { recordLine } from "./record.js";
import { count, seconds } from "./words.js";

// How many records of a kind are shown, and among how many the unusual ones are looked for.
const SHOWN = 6, LOOKED_AT = 300;

export function open({ cards }) {
  const place = el("div", { class: "overview" }, el("p", { class: "faint" }, "Loading…"));
  load(place, cards);
  return { name: "Overview", element: el("main", { class: "plain-page" }, el("div", { class: "title-row" }, el("h1", null, "Overview"), el("span", { class: "faint" }, "the last 14 days")), place) };
}

async function load(place, cards) {
  try {
    const ask = (question, limit) => get(`/v1/records?limit=${limit}&q=${encodeURIComponent(`${question} since:14d`)}`);
    const [stats, denied, risky, held] = await Promise.all([
      get("/v1/stats?q=since:14d"),
      ask("decision:denied", LOOKED_AT),
      ask("level:critical", SHOWN),
      ask("decision:held", LOOKED_AT),
    ]);
    // Whatever was unusual was held, and what changed while it waited was refused.
    const odd = new Map([...held.records, ...denied.records].filter((one) => one.unusual || one.alarms).map((one) => [one.id, one]));
    const unusual = [...odd.values()].sort((a, b) => b.time_us - a.time_us).slice(0, SHOWN);
    replace(place, draw(stats, denied.records.slice(0, SHOWN), risky.records, unusual, cards.waiting()));
  } catch (problem) {
    replace(place, el("p", { class: "notice", role: "alert" }, problem.message));
  }
}

function draw(stats, denied, risky, unusual, waiting) {
  const { reviews } = stats;
  const share = stats.allowed_without_a_human_percent;
  return [
    el(
      "div",
      { class: "figures" },
      el("section", { class: "panel figure wide" }, ring(share, `${share} percent of what ran needed no human`), el("div", null, el("b", { class: "big" }, "ran without a human"), el("p", { class: "faint" }, `of ${count(stats.allowed)} allowed`))),
      figure(count(stats.denied), "denied", `of ${count(stats.total)} decided`),
      figure(reviews.count > 0 ? seconds(reviews.p50) : "–", "half of reviews took less", reviews.count > 0 ? `nine of ten less than ${seconds(reviews.p90)}` : "no reviews yet"),
      figure(count(waiting.count), "wait now", waiting.critical > 0 ? `${waiting.critical} of them CRITICAL` : "none of them CRITICAL"),
    ),
    el("section", { class: "panel", "aria-label": "Attempts a day" }, el("h2", null, "Attempts a day"), legend(), columns(days(stats.days), { label: "attempts a day: allowed without a human, reviewed, denied" })),
    el(
      "div",
      { class: "two" },
      el("section", { class: "panel" }, el("h2", null, "Held most often"), commands(stats.held, (one) => one.reviewed), el("h2", { class: "second" }, "Commonest commands"), commands(stats.commands, (one) => one.count)),
      el("section", { class: "panel" }, el("h2", null, "Last denials"), lines(denied), el("h2", { class: "second" }, "Last CRITICAL ones"), lines(risky), el("h2", { class: "second" }, "Last unusual ones"), lines(unusual)),
    ),
  ];
}

function figure(number, what, more) {
  return el("section", { class: "panel figure" }, el("b", { class: "big" }, number), el("span", null, what), el("p", { class: "faint" }, more));
}

function legend() {
  return el("p", { class: "legend" }, ["alone", "reviewed", "denied"].map((kind) => el("span", { class: kind }, { alone: "without a human", reviewed: "reviewed", denied: "denied" }[kind])));
}

// All agents of a day together, oldest first.
function days(rows) {
  const byDate = new Map();
  for (const row of rows) {
    const day = byDate.get(row.date) ?? { allowed: 0, denied: 0, reviewed: 0 };
    for (const key of Object.keys(day)) day[key] += row[key];
    byDate.set(row.date, day);
  }
  return [...byDate].sort(([a], [b]) => a.localeCompare(b)).map(([label, { allowed, denied, reviewed }]) => {
    const seen = Math.min(allowed, reviewed);
    return { label, parts: [{ kind: "alone", value: allowed - seen }, { kind: "reviewed", value: seen }, { kind: "denied", value: denied }] };
  });
}

function commands(all, number) {
  if (all.length === 0) return el("p", { class: "faint" }, "None.");
  const most = Math.max(1, ...all.map(number));
  return el("ol", { class: "bars" }, all.slice(0, 8).map((one) => {
    const bar = el("span", { class: "bar" });
    bar.style.width = `${(number(one) / most) * 100}%`;
    return el("li", null, bar, el("code", null, one.command), el("span", { class: "number" }, count(number(one)), one.denied > 0 && el("span", { class: "finding" }, ` ${count(one.denied)} denied`)));
  }));
}

function lines(records) {
  if (records.length === 0) return el("p", { class: "faint" }, "None.");
  return el("ol", { class: "lines" }, records.map((record) => el("li", null, recordLine(record))));
}
