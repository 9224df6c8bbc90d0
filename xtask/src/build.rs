//! The BPF object, and the binary that carries it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::cache::Cache;
use crate::process::run;
use crate::setup::{self, bpf_linker, cross, rust_src};
use crate::workspace;

/// `cargo xtask build`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Build quickly instead of small and fast: what guests and tests run.
    #[arg(long)]
    guest: bool,
}

/// What processors a binary is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Architecture {
    /// Tested in guests.
    #[default]
    #[value(name = "x86_64")]
    X86_64,
    /// Built, and not run anywhere by us.
    #[value(name = "aarch64")]
    Aarch64,
}

impl Architecture {
    /// As the kernel and Rust call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
        }
    }

    /// As Debian and makers of images call it.
    pub(crate) fn short(self) -> &'static str {
        match self {
            Self::X86_64 => "amd64",
            Self::Aarch64 => "arm64",
        }
    }

    /// The one target whose programs run wherever they are put, whatever the C library there: it is linked in.
    pub(crate) fn target(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64-unknown-linux-gnu",
            Self::Aarch64 => "aarch64-unknown-linux-gnu",
        }
    }

    fn bpf_target(self) -> PathBuf {
        workspace::target().join(match self {
            Self::X86_64 => "bpf",
            Self::Aarch64 => "bpf-aarch64",
        })
    }
}

/// For rustc: the C library is linked in.
const STATIC: &str = "-Ctarget-feature=+crt-static";

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
    object_for(cache, Architecture::X86_64)
}

fn object_for(cache: &Cache, architecture: Architecture) -> Result<PathBuf> {
    run(&mut for_bpf(cache, "build", architecture)?)?;
    Ok(architecture.bpf_target().join("bpfel-unknown-none/release/expacti-ebpf"))
}

/// A cargo subcommand on the BPF crate, set up for its target.
pub(crate) fn for_bpf(cache: &Cache, subcommand: &str, architecture: Architecture) -> Result<Command> {
    setup::bring(cache, setup::build_parts(cache)?)?;
    let linker = bpf_linker::program(cache)?;
    let flags = [
        // aya-ebpf reads registers by the layout of the machine that will load it.
        format!("--cfg=bpf_target_arch=\"{}\"", architecture.name()),
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
        .arg(architecture.bpf_target())
        // core is built for a target that rustup has no build of; that is all that is unstable here.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
    if let Some(root) = rust_src::source_root(cache)? {
        // The only way to tell cargo of a library source outside the toolchain; the toolchain's version is pinned.
        cargo.env("__CARGO_TESTS_ONLY_SRC_ROOT", root);
    }
    Ok(cargo)
}

/// Builds a binary that runs in any guest, with the BPF object in it.
pub(crate) fn binary(cache: &Cache, package: &str, name: &str, profile: Profile) -> Result<PathBuf> {
    let object = object(cache)?;
    with_object(&object, package, name, profile)
}

/// Builds expacti for other processors than this machine's, with Debian's compiler for what of it is C.
pub(crate) fn for_other(cache: &Cache, architecture: Architecture, profile: Profile) -> Result<PathBuf> {
    let target = architecture.target();
    if !rust_src::sysroot()?.join("lib/rustlib").join(target).is_dir() {
        bail!(
            "the Rust toolchain has no standard library for {target}; `rustup target add {target}` adds it"
        );
    }
    let object = object_for(cache, architecture)?;
    let mut cargo = build_of(&object, "expacti-agent", "expacti", target, profile);
    run(cross::Tools::of(cache)?.set(&mut cargo, STATIC))?;
    Ok(place_for("expacti", architecture, profile))
}

/// The same with an object that is already built.
pub(crate) fn with_object(object: &Path, package: &str, name: &str, profile: Profile) -> Result<PathBuf> {
    run(&mut build_of(object, package, name, Architecture::X86_64.target(), profile))?;
    Ok(place(name, profile))
}

fn build_of(object: &Path, package: &str, name: &str, target: &str, profile: Profile) -> Command {
    let mut cargo = workspace::cargo();
    cargo
        .args(["build", "--quiet", "--package", package, "--bin", name, "--target", target])
        .args(["--profile", profile.name()])
        .env("RUSTFLAGS", STATIC)
        .env("EXPACTI_BPF_OBJECT", object);
    cargo
}

/// Where a binary is once it is built.
pub(crate) fn place(name: &str, profile: Profile) -> PathBuf {
    place_for(name, Architecture::X86_64, profile)
}

fn place_for(name: &str, architecture: Architecture, profile: Profile) -> PathBuf {
    workspace::target().join(architecture.target()).join(profile.name()).join(name)
}
