// The console in Debian's Chromium against a real daemon whose kernel edge is simulated.

import { defineConfig } from "@playwright/test";

const GUEST = "guest.spec.js";
const MEASURED = "load.spec.js";
// Without it there is no guest to boot.
const guest = { name: "guest", testMatch: GUEST, timeout: 180_000, expect: { timeout: 30_000 } };

export default defineConfig({
  testDir: ".",
  // Two processors are all that most machines for tests have. Mostly pages and daemons wait for each other.
  workers: 2,
  // How long a page takes is measured while nothing else runs.
  projects: [
    { name: "console", testIgnore: [GUEST, MEASURED] },
    { name: "measured", testMatch: MEASURED, dependencies: ["console"] },
    ...(process.env.EXPACTI_XTASK ? [guest] : []),
  ],
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: process.env.EXPACTI_JSON_REPORT ? [["list"], ["json", { outputFile: process.env.EXPACTI_JSON_REPORT }]] : "list",
  outputDir: process.env.EXPACTI_WEB_OUTPUT ?? "../../target/web-tests",
  use: {
    browserName: "chromium",
    viewport: { width: 1280, height: 800 },
    launchOptions: {
      executablePath: process.env.EXPACTI_CHROMIUM ?? "/usr/bin/chromium",
      // Chromium refuses its sandbox to root, who adds reviewers here.
      args: process.getuid() === 0 ? ["--no-sandbox"] : [],
    },
  },
});
