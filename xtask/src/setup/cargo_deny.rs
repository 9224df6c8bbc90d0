//! cargo-deny, which checks the dependencies' licences, sources, duplicates and advisories.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{Part, Workshop};
use crate::cache::Cache;
use crate::process::{find_program, run_logged};
use crate::workspace;

const VERSION: &str = "0.20.2";

/// The part to bring, unless the machine has it.
pub(crate) fn part() -> Option<Part> {
    find_program("cargo-deny").is_none().then(|| Part {
        name: "cargo-deny",
        brings: "the checker of dependencies, built from the Rust registry (a few minutes)",
        recipe: VERSION.into(),
        make,
    })
}

/// The program.
pub(crate) fn program(cache: &Cache) -> Result<PathBuf> {
    match part() {
        Some(part) => Ok(part.get(cache)?.join("bin/cargo-deny")),
        None => Ok(PathBuf::from("cargo-deny")),
    }
}

fn make(workshop: &Workshop, folder: &Path) -> Result<()> {
    let mut cargo = workspace::cargo();
    cargo
        .args(["install", "cargo-deny", "--version", VERSION, "--locked", "--root"])
        .arg(folder)
        // It is started a few times, not measured: half the time to build.
        .args(["--config", "profile.release.lto=false", "--config", "profile.release.opt-level=1"])
        .env("CARGO_TARGET_DIR", folder.join("build"));
    run_logged(&mut cargo, &workshop.log)?;
    std::fs::remove_dir_all(folder.join("build"))?;
    Ok(())
}
