// The console in Debian's Chromium against a real daemon whose kernel edge is simulated.

import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: ".",
  // These boot a guest.
  testIgnore: process.env.EXPACTI_XTASK ? [] : ["guest.spec.js"],
  // Two processors are all that most machines for tests have, and the daemons want one.
  workers: 1,
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
