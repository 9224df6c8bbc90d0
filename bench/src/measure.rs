//! The parts, one file each.

pub(crate) mod cost;
pub(crate) mod growth;
mod memory;
pub(crate) mod peers;
pub(crate) mod scale;
pub(crate) mod workloads;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;

use anyhow::bail;
use expacti_tests::harness::daemon::Daemon;

/// Does it; a panic, as what drives daemons ends with, is an error like others.
fn caught<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done,
        Err(panic) => bail!("{}", said(panic.as_ref())),
    }
}

/// The first line of what a panic said.
fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked");
    text.lines().next().unwrap_or_default().to_owned()
}

/// Ends a daemon and takes its gate out of the kernel.
fn unload(daemon: Daemon) -> anyhow::Result<()> {
    drop(daemon.kill());
    let output = Command::new("expacti").args(["daemon", "--unload", "--force"]).output()?;
    if !output.status.success() {
        bail!("it does not unload: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}
