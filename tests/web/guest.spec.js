// The console of a real daemon in a guest, over TLS and a forwarded port: what is pressed here runs or fails there.
//
// `cargo xtask test` runs it on one kernel. By hand: EXPACTI_XTASK=target/debug/xtask npx playwright test guest.spec.js

import { spawn } from "node:child_process";
import { createServer } from "node:net";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "@playwright/test";
import { ready, signIn } from "./support/daemon.js";

const XTASK = process.env.EXPACTI_XTASK;
const KERNEL = process.env.EXPACTI_KERNEL ?? "6.12";
const here = path.dirname(fileURLToPath(import.meta.url));

test.use({ ignoreHTTPSErrors: true });
test.describe.configure({ mode: "serial" });

// A guest, and what it says line by line.
class Guest {
  static async boot() {
    const guest = new Guest();
    const port = await freePort();
    guest.url = `https://127.0.0.1:${port}`;
    const script = path.join(here, "support/guest.sh");
    guest.child = spawn(XTASK, ["vm", "--kernel", KERNEL, "--forward", `${port}:7443`, "--limit", "170", "--script", script], { cwd: path.join(here, "../.."), stdio: ["ignore", "pipe", "inherit"] });
    guest.lines = [];
    guest.waiting = [];
    createInterface({ input: guest.child.stdout }).on("line", (line) => {
      guest.lines.push(line);
      guest.waiting.forEach((look) => look());
    });
    guest.ended = new Promise((resolve) => guest.child.once("exit", resolve));
    return guest;
  }

  // The rest of the first line that begins so.
  says(words) {
    const find = () => this.lines.find((line) => line.startsWith(words))?.slice(words.length).trim();
    return Promise.race([
      new Promise((resolve) => {
        const look = () => find() !== undefined && resolve(find());
        this.waiting.push(look);
        look();
      }),
      this.ended.then((code) => find() ?? Promise.reject(new Error(`the guest ended with ${code} before it said: ${words}\n${this.lines.join("\n")}`))),
    ]);
  }
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

let guest, token;

test.beforeAll(async () => {
  test.setTimeout(180_000);
  guest = await Guest.boot();
  token = await guest.says("token ");
});

test.afterAll(async () => {
  guest?.child.kill();
  await guest?.ended;
});

test("a held command runs when it is approved by keyboard, and fails when it is denied", async ({ page }) => {
  test.setTimeout(90_000);
  await signIn(page, guest, token);
  await expect(page.locator(".tokens").first()).toContainText("--force");
  await ready(page);
  await page.keyboard.press("a");
  // What git says where there is no repository: it ran.
  expect(await guest.says("approved ended ")).toBe("128");

  // It came while nothing else waited, so nobody has chosen it yet.
  await page.locator(".row", { hasText: "release" }).waitFor({ timeout: 30_000 });
  await page.keyboard.press("j");
  await expect(page.locator(".tokens").first()).toContainText("release");
  await ready(page);
  await page.keyboard.press("n");
  await page.getByRole("textbox", { name: "Note" }).fill("not on a Friday");
  await page.keyboard.press("Enter");
  await page.keyboard.press("d");
  // What a shell says where an exec is not permitted.
  expect(await guest.says("denied ended ")).toBe("126");
  expect(await guest.says("told: expacti: denied (")).toContain("not on a Friday");

  // The cookie is bound to the host and to TLS.
  const cookies = await page.context().cookies();
  expect(cookies.map(({ name, httpOnly, secure, sameSite }) => ({ name, httpOnly, secure, sameSite }))).toEqual([{ name: "__Host-expacti", httpOnly: true, secure: true, sameSite: "Strict" }]);
});

test("a rule that is written here is in force there, and the log says who wrote it", async ({ page }) => {
  test.setTimeout(90_000);
  await signIn(page, guest, token, "/agents");
  const claude = page.getByRole("region", { name: "claude" });
  await expect(claude.getByText("enforce")).toBeVisible();
  await expect(claude.getByText("holds before the exec")).toBeVisible();
  await page.goto(`${guest.url}/rules`);
  await expect(page.getByText("/learned.toml")).toBeVisible();
  const text = page.getByLabel("TOML");
  const rule = '[[rule]]\nname = "no-echo"\ndecision = "deny"\nbecause = "we said so"\nargv = ["/bin/echo", "hi"]\n';
  await text.fill(`${await text.inputValue()}${rule}`);
  await page.getByRole("button", { name: "Save…" }).click();
  await expect(page.getByRole("dialog")).toContainText('+name = "no-echo"');
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await expect(page.locator("#toasts")).toContainText("In force: generation");
  expect(await guest.says("ruled ended ")).toBe("126");
  const newest = page.getByRole("region", { name: "History" }).locator("li").first();
  await expect(newest).toContainText("alice", { timeout: 30_000 });
  await newest.locator("summary").click();
  await expect(newest.locator(".line.added", { hasText: 'name = "no-echo"' })).toBeVisible();
  await expect(page.locator("table").getByText("no-echo")).toBeVisible({ timeout: 30_000 });
  const added = await page.request.post(`${guest.url}/v1/reviewers`, { headers: { authorization: `Bearer ${token}` }, data: { name: "bob", roles: ["viewer"] } });
  expect(added.status()).toBe(201);
});
