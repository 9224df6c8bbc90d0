//! The console in a real browser: tests/web, run by node, against the expacti that was just built.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use super::report::{Counts, Report, Row};
use crate::cache::Cache;
use crate::process::{find_program, output, run_aside};
use crate::setup::chromium;
use crate::workspace;

/// What the machine lends.
struct Browser {
    npx: PathBuf,
    chromium: PathBuf,
}

/// Some of the tests there.
pub(crate) struct Suite {
    /// What it is called in the report.
    pub(crate) name: String,
    /// Which of the projects in `playwright.config.js`.
    pub(crate) project: &'static str,
    /// The folder under the target folder for what it saw.
    pub(crate) output: &'static str,
    /// What it has to know.
    pub(crate) variables: Vec<(&'static str, OsString)>,
}

/// Against `expacti simulate`, on this machine: what may be run beside something else, or what measures.
pub(crate) fn run(
    cache: &Cache,
    expacti: &Path,
    measures: bool,
    filter: Option<&str>,
    report: &mut Report,
) -> Result<()> {
    let suite = Suite {
        name: if measures { "the console's pace" } else { "the console in Chromium" }.to_owned(),
        project: if measures { "measured" } else { "console" },
        output: if measures { "web-pace" } else { "web-tests" },
        variables: vec![("EXPACTI_BIN", expacti.into())],
    };
    suite.run(cache, filter, report)
}

impl Suite {
    /// Runs it where the machine has what it takes.
    pub(crate) fn run(&self, cache: &Cache, filter: Option<&str>, report: &mut Report) -> Result<()> {
        let browser = match Browser::find(cache) {
            Ok(browser) => browser,
            Err(missing) => {
                println!("skipped: {missing}");
                let counts = Counts { skipped: 1, ..Counts::default() };
                report.add(Row { suite: self.name.clone(), counts, ..Row::default() });
                report.note(format!("skipped: {} was not run, because {missing}", self.name));
                return Ok(());
            }
        };
        let output = workspace::target().join(self.output);
        let told = output.with_extension("json");
        let mut command = Command::new(&browser.npx);
        command.args(["playwright", "test", "--no-deps", "--project", self.project]).current_dir(folder());
        if let Some(filter) = filter {
            command.arg("--grep").arg(filter).arg("--pass-with-no-tests");
        }
        command
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .env("EXPACTI_CHROMIUM", &browser.chromium)
            .env("EXPACTI_WEB_OUTPUT", &output)
            .env("EXPACTI_JSON_REPORT", &told);
        // What an earlier run told would be taken for this one's.
        if told.exists() {
            fs::remove_file(&told)?;
        }
        let ended = run_aside(&mut command);
        let text = fs::read_to_string(&told).unwrap_or_default();
        let (mut counts, took) = counted(&serde_json::from_str(&text).unwrap_or_default());
        if let Err(error) = ended
            && counts.failed == 0
        {
            println!("{error:#}");
            counts.failed = 1;
        }
        if counts.failed > 0 {
            report.note(format!("failed: {}; what it saw is in {}", self.name, output.display()));
        }
        report.add(Row { suite: self.name.clone(), counts, took });
        Ok(())
    }
}

impl Browser {
    /// What is there; or what is missing, and what to do.
    fn find(cache: &Cache) -> Result<Self, String> {
        let program = |name: &str, what: &str| {
            find_program(name).ok_or_else(|| format!("{name} is missing: install {what}"))
        };
        program("node", "Node.js 20 or later")?;
        let npm = program("npm", "Node.js' package manager")?;
        let npx = program("npx", "Node.js' package manager")?;
        let chromium = chromium::browser(cache).map_err(|error| format!("{error:#}"))?;
        if !folder().join("node_modules/@playwright/test").is_dir() {
            let mut install = Command::new(npm);
            install.args(["ci", "--no-audit", "--no-fund"]).current_dir(folder());
            // The browser is Debian's.
            install.env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
            output(&mut install).map_err(|error| format!("playwright cannot be fetched: {error:#}"))?;
        }
        Ok(Self { npx, chromium })
    }
}

fn folder() -> PathBuf {
    Path::new(workspace::root()).join("tests/web")
}

/// How many tests ended how, and how long they took, as playwright's report tells.
fn counted(report: &Value) -> (Counts, Duration) {
    let number = |key: &str| {
        report["stats"][key].as_u64().and_then(|number| usize::try_from(number).ok()).unwrap_or(0)
    };
    let counts = Counts {
        passed: number("expected"),
        failed: number("unexpected") + number("flaky"),
        skipped: number("skipped"),
    };
    let took = report["stats"]["duration"].as_f64().unwrap_or(0.0);
    (counts, Duration::from_secs_f64(took / 1000.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_becomes_counts_and_what_only_passed_at_last_has_failed() {
        let report = r#"{"stats":{"duration":1500.5,"expected":7,"skipped":1,"unexpected":2,"flaky":1}}"#;
        let (counts, took) = counted(&serde_json::from_str(report).unwrap());
        assert_eq!(counts, Counts { passed: 7, failed: 3, skipped: 1 });
        assert_eq!(took, Duration::from_secs_f64(1.5005));
        assert_eq!(counted(&Value::Null).0, Counts::default());
    }
}
