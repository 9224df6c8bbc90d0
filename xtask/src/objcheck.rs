//! Compares the BPF object with what `expacti-abi` says, without a kernel.
//!
//! A hook in the wrong section, a map of another size, a struct that the two sides lay out differently: all of it
//! would load, or fail only on the kernel of a user.

mod maps;
mod programs;
mod structs;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use aya_obj::Object;

use crate::build;
use crate::cache::Cache;

/// `cargo xtask objcheck`.
pub(crate) fn command() -> Result<()> {
    check(&build::object(&Cache::open()?)?)
}

/// Fails with every difference.
pub(crate) fn check(object: &Path) -> Result<()> {
    let bytes = fs::read(object).with_context(|| format!("cannot read {}", object.display()))?;
    let differences = differences(&bytes)?;
    if !differences.is_empty() {
        bail!("{} is not as expacti-abi says:\n  {}", object.display(), differences.join("\n  "));
    }
    Ok(())
}

fn differences(bytes: &[u8]) -> Result<Vec<String>> {
    let object = Object::parse(bytes).context("the BPF object cannot be parsed")?;
    let mut differences = Vec::new();
    licence(&object, &mut differences);
    programs::compare(&object, bytes, &mut differences)?;
    maps::compare(&object, &mut differences);
    structs::compare(&object, &mut differences)?;
    Ok(differences)
}

/// Helpers that hooks need are only for GPL-compatible programs.
fn licence(object: &Object, differences: &mut Vec<String>) {
    let licence = object.license.to_string_lossy();
    if !["GPL", "Dual MIT/GPL"].contains(&licence.as_ref()) {
        differences.push(format!("its licence is '{licence}', and the kernel refuses helpers to that"));
    }
}
