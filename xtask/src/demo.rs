//! `cargo xtask demo`: what somebody does who has just cloned this.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

use crate::build::{self, Profile};
use crate::cache::Cache;
use crate::setup::{self, kernels::Kernel};
use crate::vm::{self, Guest, GuestFile, Task};
use crate::workspace;

/// What the script ends with where the gate cannot be had.
const NO_GATE: i32 = 125;

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
    if !options.guest && may_work_here() {
        if let Some(code) = here(&script, &expacti)? {
            return Ok(code);
        }
        println!("this machine's own kernel does not take the gate, so a guest is booted");
    }
    setup::bring(&cache, setup::guest_parts(&[options.kernel])?)?;
    let guest = Guest {
        kernel: options.kernel,
        task: Task::Shell(Some(script)),
        files: vec![GuestFile::new(&expacti, "/usr/local/bin/expacti")?],
        forward: Vec::new(),
        systemd: false,
        memory: 2048,
        clock: vm::Clock::Wall,
        disks: Vec::new(),
    };
    vm::boot(&cache, &guest)
}

/// Whether the gate may be tried on this machine's own kernel: it lists BPF among its security modules, we may load
/// programs, and no daemon of the machine's own would be pushed aside.
fn may_work_here() -> bool {
    let modules = std::fs::read_to_string("/sys/kernel/security/lsm").unwrap_or_default();
    modules.trim().split(',').any(|module| module == "bpf")
        && rustix::process::geteuid().is_root()
        && !Path::new("/sys/fs/bpf/expacti").exists()
}

/// None: the kernel did not take the gate.
fn here(script: &Path, expacti: &Path) -> Result<Option<ExitCode>> {
    let folder = expacti.parent().context("the binary lies in no folder")?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = [folder.to_owned()].into_iter().chain(std::env::split_paths(&path));
    let status = Command::new("bash").arg(script).env("PATH", std::env::join_paths(folders)?).status()?;
    Ok(match status.code() {
        Some(NO_GATE) => None,
        Some(0) => Some(ExitCode::SUCCESS),
        Some(_) | None => Some(ExitCode::FAILURE),
    })
}
