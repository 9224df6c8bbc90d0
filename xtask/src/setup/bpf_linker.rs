//! bpf-linker, built against the LLVM that rustc itself carries, so that none has to be installed.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::rust_src::{rustc_says, sysroot};
use super::{Part, Workshop};
use crate::cache::Cache;
use crate::process::run_logged;
use crate::workspace;

const VERSION: &str = "0.13.0";

/// The program.
pub(crate) fn program(cache: &Cache) -> Result<PathBuf> {
    Ok(part()?.get(cache)?.join("bin/bpf-linker"))
}

pub(crate) fn part() -> Result<Part> {
    Ok(Part {
        name: "bpf-linker",
        brings: "the linker for BPF objects, built from the Rust registry (about a minute)",
        // It is linked to this very toolchain's library.
        recipe: format!("{VERSION} {} {}", rustc_says("commit-hash")?, sysroot()?.display()),
        make,
    })
}

fn make(workshop: &Workshop, folder: &Path) -> Result<()> {
    let libraries = sysroot()?.join("lib");
    let llvm = std::fs::read_dir(&libraries)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("libLLVM.so.")))
        .with_context(|| format!("the Rust toolchain has no libLLVM in {}", libraries.display()))?;
    let prefix = folder.join("llvm");
    std::fs::create_dir_all(prefix.join("lib"))?;
    symlink(llvm, prefix.join("lib/libLLVM.so"))?;

    let version = rustc_says("LLVM version")?;
    let major = version.split('.').next().unwrap_or_default();
    let flags = format!("-L {}/lib -C link-arg=-Wl,-rpath,{}", prefix.display(), libraries.display());
    let mut cargo = workspace::cargo();
    cargo
        .args(["install", "bpf-linker", "--version", VERSION, "--locked", "--no-default-features"])
        .args(["--features", &format!("llvm-{major}"), "--root"])
        .arg(folder)
        .env("LLVM_PREFIX", &prefix)
        .env("RUSTFLAGS", flags)
        .env("CARGO_TARGET_DIR", folder.join("build"));
    run_logged(&mut cargo, &workshop.log)?;
    std::fs::remove_dir_all(folder.join("build"))?;
    Ok(())
}
