//! What lies in `deploy/`: `tests/deploy.py`, with kubernetes-validate from PyPI in the cache.

use std::process::Command;
use std::time::Instant;

use anyhow::Result;

use super::report::{Counts, Report, Row};
use crate::cache::Cache;
use crate::process::run;
use crate::setup::python;
use crate::workspace;

const NAME: &str = "manifests, dashboard, alerts";

/// Skipped, aloud, where there is no python or no way to PyPI.
pub(crate) fn all(cache: &Cache, report: &mut Report) {
    let start = Instant::now();
    match python::modules(cache, python::KUBERNETES_VALIDATE) {
        Ok(modules) => report.check(NAME, || {
            run(workspace::cargo().args([
                "build",
                "--quiet",
                "--package",
                "expacti-agent",
                "--bin",
                "expacti",
            ]))?;
            check(Command::new("python3").env("PYTHONPATH", modules))
        }),
        Err(why) => {
            let counts = Counts { skipped: 1, ..Counts::default() };
            report.add(Row { suite: NAME.into(), counts, took: start.elapsed() });
            report.note(format!("skipped: manifests were not checked against Kubernetes' schemas: {why:#}"));
        }
    }
}

fn check(python: &mut Command) -> Result<()> {
    let expacti = workspace::target().join("debug/expacti");
    run(python.arg(workspace::root().join("tests/deploy.py")).arg(expacti))
}
