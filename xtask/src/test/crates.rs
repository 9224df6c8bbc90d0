//! `cargo test` of everything that needs no guest, with a database beside it.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::libtest::CargoTest;
use super::postgres::Cluster;
use super::report::{Counts, Report, Row};
use crate::cache::Cache;
use crate::process;
use crate::workspace;

/// Builds all of it, and gives the program that is tested. So nobody builds another in its place while it is.
pub(crate) fn build() -> Result<PathBuf> {
    process::run(cargo_test().args(["--no-run", "--quiet"]))?;
    Ok(workspace::target().join("debug/expacti"))
}

fn cargo_test() -> Command {
    let mut cargo = workspace::cargo();
    cargo.args(["test", "--workspace", "--exclude", "expacti-ebpf", "--exclude", "expacti-tests"]);
    cargo
}

pub(crate) fn run(cache: &Cache, filter: Option<&str>, report: &mut Report) -> Result<()> {
    let cluster = Cluster::start(cache)?;
    let (reader, writer) = std::io::pipe()?;
    let mut cargo = cargo_test();
    cargo
        .arg("--no-fail-fast")
        .args(filter)
        .env("CARGO_TERM_COLOR", "never")
        .env("EXPACTI_TEST_POSTGRES", &cluster.url)
        // Both into one pipe: which program is running stands on one stream, its outcome on the other.
        .stdout(writer.try_clone()?)
        .stderr(writer);
    let mut child = cargo.spawn().context("cannot start cargo test")?;
    // Else our own ends of the pipe would keep it open.
    drop(cargo);

    let mut seen = CargoTest::default();
    for line in BufReader::new(reader).lines() {
        let line = line?;
        let compiling =
            line.trim_start().starts_with("Compiling") || line.trim_start().starts_with("Finished");
        if seen.line(&line) && !compiling {
            println!("{line}");
        }
    }
    let status = child.wait()?;
    let built_nothing = seen.rows.is_empty();
    let failed = seen.rows.iter().any(|row| row.counts.failed > 0);
    for row in seen.rows.drain(..) {
        report.add(row);
    }
    for ignored in seen.ignored {
        report.note(format!("skipped: {ignored}"));
    }
    if !status.success() && !failed {
        if built_nothing {
            println!("{}", seen.compiler.join("\n"));
        }
        // It does not build, or a test program died before it could count.
        let counts = Counts { failed: 1, ..Counts::default() };
        report.add(Row { suite: "cargo test".into(), counts, ..Row::default() });
        report.note(format!("failed: cargo test itself: {status}"));
    }
    Ok(())
}
