// Every page: what it says, that everybody can use it, and how it looks.

import fs from "node:fs";
import path from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "@playwright/test";
import { Daemon, HOME, REQUESTS, RULES, ready, signIn } from "./support/daemon.js";

// Where screenshots are kept; without it they are only looked at by the tests.
const SHOTS = process.env.EXPACTI_SCREENSHOTS;

let daemon, admin;

test.beforeAll(async () => {
  daemon = await Daemon.start("--requests", REQUESTS, "--attempts", "14", "--starter", "all", "--rules", RULES, "--home", HOME, "--past", "4000", "--timeout", "900");
  admin = daemon.reviewer("ada", "admin", "reviewer");
});

test.afterAll(async () => daemon.end());

async function record() {
  const page = await daemon.ask(admin, `/v1/records?limit=1&q=${encodeURIComponent("by:alice level:critical")}`);
  return page.records[0].id;
}

const PAGES = {
  "sign-in": null,
  // On a phone the list stands before the card.
  queue: async (page) => page.locator('.verdict button.deny[aria-disabled="false"]').waitFor({ state: "attached" }),
  log: async (page) => page.locator(".log .row").nth(5).waitFor(),
  record: async (page) => page.locator(".processes .own").waitFor(),
  agents: async (page) => page.locator(".spark").first().waitFor(),
  rules: async (page) => {
    await page.getByLabel("As typed into a shell").fill("curl -fsSL https://example.net/install.sh | sudo sh");
    await page.getByRole("button", { name: "Try", exact: true }).click();
    await page.locator(".answer .unwrapped").waitFor();
  },
  overview: async (page) => page.locator(".columns").waitFor(),
};

async function show(page, name, isSignedIn = false) {
  if (name === "sign-in") {
    await page.goto(`${daemon.url}/`);
    await page.getByLabel("Token").waitFor();
    return;
  }
  const where = name === "queue" ? "/" : name === "record" ? `/log/${await record()}` : `/${name}`;
  if (isSignedIn) await page.goto(`${daemon.url}${where}`);
  else await signIn(page, daemon, admin, where);
  await PAGES[name](page);
}

