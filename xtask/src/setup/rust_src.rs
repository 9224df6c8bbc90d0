//! The source of `core`, which is built for the BPF target.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::debian::View;
use super::{Part, Workshop};
use crate::cache::Cache;
use crate::process::{find_program, output, run_logged};
use crate::workspace;

/// Where cargo has to look for the standard library's source; none where it finds it by itself.
pub(crate) fn source_root(cache: &Cache) -> Result<Option<PathBuf>> {
    let Some(part) = part(cache)? else { return Ok(None) };
    Ok(Some(part.get(cache)?.join("usr/lib/rustlib/src/rust/library")))
}

/// Nothing where the toolchain has its source, or rustup just added it; else Debian's package.
pub(crate) fn part(cache: &Cache) -> Result<Option<Part>> {
    let part = Part {
        name: "rust-src",
        brings: "the source of Rust's core library, from Debian's package rust-src (45 MB)",
        recipe: rustc_version()?,
        make,
    };
    // In this order, so that a machine that rustup cannot serve asks it only once.
    let needed = !in_toolchain()? && (part.is_there(cache) || !added_by_rustup()?);
    Ok(needed.then_some(part))
}

fn in_toolchain() -> Result<bool> {
    Ok(sysroot()?.join("lib/rustlib/src/rust/library/core/src/lib.rs").is_file())
}

fn added_by_rustup() -> Result<bool> {
    if find_program("rustup").is_none() {
        return Ok(false);
    }
    eprintln!("setup: adds the component rust-src to the Rust toolchain, with rustup");
    let added =
        output(Command::new("rustup").args(["component", "add", "rust-src"]).current_dir(workspace::root()));
    Ok(added.is_ok() && in_toolchain()?)
}

fn make(workshop: &Workshop, folder: &Path) -> Result<()> {
    let view = View::of_guest(&workshop.cache)?;
    let package = format!("rust-src={}*", rustc_version()?);
    let files = view.download(&[&package], folder)?;
    for file in files {
        run_logged(Command::new("dpkg-deb").arg("-x").arg(&file).arg(folder), &workshop.log)?;
        std::fs::remove_file(file)?;
    }
    Ok(())
}

/// Where the toolchain lies.
pub(crate) fn sysroot() -> Result<PathBuf> {
    let path = output(Command::new("rustc").args(["--print", "sysroot"]).current_dir(workspace::root()))?;
    Ok(PathBuf::from(path.trim_end()))
}

/// Such as `1.95.0`.
fn rustc_version() -> Result<String> {
    rustc_says("release")
}

/// A line of `rustc -vV`.
pub(crate) fn rustc_says(key: &str) -> Result<String> {
    let text = output(Command::new("rustc").arg("-vV").current_dir(workspace::root()))?;
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
    value.map(str::to_owned).with_context(|| format!("`rustc -vV` says nothing of {key}"))
}
