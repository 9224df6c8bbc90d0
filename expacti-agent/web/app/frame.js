// What stands around every page: where one can go, whether it is connected, who one is.

import { close, may, session } from "./api.js";
import { choices } from "./alerts.js";
import { el, replace, toast } from "./dom.js";

const READERS = ["reviewer", "admin", "auditor"];

// Each page: its path, its name, and who may see it.
export const PAGES = [
  { path: "/", name: "Queue", icon: "M4 6h16M4 12h16M4 18h10", roles: null },
  { path: "/log", name: "Log", icon: "M6 4h12v16H6zM9 9h6M9 13h6", roles: READERS },
  { path: "/agents", name: "Agents", icon: "M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM3 20c0-3 2-5 5-5s5 2 5 5M16 8h5M16 12h5M16 16h5", roles: null },
  { path: "/rules", name: "Rules", icon: "M5 5h9M5 12h14M5 19h6M18 3v4M8 17v4", roles: null },
  { path: "/overview", name: "Overview", icon: "M5 20V11M12 20V4M19 20v-6", roles: READERS },
];

export class Frame {
  constructor({ go }) {
    this.links = PAGES.filter(({ roles }) => !roles || may(...roles)).map(({ path, name, icon }) => {
      const link = el("a", { href: path }, glyph(icon), el("span", null, name));
      link.dataset.path = path;
      return link;
    });
    this.state = el("span", { class: "state", role: "status" });
    this.lost = el("div", { class: "lost", role: "alert", hidden: true });
    this.place = el("div", { class: "page" });
    this.element = el(
      "div",
      { class: "frame" },
      el("header", { class: "top" }, el("a", { class: "brand", href: "/", "aria-label": "expacti, to the queue" }, el("img", { src: "/console/icon.svg", alt: "", width: "26", height: "26" }), el("span", null, "expacti")), el("nav", { "aria-label": "Pages" }, this.links), this.state, menu()),
      this.lost,
      this.place,
    );
    this.element.addEventListener("click", (event) => {
      const link = event.target.closest?.("a[href^='/']");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey || link.hasAttribute("download")) return;
      event.preventDefault();
      go(link.getAttribute("href"));
    });
  }

  show(path, page) {
    for (const link of this.links) {
      const isHere = link.dataset.path === path;
      if (isHere) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    replace(this.place, page);
  }

  connection(state) {
    const words = { connecting: "Connecting", live: "Live", polling: "Every 3 s", lost: "Not connected" };
    this.state.className = `state ${state}`;
    this.state.textContent = words[state];
    this.lost.hidden = state !== "lost";
    this.lost.textContent = state === "lost" ? "Not connected to the daemon. What is shown may be over, so nothing can be decided. Trying again…" : "";
  }
}

function glyph(path) {
  const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  picture.setAttribute("viewBox", "0 0 24 24");
  picture.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", path);
  picture.append(line);
  return picture;
}

function menu() {
  const theme = choices.read("theme") ?? "system";
  const looks = ["system", "light", "dark"].map((name) => {
    const radio = el("input", { type: "radio", name: "theme", value: name, checked: name === theme });
    radio.addEventListener("change", () => {
      choices.write("theme", name === "system" ? null : name);
      if (name === "system") delete document.documentElement.dataset.theme;
      else document.documentElement.dataset.theme = name;
    });
    return el("label", { class: "choice" }, radio, name === "system" ? "As the system" : name === "light" ? "Light" : "Dark");
  });
  const sound = toggle("sound", "Sound when something waits");
  const notes = toggle("notes", "Notes of the system", async () => {
    if (!("Notification" in window)) return false;
    return (await Notification.requestPermission()) === "granted";
  });
  const out = el("button", { type: "button", class: "plain", onclick: () => close().catch((problem) => toast(problem.message, "bad")) }, "Sign out");
  const { name, roles } = session.me;
  return el(
    "details",
    { class: "menu" },
    el("summary", { "aria-label": `${name}: settings` }, el("span", { class: "initial", "aria-hidden": "true" }, name[0].toUpperCase()), el("span", { class: "name" }, name)),
    el("div", { class: "menu-body" }, el("p", null, el("b", null, name), el("br"), el("span", { class: "faint" }, roles.join(", "))), el("fieldset", null, el("legend", null, "Look"), looks), el("fieldset", null, el("legend", null, "Tell me"), sound, notes), out),
  );
}

function toggle(name, label, allow = async () => true) {
  const box = el("input", { type: "checkbox", checked: choices.read(name) === "on" });
  box.addEventListener("change", async () => {
    const isOn = box.checked && (await allow());
    box.checked = isOn;
    choices.write(name, isOn ? "on" : null);
  });
  return el("label", { class: "choice" }, box, label);
}
