// A daemon to look at: `expacti simulate`, with reviewers, in a folder of its own.

import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createHmac } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const EXPACTI = process.env.EXPACTI_BIN ?? path.join(here, "../../../target/debug/expacti");

// Stands for a folder of this daemon, where it keeps an exec log, and for a socket where its agent asks.
export const HOME = "@home";
export const OWN = "@own";
// What agents try: the first fourteen wait for people.
export const REQUESTS = path.join(here, "requests.jsonl");
// Rules of a team, beside those in the binary.
export const RULES = path.join(here, "team.toml");

export class Daemon {
  static async start(...options) {
    const daemon = new Daemon();
    daemon.folder = fs.mkdtempSync(path.join(os.tmpdir(), "expacti-web-"));
    daemon.options = options;
    await daemon.up("127.0.0.1:0");
    return daemon;
  }

  get socket() {
    return path.join(this.folder, "api.sock");
  }

  get own() {
    return path.join(this.folder, "own.sock");
  }

  async up(address) {
    const where = ["--socket", this.socket, "--reviewers", path.join(this.folder, "reviewers.toml"), "--tcp", address];
    const fast = ["--rate", "5000"];
    const places = { [HOME]: path.join(this.folder, "home"), [OWN]: this.own };
    const options = this.options.map((option) => places[option] ?? option);
    this.child = spawn(EXPACTI, ["simulate", ...where, ...fast, ...options], { stdio: ["ignore", "pipe", "inherit"] });
    // It says so when it serves.
    const lines = createInterface({ input: this.child.stdout });
    for await (const line of lines) {
      const said = /on (http:\/\/([^)]+))\)/.exec(line);
      if (said) [, this.url, this.address] = said;
      break;
    }
    if (!this.url) throw new Error("the simulation does not start");
  }

  async down() {
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    // Where a test has stopped it.
    this.child.kill("SIGCONT");
    this.child.kill("SIGINT");
    await ended;
  }

  // Another life at the same place.
  async again() {
    await this.down();
    await this.up(this.address);
  }

  async end() {
    await this.down();
    fs.rmSync(this.folder, { recursive: true });
  }

  // Adds a reviewer; gives their token.
  reviewer(name, ...roles) {
    const asked = (roles.length > 0 ? roles : ["reviewer"]).flatMap((role) => ["--role", role]);
    return this.expacti("reviewer", "add", name, ...asked).trim();
  }

  // With an authenticator: gives their token, and what the authenticator shows now (RFC 6238).
  reviewerWithDigits(name) {
    const env = { ...process.env, EXPACTI_SOCKET: this.socket };
    const added = spawnSync(EXPACTI, ["reviewer", "add", name, "--role", "reviewer", "--with-totp"], { env, encoding: "utf8" });
    const said = added.stdout + added.stderr;
    const secret = /secret=([A-Z2-7]+)/.exec(said)[1];
    const bits = [...secret].map((digit) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(digit).toString(2).padStart(5, "0")).join("");
    const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
    const code = () => {
      const step = Buffer.alloc(8);
      step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
      const hash = createHmac("sha1", key).update(step).digest();
      const number = hash.readUInt32BE(hash[19] & 15) & 0x7fffffff;
      return String(number % 1_000_000).padStart(6, "0");
    };
    return { token: added.stdout.split("\n").find((line) => line.startsWith(`${name}.`)), code };
  }

  expacti(...args) {
    const env = { ...process.env, EXPACTI_SOCKET: this.socket, EXPACTI_OWN_SOCKET: this.own };
    return execFileSync(EXPACTI, args, { env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  }

  // Asks the API as somebody.
  async ask(token, where, options = {}) {
    const response = await fetch(`${this.url}${where}`, { ...options, headers: { authorization: `Bearer ${token}`, "content-type": "application/json" } });
    return response.status === 204 ? null : response.json();
  }
}

// Goes to the console and signs in.
export async function signIn(page, daemon, token, where = "/") {
  await page.goto(`${daemon.url}${where}`);
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.locator(".frame").waitFor();
}

// The chosen card is whole, and has been there for long enough to be decided.
export async function ready(page) {
  await page.locator('.verdict button.deny[aria-disabled="false"]').waitFor();
}
