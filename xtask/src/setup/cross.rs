//! A compiler, a linker and a C library for 64-bit ARM: this machine's, or Debian's, unpacked into the cache.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::Part;
use super::packages::{Unpacked, unpack_with_dependencies};
use crate::cache::Cache;
use crate::process::find_program;

const COMPILER: &str = "aarch64-linux-gnu-gcc";

/// The second is only recommended by the first.
const PACKAGES: [&str; 2] = ["gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross"];

/// See the module.
pub(crate) enum Tools {
    /// In this machine's PATH.
    Installed,
    /// In the cache.
    Unpacked(Unpacked),
}

impl Tools {
    /// Brings them.
    pub(crate) fn of(cache: &Cache) -> Result<Self> {
        if find_program(COMPILER).is_some() {
            return Ok(Self::Installed);
        }
        let part = Part {
            name: "cross-aarch64",
            brings: "a compiler for 64-bit ARM, Debian's package gcc-aarch64-linux-gnu (50 MB to download)",
            recipe: format!("{PACKAGES:?}"),
            make: |workshop, folder| {
                PACKAGES.iter().try_for_each(|package| unpack_with_dependencies(workshop, package, folder))
            },
        };
        let root = part.get(cache).with_context(|| {
            format!("{COMPILER} is missing: install it with your system's package manager")
        })?;
        Ok(Self::Unpacked(Unpacked { root }))
    }

    /// A program of them.
    pub(crate) fn command(&self, program: &str) -> Command {
        match self {
            Self::Installed => Command::new(program),
            Self::Unpacked(unpacked) => unpacked.command(&format!("usr/bin/{program}")),
        }
    }

    /// Has cargo use them, with these flags for rustc.
    pub(crate) fn set<'c>(&self, cargo: &'c mut Command, flags: &str) -> &'c mut Command {
        let compiler = self.command(COMPILER);
        for (name, value) in compiler.get_envs() {
            if let Some(value) = value {
                cargo.env(name, value);
            }
        }
        let compiler = PathBuf::from(compiler.get_program());
        let mut flags = flags.to_owned();
        if let Self::Unpacked(unpacked) = self {
            // Where headers and libraries are is fixed in the compiler, but for this.
            let root = format!("--sysroot={}", unpacked.root.display());
            flags.push_str(" -Clink-arg=");
            flags.push_str(&root);
            cargo.env("CFLAGS_aarch64_unknown_linux_gnu", root);
        }
        cargo.env("RUSTFLAGS", flags);
        cargo
            .env("CC_aarch64_unknown_linux_gnu", &compiler)
            .env("AR_aarch64_unknown_linux_gnu", compiler.with_file_name("aarch64-linux-gnu-ar"))
            .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", compiler)
    }
}
