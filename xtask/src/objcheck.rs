//! Compares the BPF object with what `expacti-abi` says, without a kernel.
//!
//! A hook in the wrong section, a map of another size, a struct that the two sides lay out differently: all of it
//! would load, or fail only on the kernel of a user.

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
    let parsed = Object::parse(&bytes).context("the BPF object cannot be parsed")?;
    let mut differences = Vec::new();
    licence(&parsed, &mut differences);
    if parsed.btf.is_none() {
        differences.push("it has no BTF: bpf-linker was not told --btf".to_owned());
    }
    if !differences.is_empty() {
        bail!("{} is not as it must be:\n  {}", object.display(), differences.join("\n  "));
    }
    Ok(())
}

/// Helpers that hooks need are only for GPL-compatible programs.
fn licence(object: &Object, differences: &mut Vec<String>) {
    let licence = object.license.to_string_lossy();
    if !["GPL", "Dual MIT/GPL"].contains(&licence.as_ref()) {
        differences.push(format!("its licence is '{licence}', and the kernel refuses helpers to that"));
    }
}
