// Deciding: by key, by finger, with others, and never too early.

import { expect, test } from "@playwright/test";
import { Daemon, HOME, REQUESTS, ready, signIn } from "./support/daemon.js";

let daemon;
test.afterEach(async () => daemon?.end());

const row = (page, text) => page.locator(".list .row", { hasText: text });
const toast = (page) => page.locator(".toast").last();

test("keys choose, approve and deny", async ({ page }) => {
  daemon = await Daemon.start("--attempts", "6");
  await signIn(page, daemon, daemon.reviewer("alice"));
  await expect(page).toHaveTitle("(6!) Queue · expacti");
  await expect(page.locator(".strip")).toHaveText("2 CRITICAL commands wait · 6 in all");
  const link = page.locator("link[rel=icon]");
  await expect(link).toHaveAttribute("href", /^data:image\/png/);

  await expect(page.locator(".row.selected")).toContainText("kubectl delete");
  for (let i = 0; i < 4; i += 1) await page.keyboard.press("j");
  await page.keyboard.press("k");
  await page.keyboard.press("j");
  await expect(page.locator(".row.selected")).toContainText("git push");
  await ready(page);
  await page.keyboard.press("a");
  await expect(toast(page)).toHaveText(/Ticket 1 allowed: approved by alice/);
  // On to the next one by itself.
  await expect(page.locator(".row.selected")).toContainText("npm install");
  await ready(page);
  await page.keyboard.press("n");
  await page.keyboard.type("use pnpm");
  await page.keyboard.press("Enter");
  await page.keyboard.press("d");
  await expect(toast(page)).toHaveText(/Ticket 3 denied: .*use pnpm/);
  await expect(page).toHaveTitle("(4!) Queue · expacti");
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keys" })).toBeVisible();
});

test("nothing is decided within half a second, by a held key, or by a double click", async ({ page }) => {
  daemon = await Daemon.start("--attempts", "6");
  await signIn(page, daemon, daemon.reviewer("alice"));
  const sent = [];
  page.on("request", (request) => request.method() === "POST" && sent.push(request.url()));
  await ready(page);
  await page.evaluate(() => {
    const press = (repeat) => document.dispatchEvent(new KeyboardEvent("keydown", { key: "d", repeat, bubbles: true }));
    // On a card that has just come.
    document.dispatchEvent(new KeyboardEvent("keydown", { key: "j", bubbles: true }));
    press(false);
  });
  await page.waitForTimeout(150);
  await page.keyboard.press("d");
  expect(sent).toEqual([]);
  await ready(page);
  await page.evaluate(() => document.dispatchEvent(new KeyboardEvent("keydown", { key: "d", repeat: true, bubbles: true })));
  await page.evaluate(() => {
    const button = document.querySelector(".verdict .deny");
    button.dispatchEvent(new MouseEvent("click", { bubbles: true, detail: 2 }));
  });
  await page.waitForTimeout(100);
  expect(sent).toEqual([]);
  // From another window the page has to be looked at anew.
  await page.evaluate(() => window.dispatchEvent(new Event("focus")));
  await page.keyboard.press("d");
  expect(sent).toEqual([]);
  await ready(page);
  await page.keyboard.press("d");
  await expect.poll(() => sent.length).toBe(1);
});

test("what is sent is what was shown: digest, scope, children, note", async ({ page }) => {
  daemon = await Daemon.start("--requests", REQUESTS, "--attempts", "3", "--starter", "all");
  await signIn(page, daemon, daemon.reviewer("alice"));
  await row(page, "npm install").click();
  await ready(page);
  const shown = await page.locator(".digest code").textContent();
  await page.keyboard.press("m");
  await page.getByRole("radio", { name: "For 1 hour" }).check();
  await page.getByRole("checkbox", { name: /With children/ }).check();
  const voted = page.waitForRequest((request) => request.method() === "POST" && request.url().endsWith("/votes"));
  await page.getByRole("dialog").getByRole("button", { name: "Approve" }).click();
  const body = (await voted).postDataJSON();
  expect(body).toEqual({ digest: shown, newest: 3, answer: "approve", repeat: "for", for_ms: 3_600_000, children: true });
  await expect(toast(page)).toHaveText(/allowed: approved by alice/);
  await page.getByRole("link", { name: "Agents" }).click();
  await expect(page.locator("tbody tr")).toHaveCount(2);
});

test("always shows the rule that it would make", async ({ page }) => {
  daemon = await Daemon.start("--requests", REQUESTS, "--attempts", "3", "--starter", "all", "--home", HOME);
  await signIn(page, daemon, daemon.reviewer("alice"));
  await row(page, "npm install").click();
  await ready(page);
  await page.keyboard.press("m");
  await expect(page.getByLabel("The rule")).toContainText('argv = ["npm", "install", "left-pad@1.3.0"]');
});

