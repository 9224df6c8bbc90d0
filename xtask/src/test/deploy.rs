//! What lies in `deploy/`: `tests/deploy.py`, with kubernetes-validate from PyPI in the cache.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use super::report::{Counts, Report, Row};
use crate::cache::Cache;
use crate::process::run_aside;
use crate::setup::python;
use crate::workspace;

const NAME: &str = "manifests, dashboard, alerts";

/// Skipped, aloud, where there is no python or no way to PyPI.
pub(crate) fn all(cache: &Cache, expacti: &Path, report: &mut Report) {
    let start = Instant::now();
    match python::modules(cache, python::KUBERNETES_VALIDATE) {
        Ok(modules) => report.check(NAME, || {
            run_aside(
                Command::new("python3")
                    .env("PYTHONPATH", modules)
                    .arg(workspace::root().join("tests/deploy.py"))
                    .arg(expacti),
            )
        }),
        Err(why) => {
            let counts = Counts { skipped: 1, ..Counts::default() };
            report.add(Row { suite: NAME.into(), counts, took: start.elapsed() });
            report.note(format!("skipped: manifests were not checked against Kubernetes' schemas: {why:#}"));
        }
    }
}
