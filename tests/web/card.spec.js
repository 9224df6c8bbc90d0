// A card: everything that a decision needs, and what humans said before.

import fs from "node:fs";
import path from "node:path";
import { expect, test } from "@playwright/test";
import { Daemon, HOME, OWN, REQUESTS, signIn } from "./support/daemon.js";

let daemon;
test.afterEach(async () => daemon?.end());

const block = (page, name) => page.getByRole("region", { name, exact: true });

// Requests that come one after the other, each when the one before was seen.
function requests(info, ...all) {
  fs.mkdirSync(info.outputDir, { recursive: true });
  const file = path.join(info.outputDir, "requests.jsonl");
  const agent = { name: "claude", cgroup: "/agents/claude" };
  fs.writeFileSync(file, all.map((one) => `${JSON.stringify({ agent, cwd: "/srv", exe: { path: "/usr/bin/sh", ino: 7 }, ...one })}\n`).join(""));
  return file;
}

test("a card shows who, where, what is inside, what ran before, and what the agent says", async ({ page }) => {
  daemon = await Daemon.start("--requests", REQUESTS, "--attempts", "2", "--starter", "all", "--home", HOME, "--past", "2000", "--own", OWN);
  await signIn(page, daemon, daemon.reviewer("alice"));
  daemon.expacti("own", "--claim", "fixing the slow <b>query</b>");
  await expect(page.locator(".row.selected")).toContainText("sudo sh -c");
  // sudo > sh -c > psql > SQL, each with its own risk, and the words of SQL set apart.
  const inside = block(page, "What it runs").locator(".branch");
  await expect(inside).toHaveCount(3);
  await expect(inside.nth(0)).toContainText("sudo");
  await expect(inside.nth(1).locator(".via")).toHaveText("sudo");
  await expect(inside.nth(2).locator(".program")).toHaveText("psql");
  await expect(inside.locator(".keyword.risky", { hasText: "DROP" }).first()).toBeVisible();
  const risk = block(page, "Risk");
  await expect(risk.getByRole("img", { name: "risk 100 of 100" }).locator(".part").first()).toBeVisible();
  await expect(risk.locator(".factors li").first()).toContainText("drops a table and all its rows");
  const facts = block(page, "Where and who");
  for (const fact of ["uid 1000", "claude-shop of example.org/agents/claude:2026-11 (podman)", "simulation", "/home/dev/shop", "branch main", "/agents/claude"]) await expect(facts).toContainText(fact);
  await expect(block(page, "Started by").locator("li")).toHaveCount(2);
  await expect(block(page, "The same command before")).toHaveText(/approved \d+ times?.* by .*alice.*, last /);
  await page.keyboard.press("j");
  await expect(block(page, "Before this").locator("li").first()).toContainText("sudo sh -c");
  const claim = block(page, "What the agent says");
  await expect(claim).toContainText("It may say anything");
  await expect(claim.locator("blockquote")).toHaveText("fixing the slow <b>query</b>");
});

test("a script and a text behind -c are held against what people approved", async ({ page }, info) => {
  const script = (text, ...more) => ({ argv: ["sh", "deploy.sh", ...more], script: { path: "/srv/deploy.sh", sha256: "", text } });
  const lines = (last) => ({ argv: ["sh", "-c", `cd /srv\ngit push origin main\n${last}\n`] });
  const push = "set -e\ngit push origin main\n";
  const file = requests(info, script(push), script(`${push}git push origin v1\n`), script(push, "again"), lines("ls"), lines("git push origin v1"));
  // One comes after the other, and a restart in between forgets what the desk has seen: the log has not.
  daemon = await Daemon.start("--requests", file, "--attempts", "1", "--every", "1", "--home", HOME);
  await signIn(page, daemon, daemon.reviewer("alice"));
  const look = async (id) => {
    await page.locator(`#row-${id}`).waitFor();
    await page.goto(`${daemon.url}/queue/${id}`);
    await expect(page.locator(".headline")).toContainText(`ticket ${id}`);
  };
  const text = block(page, "Script");
  await expect(text.locator(".line")).toHaveCount(3);
  await expect(text.locator(".since")).toHaveCount(0);
  daemon.expacti("approve", "1");
  await look(2);
  await expect(text.locator(".since")).toHaveText("Since root approved it: 1 added, 0 removed.");
  await expect(text.locator(".line.added")).toHaveText(/^3\+git push origin v1$/);
  await look(3);
  await expect(text.locator(".since")).toHaveText("Unchanged since root approved it.");
  await look(4);
  const argument = block(page, "Lines of argument 2");
  await expect(argument.locator(".line")).toHaveText([/^1\s*cd \/srv$/, /^2\s*git push origin main$/, /^3\s*ls$/, /^4\s*$/]);
  daemon.expacti("approve", "4");
  await look(5);
  await expect(argument.locator(".since")).toHaveText("Since root approved it: 1 added, 1 removed.");
  await expect(argument.locator(".line.removed code")).toHaveText("ls");
});

test("by choice it makes a sound and tells the system, without a word of the agent", async ({ page, context }) => {
  daemon = await Daemon.start("--attempts", "3", "--every", "1");
  // What browsers without a screen and a loudspeaker would do.
  await context.addInitScript(() => {
    window.told = [];
    window.tones = 0;
    window.Notification = class {
      static permission = "granted";
      static requestPermission = async () => "granted";
      constructor(title, { body }) {
        window.told.push(`${title}: ${body}`);
      }
    };
    const Real = window.AudioContext;
    window.AudioContext = class extends Real {
      createOscillator() {
        window.tones += 1;
        return super.createOscillator();
      }
    };
  });
  await signIn(page, daemon, daemon.reviewer("alice"));
  const icon = page.locator("link[rel=icon]");
  const before = await icon.getAttribute("href");
  await expect.poll(() => icon.getAttribute("href")).not.toBe(before);
  expect(await page.evaluate(() => [window.told.length, window.tones])).toEqual([0, 0]);

  await page.locator(".menu summary").click();
  await page.getByLabel("Sound when something waits").check();
  await page.getByLabel("Notes of the system").check();
  // Notes are for who looks elsewhere.
  await page.evaluate(() => Object.defineProperty(document, "hidden", { get: () => true }));
  await expect.poll(() => page.evaluate(() => window.told.length)).toBeGreaterThan(0);
  await expect.poll(() => page.evaluate(() => window.tones)).toBeGreaterThan(0);
  const [told] = await page.evaluate(() => window.told);
  expect(told).toMatch(/^(LOW|MEDIUM|HIGH|CRITICAL) \d+: (claude|codex) waits: its risk score$/);
  // It is this browser's choice, and stays so.
  await page.reload();
  await page.locator(".menu summary").click();
  await expect(page.getByLabel("Sound when something waits")).toBeChecked();
});