test("two reviewers in two browsers see each other's votes", async ({ browser }) => {
  daemon = await Daemon.start("--attempts", "4");
  const [a, b] = await Promise.all([browser.newContext(), browser.newContext()]);
  const [alice, bob] = [await a.newPage(), await b.newPage()];
  await signIn(alice, daemon, daemon.reviewer("alice"), "/queue/2");
  await signIn(bob, daemon, daemon.reviewer("bob"), "/queue/2");
  await Promise.all([ready(alice), ready(bob)]);
  await alice.keyboard.press("a");
  await expect(alice.locator(".verdict-state")).toHaveText(/You have voted\. It waits for others.*1 of 2 approved/);
  await expect(bob.locator(".verdict-state")).toHaveText(/1 of 2 approved .* alice approves/);
  await ready(bob);
  await bob.keyboard.press("a");
  await expect(row(alice, "DROP TABLE")).toHaveClass(/ended/);
  await expect(alice.locator(".verdict-state")).toHaveText(/allowed: approved by alice, bob/);
  await Promise.all([a.close(), b.close()]);
});

test("fingers have large buttons, and swiping decides nothing", async ({ browser }) => {
  daemon = await Daemon.start("--attempts", "5");
  const context = await browser.newContext({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
  const page = await context.newPage();
  await signIn(page, daemon, daemon.reviewer("alice"));
  await row(page, "deploy.sh").tap();
  await ready(page);
  for (const name of ["Approve", "Deny"]) {
    const box = await page.getByRole("button", { name, exact: true }).boundingBox();
    expect(box.height).toBeGreaterThanOrEqual(44);
    expect(box.width).toBeGreaterThanOrEqual(120);
  }
  const sent = [];
  page.on("request", (request) => request.method() === "POST" && sent.push(request.url()));
  const touch = await context.newCDPSession(page);
  await touch.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: [{ x: 40, y: 300 }] });
  for (let x = 60; x <= 340; x += 40) await touch.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: [{ x, y: 300 }] });
  await touch.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  expect(sent).toEqual([]);
  await page.getByRole("button", { name: "Approve", exact: true }).tap();
  await expect(toast(page)).toHaveText(/Ticket 5 allowed: approved by alice/);
  await ready(page);
  await page.getByRole("button", { name: "Deny", exact: true }).tap();
  await expect(toast(page)).toHaveText(/Ticket 1 denied/);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  await context.close();
});

test("new cards do not move what is under the pointer or chosen", async ({ page }) => {
  daemon = await Daemon.start("--attempts", "40", "--every", "1");
  await signIn(page, daemon, daemon.reviewer("alice"));
  await page.keyboard.press("End");
  for (let i = 0; i < 12; i += 1) await page.keyboard.press("k");
  const chosen = page.locator(".row.selected");
  const before = await chosen.boundingBox();
  const name = await chosen.getAttribute("id");
  const count = await page.locator(".row.selected").getAttribute("aria-setsize");
  await expect.poll(() => page.locator(".row.selected").getAttribute("aria-setsize"), { timeout: 20_000 }).not.toBe(count);
  await page.waitForTimeout(5_500);
  await expect(chosen).toHaveAttribute("id", name);
  expect((await chosen.boundingBox()).y).toBeCloseTo(before.y, 0);
});

test("a key held down runs through the list and asks for the card where it stops", async ({ page }) => {
  daemon = await Daemon.start("--attempts", "60");
  await signIn(page, daemon, daemon.reviewer("alice"));
  await ready(page);
  const asked = [];
  page.on("request", (request) => /\/v1\/cards\/\d+$/.test(request.url()) && asked.push(request.url()));
  await page.evaluate(async () => {
    for (let i = 0; i < 40; i += 1) {
      document.dispatchEvent(new KeyboardEvent("keydown", { key: "j", repeat: i > 0, bubbles: true }));
      await new Promise((wake) => setTimeout(wake, 20));
    }
  });
  await ready(page);
  const shown = await page.locator(".headline-row .faint").textContent();
  await expect(page.locator(".row.selected")).toHaveAttribute("id", `row-${shown.replace("ticket ", "")}`);
  expect(asked.length).toBeLessThan(8);
});

test("a reviewer who may only look cannot decide", async ({ page }) => {
  daemon = await Daemon.start("--attempts", "2");
  await signIn(page, daemon, daemon.reviewer("vera", "viewer"));
  await expect(page.locator(".verdict-state")).toHaveText(/may look but not decide/);
  await expect(page.getByRole("link", { name: "Log", exact: true })).toHaveCount(0);
});
