//! The BPF object, and the binary that carries it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::cache::Cache;
use crate::process::run;
use crate::setup::{self, bpf_linker, rust_src};
use crate::workspace;

/// `cargo xtask build`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Build quickly instead of small and fast: what guests and tests run.
    #[arg(long)]
    guest: bool,
}

/// The one target whose programs run in guests, whatever their C library: it is linked in.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// How binaries are built.
#[derive(Clone, Copy)]
pub(crate) enum Profile {
    /// For users.
    Release,
    /// For guests: optimised, but linked in a fraction of the time.
    Guest,
}

impl Profile {
    fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Guest => "guest",
        }
    }
}

pub(crate) fn command(options: &Options) -> Result<()> {
    let profile = if options.guest { Profile::Guest } else { Profile::Release };
    println!("{}", binary(&Cache::open()?, "expacti-agent", "expacti", profile)?.display());
    Ok(())
}

/// Builds the BPF object.
pub(crate) fn object(cache: &Cache) -> Result<PathBuf> {
    run(&mut for_bpf(cache, "build")?)?;
    Ok(bpf_target().join("bpfel-unknown-none/release/expacti-ebpf"))
}

/// A cargo subcommand on the BPF crate, set up for its target.
pub(crate) fn for_bpf(cache: &Cache, subcommand: &str) -> Result<Command> {
    setup::bring(cache, setup::build_parts(cache)?)?;
    let linker = bpf_linker::program(cache)?;
    let flags = [
        // aya-ebpf reads registers by the layout of the machine that will load it.
        "--cfg=bpf_target_arch=\"x86_64\"".to_owned(),
        // BTF is made from debug information.
        "-Cdebuginfo=2".to_owned(),
        // Atomic addition that gives the old value back came with the third version of the instruction set.
        "-Ctarget-cpu=v3".to_owned(),
        "-Clink-arg=--btf".to_owned(),
        format!("-Clinker={}", linker.display()),
    ];
    let mut cargo = workspace::cargo();
    cargo
        .args([
            subcommand,
            "--quiet",
            "--release",
            "--package",
            "expacti-ebpf",
            "--target",
            "bpfel-unknown-none",
        ])
        .args(["-Z", "build-std=core", "--target-dir"])
        .arg(bpf_target())
        // core is built for a target that rustup has no build of; that is all that is unstable here.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
    if let Some(root) = rust_src::source_root(cache)? {
        // The only way to tell cargo of a library source outside the toolchain; the toolchain's version is pinned.
        cargo.env("__CARGO_TESTS_ONLY_SRC_ROOT", root);
    }
    Ok(cargo)
}

fn bpf_target() -> PathBuf {
    workspace::target().join("bpf")
}

/// Builds a binary that runs in any guest, with the BPF object in it.
pub(crate) fn binary(cache: &Cache, package: &str, name: &str, profile: Profile) -> Result<PathBuf> {
    let object = object(cache)?;
    with_object(&object, package, name, profile)
}

/// The same with an object that is already built.
pub(crate) fn with_object(object: &Path, package: &str, name: &str, profile: Profile) -> Result<PathBuf> {
    let mut cargo = workspace::cargo();
    cargo
        .args(["build", "--quiet", "--package", package, "--bin", name, "--target", TARGET])
        .args(["--profile", profile.name()])
        .env("RUSTFLAGS", "-Ctarget-feature=+crt-static")
        .env("EXPACTI_BPF_OBJECT", object);
    run(&mut cargo)?;
    Ok(place(name, profile))
}

/// Where a binary is once it is built.
pub(crate) fn place(name: &str, profile: Profile) -> PathBuf {
    workspace::target().join(TARGET).join(profile.name()).join(name)
}
