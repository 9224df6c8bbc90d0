// Small charts as SVG: no axis without a reason, every number also in words.

import { svg } from "./dom.js";

// Days as stacked columns: [{ label, parts: [{ value, kind }] }], oldest first.
export function columns(days, { label, height = 150 } = {}) {
  const width = 1240, gap = 10, foot = 22;
  const most = Math.max(1, ...days.map((day) => day.parts.reduce((sum, part) => sum + part.value, 0)));
  const each = width / Math.max(days.length, 1);
  const picture = svg("svg", { class: "columns", viewBox: `0 0 ${width} ${height + foot}`, role: "img", "aria-label": label });
  days.forEach((day, index) => {
    let top = height;
    const words = day.parts.map((part) => `${part.value} ${part.kind}`).join(", ");
    const group = svg("g", null, svg("title", null, `${day.label}: ${words}`));
    for (const part of day.parts) {
      const tall = (part.value / most) * (height - 4);
      top -= tall;
      if (tall > 0) group.append(svg("rect", { class: part.kind, x: index * each + gap / 2, y: top, width: Math.max(1, each - gap), height: tall, rx: 1.5 }));
    }
    if (days.length < 10 || index % 3 === 0) group.append(svg("text", { x: index * each + each / 2, y: height + 17, "text-anchor": "middle" }, day.label.slice(5)));
    picture.append(group);
  });
  return picture;
}

// A line of one number over time.
export function spark(values, label) {
  const width = 220, height = 44;
  const most = Math.max(1, ...values);
  const step = width / Math.max(values.length - 1, 1);
  const points = values.map((value, index) => `${(index * step).toFixed(1)},${(height - 2 - (value / most) * (height - 6)).toFixed(1)}`);
  return svg(
    "svg",
    { class: "spark", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label, preserveAspectRatio: "none" },
    svg("path", { class: "area", d: `M0,${height} L${points.join(" L")} L${width},${height} Z` }),
    svg("polyline", { points: points.join(" ") }),
  );
}

// A share of a whole as a ring.
export function ring(percent, label) {
  const around = 2 * Math.PI * 42;
  return svg(
    "svg",
    { class: "ring", viewBox: "0 0 100 100", role: "img", "aria-label": label },
    svg("circle", { cx: 50, cy: 50, r: 42, class: "ground" }),
    svg("circle", { cx: 50, cy: 50, r: 42, class: "share", "stroke-dasharray": `${(around * percent) / 100} ${around}`, transform: "rotate(-90 50 50)" }),
    svg("text", { x: 50, y: 56, "text-anchor": "middle" }, `${percent.toFixed(percent < 10 ? 1 : 0)}%`),
  );
}
