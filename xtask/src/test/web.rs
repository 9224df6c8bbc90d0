//! The console in a real browser: tests/web, run by node, against the expacti that was just built.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::report::{Counts, Report, Row};
use crate::build;
use crate::cache::Cache;
use crate::process::{find_program, output};
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
    /// Its files; all that need no guest where none is named.
    pub(crate) files: &'static [&'static str],
    /// The folder under the target folder for what it saw.
    pub(crate) output: &'static str,
    /// What it has to know.
    pub(crate) variables: Vec<(&'static str, OsString)>,
}

/// Against `expacti simulate`, on this machine.
pub(crate) fn run(cache: &Cache, filter: Option<&str>, report: &mut Report) -> Result<()> {
    let expacti = workspace::target().join("debug/expacti");
    let suite = Suite {
        name: "the console in Chromium".to_owned(),
        files: &[],
        output: "web-tests",
        variables: vec![("EXPACTI_BIN", expacti.into_os_string())],
    };
    suite.run(cache, filter, report, || build::plain().map(drop))
}

impl Suite {
    /// Runs it where the machine has what it takes, once `build` has built what it needs.
    pub(crate) fn run(
        &self,
        cache: &Cache,
        filter: Option<&str>,
        report: &mut Report,
        build: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
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
        build()?;
        let output = workspace::target().join(self.output);
        let told = output.with_extension("json");
        let mut command = Command::new(&browser.npx);
        command.args(["playwright", "test"]).args(self.files).current_dir(folder()).stdin(Stdio::null());
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
        let status = command.status().context("cannot start playwright")?;
        let text = fs::read_to_string(&told).unwrap_or_default();
        let (mut counts, took) = counted(&serde_json::from_str(&text).unwrap_or_default());
        if !status.success() && counts.failed == 0 {
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
