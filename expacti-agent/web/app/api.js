// The public API, as whoever has signed in.

export class Problem extends Error {
  constructor(status, code, detail) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

// Who has signed in; none before.
export let session = null;

const watchers = new Set();

// Tells of each sign-in and sign-out.
export function onSession(watcher) {
  watchers.add(watcher);
}

function become(next, why) {
  session = next;
  for (const watcher of watchers) watcher(next, why);
}

export function may(...roles) {
  return Boolean(session) && roles.some((role) => session.me.roles.includes(role));
}

export async function open(token, totp) {
  const body = totp ? { token, totp } : { token };
  become(await call("POST", "/v1/session", { body, quiet: true }));
}

// Takes up a session that the browser still has.
export async function resume() {
  try {
    become(await call("GET", "/v1/session", { quiet: true }));
  } catch (problem) {
    if (problem.status !== 401) throw problem;
    become(null);
  }
}

export async function close() {
  await call("DELETE", "/v1/session");
  become(null, "You have signed out.");
}

export function totpShown() {
  if (session) session.totp_shown = true;
}

export const get = (path, options) => call("GET", path, options);
export const post = (path, body, options) => call("POST", path, { ...options, body });
export const put = (path, body, options) => call("PUT", path, { ...options, body });
export const remove = (path) => call("DELETE", path);

// Answers overtake each other. Each call is a question; when its answer is there, what it gives tells whether that counts:
// not if a later question was answered before.
export function turns() {
  let asked = 0, answered = 0;
  return () => {
    const mine = ++asked;
    return () => {
      answered = Math.max(answered, mine);
      return answered === mine;
    };
  };
}

// Does it, and again with the six digits that `digits` asks for where they are due.
export async function withTotp(digits, act) {
  try {
    return await act();
  } catch (problem) {
    if (problem.code !== "totp-missing") throw problem;
    const totp = await digits();
    if (!totp) throw problem;
    const done = await act(totp);
    totpShown();
    return done;
  }
}

async function call(method, path, { body, background, totp, signal, quiet } = {}) {
  const response = await send(method, path, { body, background, totp, signal });
  if (response.status === 204) return null;
  if (response.ok) return response.json();
  const problem = await problemOf(response);
  if (problem.status === 401 && !quiet && session) {
    become(null, "Your session has ended. Sign in to go on.");
  }
  throw problem;
}

export async function send(method, path, { body, background, totp, signal, headers } = {}) {
  const all = { ...headers };
  if (body !== undefined) all["content-type"] = "application/json";
  if (session && method !== "GET") all["expacti-csrf"] = session.csrf;
  // What the page does by itself does not keep an empty chair signed in.
  if (background) all["expacti-background"] = "1";
  if (totp) all["expacti-totp"] = totp;
  const options = { method, headers: all, signal, credentials: "same-origin", cache: "no-store" };
  if (body !== undefined) options.body = JSON.stringify(body);
  try {
    return await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "unreachable", "The daemon cannot be reached.");
  }
}

async function problemOf(response) {
  try {
    const body = await response.json();
    const code = String(body.type ?? "").replace("urn:expacti:problem:", "");
    return new Problem(response.status, code, body.detail ?? response.statusText);
  } catch {
    return new Problem(response.status, "strange", `The daemon answered with status ${response.status}.`);
  }
}
