// Puts the console together: who is signed in, what waits, which page is shown.

import { get, onSession, resume, session } from "./api.js";
import { alert, badgeTab } from "./alerts.js";
import { Cards } from "./cards.js";
import { el, replace } from "./dom.js";
import { Frame } from "./frame.js";
import { Live } from "./live.js";
import { Queue } from "./queue.js";
import { signIn } from "./signin.js";

const app = document.getElementById("app");

// Pages beside the queue, fetched when somebody goes there. Each `open` gives { element, name, close?, onEvent? }.
const OTHERS = {
  agents: () => import("./agents.js"),
  log: () => import("./log.js"),
  overview: () => import("./overview.js"),
  record: () => import("./record.js"),
  rules: () => import("./rules.js"),
};

// "/log/3f2a9c1e-42?x" is { page: "record", path: "/log", id: "3f2a9c1e-42" }.
function route() {
  const [, first = "", id] = location.pathname.split("/");
  if (first === "" || first === "queue" || first === "sign-in") return { page: "queue", path: "/", id: Number(id) || null };
  if (first === "log" && id) return { page: "record", path: "/log", id: decodeURIComponent(id) };
  return { page: first in OTHERS ? first : "queue", path: first in OTHERS ? `/${first}` : "/", id: null };
}

class Console {
  constructor() {
    this.cards = new Cards();
    this.frame = new Frame({ go: (path) => this.go(path) });
    this.live = new Live({
      onEvent: (name, data) => this.#onEvent(name, data),
      onReload: () => this.#reload(),
      onState: (state) => {
        this.frame.connection(state);
        this.page?.verdict?.refresh();
      },
    });
    this.frame.connection("connecting");
    this.onPop = () => this.show();
    window.addEventListener("popstate", this.onPop);
    this.#keepSignedIn();
  }

  async start() {
    replace(app, this.frame.element);
    // The first page of cards is enough to begin with.
    let isShown = false;
    const more = () => {
      if (!isShown) this.show();
      else this.page?.changed?.();
      isShown = true;
      this.#badge();
    };
    for (let wait = 500; !this.isClosed; wait = Math.min(wait * 2, 5_000)) {
      try {
        await this.cards.load(more);
        break;
      } catch (problem) {
        if (problem.status === 401) return;
        this.frame.connection("lost");
        await new Promise((wake) => setTimeout(wake, wait));
      }
    }
    if (!this.isClosed) this.live.run(this.cards.asOf);
  }

  close() {
    this.isClosed = true;
    this.live.stop();
    this.page?.close?.();
    window.removeEventListener("popstate", this.onPop);
    for (const event of ["pointerdown", "keydown"]) document.removeEventListener(event, this.onSign);
  }

  go(path) {
    history.pushState(null, "", path);
    this.show();
  }

  async show() {
    const { page, path, id } = route();
    const wanted = (this.wanted = Symbol(page));
    const context = { id, cards: this.cards, live: this.live, go: (to) => this.go(to) };
    let next;
    if (page === "queue") {
      next = new Queue({ ...context, chosen: id });
      next.name = "Queue";
    } else {
      const { open } = await OTHERS[page]();
      if (this.wanted !== wanted) return;
      next = open(context);
    }
    this.page?.close?.();
    this.page = next;
    this.frame.show(path, next.element);
    next.ready?.();
    next.list?.measure?.();
    // For measurements: what waits is on the screen.
    if (page === "queue") requestAnimationFrame(() => performance.mark("queue-painted"));
    this.#badge();
  }

  #onEvent(name, data) {
    if (name === "card-opened" || name === "card-changed") {
      const isNew = !this.cards.get(data.id);
      this.cards.put(data);
      if (isNew) alert(data);
    } else if (name === "card-closed") {
      this.cards.end(data.id, data.outcome);
    }
    if (name.startsWith("card-")) this.page?.onCard?.(data.id);
    this.page?.onEvent?.(name, data);
    this.#badge();
  }

  async #reload() {
    await this.cards.load();
    this.page?.onReload?.();
    this.#badge();
  }

  #badge() {
    badgeTab(this.page?.name ?? "Queue", this.cards.waiting());
  }

  // Whoever reads and moves is there, even if they decide nothing for an hour.
  #keepSignedIn() {
    let last = performance.now();
    this.onSign = () => {
      if (performance.now() - last < 5 * 60_000) return;
      last = performance.now();
      get("/v1/session").catch(() => {});
    };
    for (const event of ["pointerdown", "keydown"]) document.addEventListener(event, this.onSign);
  }
}

let console_ = null;

function become(next, why) {
  console_?.close();
  console_ = null;
  if (next) {
    if (location.pathname === "/sign-in") history.replaceState(null, "", "/");
    console_ = new Console();
    console_.start();
    return;
  }
  document.title = "Sign in · expacti";
  const form = signIn(why);
  replace(app, form.element);
  form.ready();
}

document.body.append(
  el("div", { id: "toasts", class: "toasts", role: "status" }),
  el("div", { id: "announcer", class: "hidden-text", "aria-live": "polite" }),
);
onSession(become);

async function begin() {
  try {
    await resume();
  } catch {
    replace(app, el("main", { class: "sign-in" }, el("p", { class: "notice bad", role: "alert" }, "The daemon cannot be reached. Trying again…")));
    if (!session) setTimeout(begin, 2_000);
  }
}

begin();
