// The live stream, read by hand: unlike EventSource this sees the signs of life between events, so that a connection
// which hangs is told from one on which nothing happens.

import { Problem, send } from "./api.js";

// The daemon says something every ten seconds at the latest.
const SILENCE = 22_000;
const POLL_EVERY = 3_000;
const RETRY = [300, 800, 1_500, 3_000, 5_000];

export class Live {
  // onEvent(name, data), onReload() where everything has to be looked at anew, onState(state): live, polling, lost.
  constructor({ onEvent, onReload, onState }) {
    Object.assign(this, { onEvent, onReload, onState });
    this.state = "connecting";
    this.heard = 0;
    this.lastId = null;
    this.stopped = false;
    this.silentStreams = 0;
    this.watch = setInterval(() => this.#look(), 1_000);
  }

  // What is on the screen is what waits, as far as anybody can know.
  isFresh() {
    const limit = this.state === "polling" ? 4 * POLL_EVERY : SILENCE;
    return (this.state === "live" || this.state === "polling") && performance.now() - this.heard < limit;
  }

  stop() {
    this.stopped = true;
    clearInterval(this.watch);
    this.abort?.abort();
  }

  async run(asOf) {
    this.lastId = asOf;
    for (let failures = 0; !this.stopped; ) {
      try {
        if (this.silentStreams >= 2) await this.#poll();
        else await this.#stream();
        failures = 0;
      } catch (error) {
        if (this.stopped || error.status === 401) return;
      }
      if (this.stopped) return;
      if (this.state !== "polling") this.#become("lost");
      await new Promise((wake) => setTimeout(wake, RETRY[Math.min(failures, RETRY.length - 1)]));
      failures += 1;
    }
  }

  async #stream() {
    this.abort = new AbortController();
    this.opened = performance.now();
    let said = false;
    const headers = { accept: "text/event-stream" };
    if (this.lastId) headers["last-event-id"] = this.lastId;
    const { signal } = this.abort;
    let rest = "";
    try {
      const response = await send("GET", "/v1/events", { background: true, signal, headers });
      if (!response.ok) {
        await response.body?.cancel();
        throw new Problem(response.status, "no-stream", "There is no live stream.");
      }
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        said = true;
        this.silentStreams = 0;
        this.#hear();
        const events = (rest + value).split("\n\n");
        rest = events.pop();
        for (const event of events) await this.#take(event);
      }
    } finally {
      // Where not even the greeting comes, something on the way holds the stream back.
      if (!said) this.silentStreams += 1;
    }
  }

  async #take(text) {
    let name = "", data = "", id = null;
    for (const line of text.split("\n")) {
      if (line.startsWith("event:")) name = line.slice(6).trim();
      else if (line.startsWith("data:")) data += line.slice(5).trimStart();
      else if (line.startsWith("id:")) id = line.slice(3).trim();
    }
    if (!name) return;
    if (name === "reload") await this.onReload();
    else if (name !== "hello") this.onEvent(name, JSON.parse(data));
    if (id) this.lastId = id;
    this.#become("live");
  }

  async #poll() {
    await this.onReload();
    this.#hear();
    // When the daemon has come back, and now and then, the stream gets another chance.
    this.polls = this.state === "polling" ? this.polls + 1 : 0;
    if (this.polls % 20 === 0) this.silentStreams = 1;
    this.#become("polling");
    await new Promise((wake) => setTimeout(wake, POLL_EVERY));
  }

  #hear() {
    this.heard = performance.now();
  }

  #look() {
    const now = performance.now();
    const isStreaming = this.abort && !this.abort.signal.aborted && this.silentStreams < 2;
    const greeted = this.heard > (this.opened ?? 0);
    const limit = greeted ? SILENCE : 5_000;
    if (isStreaming && this.opened && now - Math.max(this.heard, this.opened) > limit) this.abort.abort();
    if (this.state !== "connecting" && !this.isFresh()) this.#become("lost");
  }

  #become(state) {
    if (this.state === state) return;
    this.state = state;
    this.onState(state);
  }
}
