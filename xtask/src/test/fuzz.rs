//! The API under a fuzzer: `tests/api-fuzz.sh`, with schemathesis from PyPI in the cache.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result};

use super::report::{Counts, Report, Row};
use crate::cache::Cache;
use crate::process::{find_program, output, run_aside};
use crate::workspace;

const NAME: &str = "API (schemathesis)";

/// Its options change from one version to the next.
const REQUIREMENT: &str = "schemathesis==4.32.5";

/// Requests of each kind to each endpoint.
const EXAMPLES: &str = "20";

/// Skipped, aloud, where there is no root, no python or no way to PyPI.
pub(crate) fn all(cache: &Cache, expacti: &Path, report: &mut Report) {
    let start = Instant::now();
    let tool = if rustix::process::geteuid().is_root() {
        tool(cache)
    } else {
        Err(anyhow::anyhow!("only root may add reviewers on the local socket"))
    };
    match tool {
        Ok(tool) => report.check(NAME, || fuzz(&tool, expacti)),
        Err(why) => {
            let counts = Counts { skipped: 1, ..Counts::default() };
            report.add(Row { suite: NAME.into(), counts, took: start.elapsed() });
            report.note(format!("skipped: the API was not fuzzed: {why:#}"));
        }
    }
}

/// The folder in which `schemathesis` lies.
fn tool(cache: &Cache) -> Result<PathBuf> {
    let python = find_program("python3").context("there is no python3")?;
    let folder = cache.get("schemathesis", REQUIREMENT, |folder| {
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"]);
        output(pip.arg(folder).arg(REQUIREMENT))?;
        // pip's own starter names the folder, which is about to be renamed.
        let starter = folder.join("start");
        fs::create_dir(&starter)?;
        let program = starter.join("schemathesis");
        let text = "#!/bin/sh\nPYTHONPATH=$(dirname \"$0\")/.. exec python3 -m schemathesis.cli \"$@\"\n";
        fs::write(&program, text)?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
        Ok(())
    })?;
    Ok(folder.join("start"))
}

fn fuzz(tool: &Path, expacti: &Path) -> Result<()> {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    path.push(":");
    path.push(tool);
    let script = workspace::root().join("tests/api-fuzz.sh");
    run_aside(Command::new("sh").arg(script).arg(expacti).arg(EXAMPLES).env("PATH", path))
}
