//! What is checked without running the product: form, lints, dependencies, the object.

use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Result;

use super::report::{Counts, Report, Row};
use crate::build::Architecture;
use crate::cache::Cache;
use crate::process::{output, run};
use crate::setup::cargo_deny;
use crate::{build, objcheck, workspace};

pub(crate) fn all(cache: &Cache, report: &mut Report) -> Result<()> {
    report.check("rustfmt", || run(workspace::cargo().args(["fmt", "--all", "--check"])));
    report.check("clippy", || {
        let mut cargo = workspace::cargo();
        cargo.args(["clippy", "--quiet", "--workspace", "--exclude", "expacti-ebpf", "--all-targets"]);
        run(cargo.args(["--", "--deny", "warnings"]))
    });
    report.check("clippy (BPF)", || {
        run(build::for_bpf(cache, "clippy", Architecture::X86_64)?.args(["--", "--deny", "warnings"]))
    });
    dependencies(cache, report)?;
    report.check("objcheck", || objcheck::check(&build::object(cache)?));
    Ok(())
}

fn dependencies(cache: &Cache, report: &mut Report) -> Result<()> {
    let program = cargo_deny::program(cache)?;
    let deny = || {
        let mut command = Command::new(&program);
        command.args(["--log-level", "error", "--workspace"]).current_dir(workspace::root());
        command.env("CARGO_TARGET_DIR", workspace::target()).stdin(Stdio::null());
        command
    };
    report.check("cargo deny", || run(deny().args(["check", "bans", "licenses", "sources"])));
    // The database of advisories lies elsewhere than the registry, and not every machine reaches it.
    let start = Instant::now();
    if output(deny().args(["fetch", "db"])).is_ok() {
        report.check("cargo deny (advisories)", || {
            run(deny().args(["check", "--disable-fetch", "advisories"]))
        });
    } else {
        let counts = Counts { skipped: 1, ..Counts::default() };
        report.add(Row { suite: "cargo deny (advisories)".into(), counts, took: start.elapsed() });
        report
            .note("skipped: advisories were not checked, their database cannot be reached from here".into());
    }
    Ok(())
}
