// What an agent writes can neither act, hide, reorder nor pass for something else, and none of it is lost.

import fs from "node:fs";
import { expect, test } from "@playwright/test";
import { Daemon, ready, signIn } from "./support/daemon.js";

const HTML = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script><a href="javascript:window.hacked=1">x</a>`;
const ANSI = "\u001b[2J\u001b[31mred\u001b]8;;http://evil\u0007link\r\n\b\b";
const BIDI = "a\u202ecod.exe\u2066b\u2069";
const HIDDEN = "in\u200bvis\u200dible\ufeff\u00ad";
const ALIKE = "\u0430pt \\u{430}pt";
const LONG = `begin-${"x\u200b".repeat(16_382)}-the-very-end`;

let daemon;
test.afterEach(async () => daemon?.end());

test("HTML, ANSI, bidi, invisible characters and 64 KiB are shown harmless and complete", async ({ page }, info) => {
  const requests = info.outputPath("requests.jsonl");
  const argv = ["npm", "publish", HTML, ANSI, BIDI, HIDDEN, ALIKE, LONG, "", " "];
  fs.mkdirSync(info.outputDir, { recursive: true });
  const bytes = { base64: Buffer.from([0x66, 0xff, 0x9b, 0x6f]).toString("base64") };
  const script = { path: `/work/${HTML}`, sha256: "0".repeat(64), text: `echo ${BIDI}\n${HTML}\n${"y".repeat(70_000)}` };
  fs.writeFileSync(requests, JSON.stringify({ argv: [...argv, bytes], agent: { name: "claude", cgroup: `/a/${BIDI}` }, cwd: HTML, env: { [HTML]: ANSI }, script, lineage: [{ pid: 1, exe: "/x", argv: [HTML, BIDI] }] }));
  daemon = await Daemon.start("--requests", requests, "--attempts", "1");
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("dialog", (dialog) => errors.push(dialog.message()));
  await signIn(page, daemon, daemon.reviewer("alice"));
  await ready(page);

  const words = await page.locator(".tokens .text").allTextContents();
  expect(words).toEqual([
    "npm",
    "publish",
    HTML,
    "\\u{1b}[2J\\u{1b}[31mred\\u{1b}]8;;http://evil\\u{7}link\\r\\n\\u{8}\\u{8}",
    "a\\u{202e}cod.exe\\u{2066}b\\u{2069}",
    "in\\u{200b}vis\\u{200d}ible\\u{feff}\\u{ad}",
    "\\u{430}pt \\\\u{430}pt",
    `begin-${"x\\u{200b}".repeat(16_382)}-the-very-end`,
    "(empty)",
    " ",
    "f\\xff\\x9bo",
  ]);
  // What was escaped is set apart from what only looks like it.
  const marks = await page.locator(".tokens .token").nth(6).locator(".escape").allTextContents();
  expect(marks).toEqual(["\\u{430}", "\\\\"]);

  // Nothing on the whole page is anything but visible ASCII and the few signs of our own.
  const text = await page.evaluate(() => document.body.innerText);
  expect([...new Set(text.replace(/[\n -~]/g, ""))].filter((c) => !"›‹·…–−×".includes(c))).toEqual([]);
  expect(await page.evaluate(() => window.hacked)).toBeUndefined();
  expect(await page.locator("main img, main script, main a[href^='javascript']").count()).toBe(0);
  expect(errors).toEqual([]);
  // The long ones can be scrolled to their end, by key too.
  const long = page.locator(".token.long .text");
  await long.focus();
  await page.keyboard.press("End");
  await expect.poll(() => long.evaluate((one) => one.scrollTop + one.clientHeight >= one.scrollHeight - 2)).toBe(true);
  await expect(page.locator(".script .line").last()).toHaveText(/y{70000}$/);
});

test("the page escapes exactly as the daemon does", async ({ page }, info) => {
  const characters = (from, to) => Array.from({ length: to - from }, (_, at) => String.fromCodePoint(from + at)).join("");
  const bytes = (...all) => ({ base64: Buffer.from(all).toString("base64") });
  const words = [
    characters(1, 33), characters(32, 80), characters(80, 128), characters(128, 150), characters(0x2000, 0x2010), characters(0x2028, 0x2030),
    "\u{1f468}\u{200d}\u{1f469}", "\ufeffx\ufeff", "\ufffd\u{10ffff}", "e\u0301 \u00e9 \u{e0041}", "\\u{202e}", "a\\", '"quoted"',
    bytes(0xc3), bytes(0xe2, 0x82, 0x41), bytes(0xf0, 0x9f, 0x98, 0x80, 0xff), bytes(0xed, 0xa0, 0x80), bytes(0xc0, 0xaf), bytes(0xef, 0xbb, 0xbf, 0xff), bytes(0xf4, 0x90, 0x80, 0x80), bytes(0x41, 0x80, 0x5c, 0x0a),
  ];
  const requests = info.outputPath("requests.jsonl");
  fs.mkdirSync(info.outputDir, { recursive: true });
  fs.writeFileSync(requests, words.map((word) => JSON.stringify({ argv: ["npm", "publish", word], agent: { name: "claude" } })).join("\n"));
  daemon = await Daemon.start("--requests", requests, "--attempts", String(words.length));
  const token = daemon.reviewer("alice");
  const { cards } = await daemon.ask(token, "/v1/cards");
  expect(cards.length).toBe(words.length);
  await signIn(page, daemon, token);
  for (const { id, command, command_left_out: leftOut } of cards) {
    expect(leftOut).toBe(0);
    await page.goto(`${daemon.url}/queue/${id}`);
    await page.locator(".tokens").waitFor();
    const shown = await page.locator(".tokens .text").allTextContents();
    const quoted = shown.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `"${word.replace(/["$`]/g, "\\$&")}"`));
    expect(quoted.join(" ")).toBe(command);
  }
});

test("the browser refuses markup and scripts whatever the page does", async ({ page }) => {
  daemon = await Daemon.start("--attempts", "1");
  await page.goto(`${daemon.url}/`);
  // Behind a timer, because what the debugger runs itself may do more.
  const outcome = (attempt) => page.evaluate((name) => new Promise((done) => {
    const attempts = {
      markup: () => { document.body.innerHTML = "<b>x</b>"; },
      code: () => new Function("return 1")(),
    };
    setTimeout(() => { try { attempts[name](); done("done"); } catch (error) { done(error.name); } }, 0);
  }), attempt);
  expect(await outcome("markup")).toBe("TypeError");
  expect(await outcome("code")).toBe("EvalError");
  const inline = await page.evaluate(() => {
    const script = document.createElement("script");
    script.append("window.inline = 1");
    try { document.head.append(script); } catch { /* refused already */ }
    return window.inline;
  });
  expect(inline).toBeUndefined();
  const elsewhere = await page.evaluate(() => fetch("http://127.0.0.1:9/").then(() => "sent", (error) => error.name));
  expect(elsewhere).toBe("TypeError");
});
