//! The parts, one file each.

pub(crate) mod cost;
pub(crate) mod growth;
mod memory;
pub(crate) mod peers;
pub(crate) mod scale;
pub(crate) mod workloads;

use std::process::Command;

use anyhow::bail;
use expacti_tests::harness::daemon::Daemon;

/// Ends a daemon and takes its gate out of the kernel.
fn unload(daemon: Daemon) -> anyhow::Result<()> {
    drop(daemon.kill());
    let output = Command::new("expacti").args(["daemon", "--unload", "--force"]).output()?;
    if !output.status.success() {
        bail!("it does not unload: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}
