// When things go wrong: the daemon goes away, comes back, or the stream is held back on the way.

import { expect, test } from "@playwright/test";
import { Daemon, ready, signIn } from "./support/daemon.js";

let daemon;
test.afterEach(async () => daemon?.end());

test("a daemon that goes away is said, nothing can be decided, and all is well when it is back", async ({ page }) => {
  daemon = await Daemon.start("--attempts", "4");
  await signIn(page, daemon, daemon.reviewer("alice"));
  await ready(page);
  await daemon.down();
  await expect(page.locator(".state")).toHaveText("Not connected");
  await expect(page.getByRole("alert").first()).toContainText("nothing can be decided");
  await expect(page.locator(".verdict button.approve")).toHaveAttribute("aria-disabled", "true");
  const sent = [];
  page.on("request", (request) => request.method() === "POST" && sent.push(request.url()));
  await page.keyboard.press("a");
  expect(sent).toEqual([]);

  daemon.options = ["--attempts", "6"];
  await daemon.up(daemon.address);
  // Still signed in, and everything looked at anew.
  await expect(page.locator(".state")).toHaveText("Live", { timeout: 20_000 });
  await expect(page.locator(".strip")).toHaveText(/6 in all/);
  await ready(page);
  await page.keyboard.press("d");
  await expect(page.locator(".toast").last()).toHaveText(/denied/);
});

test("a daemon that hangs is noticed: what is stale cannot be approved", async ({ page }) => {
  daemon = await Daemon.start("--attempts", "4");
  await signIn(page, daemon, daemon.reviewer("alice"));
  await ready(page);
  daemon.child.kill("SIGSTOP");
  try {
    // The connection stands; only the signs of life are missing.
    await expect(page.locator(".state")).toHaveText("Not connected", { timeout: 30_000 });
    const sent = [];
    page.on("request", (request) => request.method() === "POST" && sent.push(request.url()));
    await page.keyboard.press("a");
    await page.locator("button.approve").click({ force: true });
    expect(sent).toEqual([]);
    await expect(page.locator(".verdict-state")).toContainText("Nothing can be decided");
  } finally {
    daemon.child.kill("SIGCONT");
  }
  await expect(page.locator(".state")).toHaveText("Live", { timeout: 20_000 });
});

test("without the stream it asks every three seconds", async ({ page }) => {
  daemon = await Daemon.start("--attempts", "4");
  await page.route("**/v1/events", (route) => route.abort());
  const token = daemon.reviewer("alice");
  await signIn(page, daemon, token);
  await expect(page.locator(".state")).toHaveText("Every 3 s", { timeout: 20_000 });
  await ready(page);
  daemon.expacti("deny", "4");
  await expect(page.locator(".strip")).toHaveText("1 CRITICAL command waits · 3 in all");
});

test("six digits are asked for where a reviewer has them", async ({ page }) => {
  daemon = await Daemon.start("--attempts", "1");
  const { token, code } = daemon.reviewerWithDigits("carol");
  await page.goto(`${daemon.url}/`);
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toContainText("six digits");
  await page.getByLabel("Six digits").fill(code());
  await page.getByRole("button", { name: "Sign in" }).click();
  await ready(page);
  // Shown just now, so approving asks for none.
  await page.keyboard.press("a");
  await expect(page.locator(".toast").last()).toHaveText(/allowed: approved by carol/);
});

test("a session ends for whoever is revoked, and for whoever signs out", async ({ page }) => {
  daemon = await Daemon.start("--attempts", "1");
  const token = daemon.reviewer("alice");
  await signIn(page, daemon, token);
  await page.locator(".menu summary").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("alert")).toHaveText("You have signed out.");
  await page.goto(`${daemon.url}/`);
  await expect(page.getByLabel("Token")).toBeVisible();
  await page.getByLabel("Token").fill("alice.wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toContainText("no reviewer's");

  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.locator(".frame").waitFor();
  daemon.expacti("reviewer", "revoke", "alice");
  // The next thing that is done shows it, unless the stream has noticed before.
  const asked = page.getByLabel("Token");
  await Promise.any([page.getByRole("link", { name: "Agents" }).click(), asked.waitFor()]);
  await expect(asked).toBeVisible({ timeout: 15_000 });
});