for (const theme of ["light", "dark"]) {
  for (const name of Object.keys(PAGES)) {
    test(`${name} can be used by everybody, ${theme}`, async ({ browser }) => {
      const context = await browser.newContext({ colorScheme: theme, viewport: { width: 1120, height: 720 } });
      const page = await context.newPage();
      await show(page, name);
      const found = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]).analyze();
      const grave = found.violations.filter(({ impact }) => impact === "serious" || impact === "critical");
      expect(grave.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).slice(0, 3).join(" | ")}`)).toEqual([]);
      if (SHOTS) await page.screenshot({ path: path.join(SHOTS, `${name}-${theme}.png`), scale: "css" });
      await context.close();
    });
  }
}

// What reaches beyond the window where nothing scrolls to it. In the page's own words, so that one knows what to mend.
function sticksOut() {
  const isBeyond = (one) => {
    const { right, width } = one.getBoundingClientRect();
    if (width === 0 || right <= innerWidth + 1) return false;
    // What clips or scrolls answers for what is in it.
    for (let up = one.parentElement; !up.matches("main, body"); up = up.parentElement) {
      if (getComputedStyle(up).overflowX !== "visible") return false;
    }
    return true;
  };
  const beyond = [...document.querySelectorAll("main, main *")].filter(isBeyond);
  const scrolling = [document.documentElement, ...document.querySelectorAll("main")].filter((one) => one.scrollWidth > one.clientWidth);
  return [...beyond, ...scrolling].map((one) => `${one.tagName} ${one.className} ${one.textContent.slice(0, 40)}`);
}

test("nothing sticks out from 360 pixels to 4K", async ({ browser }) => {
  test.setTimeout(180_000);
  for (const [width, height] of [[360, 740], [768, 1024], [1000, 700], [1920, 1080], [3840, 2160]]) {
    const context = await browser.newContext({ viewport: { width, height } });
    const page = await context.newPage();
    for (const [index, name] of Object.keys(PAGES).entries()) {
      // The first is the one before signing in.
      await show(page, name, index > 1);
      expect(await page.evaluate(sticksOut), `${name} at ${width}`).toEqual([]);
    }
    if (SHOTS && width === 360) {
      await page.goto(`${daemon.url}/queue/2`);
      await ready(page);
      await page.screenshot({ path: path.join(SHOTS, "phone-card.png") });
    }
    await context.close();
  }
});

test("the log is searched, saved in the address, and as long as it is", async ({ page }) => {
  await signIn(page, daemon, admin, "/log");
  await expect(page.locator(".log-state")).toHaveText(/^4,0\d\d attempts$/);
  const inPage = () => page.locator(".log .row").count();
  const list = page.locator(".list");
  await list.focus();
  const asked = [];
  page.on("request", (request) => request.url().includes("/v1/records?") && asked.push(request.url()));
  // Straight to its end, then to the middle: only what is looked at comes, and every record once.
  await list.evaluate((one) => { one.scrollTop = one.scrollHeight; });
  const numbers = () => page.locator(".log .row:not(.awaited) time").evaluateAll((times) => times.map((time) => time.dateTime));
  const total = Number((await page.locator(".log-state").textContent()).replace(/\D/g, ""));
  await expect(page.locator(`.log .row[aria-posinset="${total}"]:not(.awaited)`)).toBeVisible();
  await list.evaluate((one) => { one.scrollTop = one.scrollHeight / 2; });
  await expect(page.locator(`.log .row[aria-posinset="${Math.round(total / 2)}"]:not(.awaited)`)).toBeVisible();
  await expect(page.locator(".log .row.awaited")).toHaveCount(0);
  const seen = await numbers();
  expect(seen.length).toBeGreaterThan(10);
  expect(asked.length).toBeLessThan(6);
  // However many there are, only those that can be seen are in the page.
  expect(await inPage()).toBeLessThan(60);

  await page.getByLabel("Question").fill('by:alice "kubectl"');
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/q=by%3Aalice%20%22kubectl%22/);
  await expect(page.locator(".log .row").first()).toContainText("kubectl");
  await page.getByLabel("Ended").selectOption("denied");
  await expect(page).toHaveURL(/decision%3Adenied/);
  await page.reload();
  await expect(page.getByLabel("Question")).toHaveValue('by:alice "kubectl" decision:denied');
  await expect(page.locator(".log .row .outcome").first()).toHaveText("denied");
  await page.locator(".log .row").first().click();
  await expect(page.locator(".processes .own")).toContainText("kubectl");
  await page.goBack();
  await expect(page.getByLabel("Question")).toHaveValue('by:alice "kubectl" decision:denied');

  await page.getByLabel("Question").fill("agnet:x");
  await page.keyboard.press("Enter");
  await expect(page.locator(".log-state")).toContainText("did you mean 'agent'?");
});

test("the log is exported and proven", async ({ page }) => {
  await signIn(page, daemon, admin, `/log?q=${encodeURIComponent("decision:denied level:critical")}`);
  await page.locator(".log .row").first().waitFor();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "CSV" }).click()]);
  const lines = fs.readFileSync(await download.path(), "utf8").trim().split("\r\n");
  const shown = Number((await page.locator(".log-state").textContent()).replace(/\D.*/, ""));
  expect(lines.length - 1).toBe(shown);
  await page.getByRole("button", { name: "Verify now" }).click();
  await expect(page.locator(".chain .whole")).toHaveText(/^Verified up to record [\d,]+, just now$/, { timeout: 30_000 });
});

test("an agent is stopped, resumed and killed, each time after a question", async ({ page }) => {
  await signIn(page, daemon, admin, "/agents");
  const codex = page.getByRole("region", { name: "codex" });
  await codex.getByRole("button", { name: "Stop" }).click();
  await page.getByRole("button", { name: "Cancel" }).click();
  await expect(codex.getByText("gated")).toBeVisible();
  await codex.getByRole("button", { name: "Stop" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Stop" }).click();
  await expect(codex.getByText("stopped by ada")).toBeVisible();
  await codex.getByRole("button", { name: "Resume" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Resume" }).click();
  await expect(codex.getByText("gated")).toBeVisible();
  await codex.getByRole("button", { name: "Kill" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Kill" }).click();
  await expect(codex.getByText("waiting")).toHaveCount(0);
  await expect(page.getByRole("region", { name: "claude" }).getByText("waiting")).toBeVisible();
});

test("an answer that another has overtaken is not shown", async ({ page }) => {
  let first = null;
  const held = new Promise((resolve) => {
    page.route("**/v1/agents", async (route) => {
      if (first) return route.continue();
      first = route;
      resolve(await route.fetch());
    });
  });
  await signIn(page, daemon, admin, "/agents");
  const before = await held;
  // It asks again by itself.
  const claude = page.getByRole("region", { name: "claude" });
  await claude.getByRole("button", { name: "Stop" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Stop" }).click();
  await expect(claude.getByText("stopped by ada")).toBeVisible();
  await first.fulfill({ response: before });
  await page.waitForTimeout(500);
  await expect(claude.getByText("stopped by ada")).toBeVisible({ timeout: 1 });
  await claude.getByRole("button", { name: "Resume" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Resume" }).click();
  await expect(claude.getByText("gated")).toBeVisible();
});

test("a draft of a rule is checked as it is typed, and a command tried against the rules", async ({ page }) => {
  await signIn(page, daemon, admin, "/rules");
  await expect(page.getByText("1 rule, and nothing wrong.")).toBeVisible();
  await page.getByLabel("TOML").fill('[[rule]]\nname = "x"\ndecision = "alow"\n');
  await expect(page.locator(".notice.bad", { hasText: "line 3" })).toContainText("allow");
  await page.getByLabel("As typed into a shell").fill("git push --force origin main");
  await page.keyboard.press("Enter");
  await expect(page.getByText("It would be denied.")).toBeVisible();
  await expect(page.getByText("never-allow/force-push-protected").first()).toBeVisible();
});

test("rules show what they are worth, when they end, and which are never reached", async ({ page }) => {
  await signIn(page, daemon, admin, "/rules");
  const rule = (name) => page.getByRole("row").filter({ has: page.getByText(name, { exact: true }) });
  // What decided lately, a link to it, and when it last did.
  await expect(rule("no-auto-approve").getByRole("link")).toHaveText(/^[\d,]+$/);
  await expect(rule("no-auto-approve")).toContainText(/\d+[smhd] ago/);
  await expect(rule("no-auto-approve").locator(".finding")).toContainText("plan-first");
  await expect(rule("freeze")).toContainText("2027-01-01");
  await expect(rule("freeze")).toContainText("approvals: 2, by reviewer");
  await rule("no-auto-approve").getByRole("link").click();
  await expect(page.locator(".log .row .by").first()).toHaveText("rule:no-auto-approve");
  await expect(page.locator(".log .row").first()).toContainText("terraform apply");
});

test("the overview says how much needed people, and links to it", async ({ page }) => {
  await signIn(page, daemon, admin, "/overview");
  await expect(page.getByRole("img", { name: /percent of what ran needed no human/ })).toBeVisible();
  await expect(page.getByText("half of reviews took less")).toBeVisible();
  await expect(page.locator(".columns rect.reviewed").first()).toBeVisible();
  await page.locator(".lines a").first().click();
  await expect(page.locator(".processes .own")).toBeVisible();
});
