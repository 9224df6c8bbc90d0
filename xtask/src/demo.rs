//! `cargo xtask demo`: what somebody does who has just cloned this.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, Result};

use crate::build::{self, Profile};
use crate::cache::Cache;
use crate::setup::{self, kernels::Kernel};
use crate::vm::{self, Guest, GuestFile, Task};
use crate::workspace;

/// `cargo xtask demo`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The kernel to boot, where a guest is needed.
    #[arg(long, default_value = "6.12")]
    kernel: Kernel,
    /// In a guest, even if this machine's own kernel would do.
    #[arg(long)]
    guest: bool,
}

pub(crate) fn command(options: &Options) -> Result<ExitCode> {
    let cache = Cache::open()?;
    let script = workspace::root().join("xtask/guest/demo.sh");
    let expacti = build::binary(&cache, "expacti-agent", "expacti", Profile::Guest)?;
    if !options.guest && works_here(&expacti) {
        return here(&script, &expacti);
    }
    setup::bring(&cache, setup::guest_parts(&[options.kernel])?)?;
    let guest = Guest {
        kernel: options.kernel,
        task: Task::Shell(Some(script)),
        files: vec![GuestFile::new(&expacti, "/usr/local/bin/expacti")?],
        forward: Vec::new(),
        systemd: false,
        memory: 2048,
    };
    vm::boot(&cache, &guest)
}

/// Whether this machine's kernel loads LSM programs, by the product's own word.
fn works_here(expacti: &Path) -> bool {
    let mut doctor = Command::new(expacti);
    doctor.arg("doctor").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    doctor.status().is_ok_and(|status| status.success())
}

fn here(script: &Path, expacti: &Path) -> Result<ExitCode> {
    let folder = expacti.parent().context("the binary lies in no folder")?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = [folder.to_owned()].into_iter().chain(std::env::split_paths(&path));
    let status = Command::new("bash").arg(script).env("PATH", std::env::join_paths(folders)?).status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
