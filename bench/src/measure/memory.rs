//! What a daemon's memory is.

use std::fs;

use anyhow::Context as _;
use expacti_tests::harness::daemon::Daemon;

/// In MiB.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory {
    /// Everything that is resident.
    pub(super) resident: f64,
    /// What it allocated.
    pub(super) allocated: f64,
    /// What it maps of files: its own program, and its database.
    pub(super) files: f64,
    /// What it shares with the kernel: the ring, which is mapped twice and so counted twice.
    pub(super) shared: f64,
}

impl Memory {
    pub(super) fn of(daemon: &Daemon) -> anyhow::Result<Self> {
        let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid()))?;
        let value = |key: &str| -> anyhow::Result<f64> {
            let line =
                status.lines().find_map(|line| line.strip_prefix(key)).with_context(|| key.to_owned())?;
            Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
        };
        // The pages of a ring belong to no file system, and the kernel counts them as of files: they are told apart by
        // the name of their mapping.
        let mut shared = 0.0;
        let mut is_ring = false;
        for line in fs::read_to_string(format!("/proc/{}/smaps", daemon.pid()))?.lines() {
            if line.split_whitespace().next().is_some_and(|word| !word.ends_with(':')) {
                is_ring = line.contains("bpf-map");
            } else if let (true, Some(kib)) = (is_ring, line.strip_prefix("Rss:")) {
                shared += kib.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0;
            }
        }
        Ok(Self {
            resident: value("VmRSS:")?,
            allocated: value("RssAnon:")?,
            files: (value("RssFile:")? + value("RssShmem:")? - shared).max(0.0),
            shared,
        })
    }
}
