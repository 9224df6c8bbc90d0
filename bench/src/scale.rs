//! What happens when there is very much to do, and when there is nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Execs as fast as they go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Storm {
    /// Processes that start others.
    pub workers: usize,
    /// Execs a second without a gate.
    pub bare: f64,
    /// And under it, all of them allowed by the kernel's cache.
    pub gated: f64,
    /// Execs that were made under it.
    pub made: u64,
    /// Execs that the daemon saw.
    pub seen: u64,
    /// From the last exec to the last record in the database, in milliseconds.
    pub drained_ms: u64,
    /// Attempts that found the ring full and went around again.
    pub ring_full: u64,
    /// Notes of starts and ends that found the ring full.
    pub notes_lost: u64,
    /// The most bytes that waited in the ring, of those times that it was looked at.
    #[serde(default)]
    pub ring_most: u64,
    /// Microseconds of processor time that the daemon's threads need for each exec, by their names.
    #[serde(default)]
    pub threads: BTreeMap<String, f64>,
}

impl Storm {
    /// Of all its threads.
    pub fn daemon_us(&self) -> f64 {
        self.threads.values().fold(0.0, |sum, time| sum + time)
    }

    /// What is left of the rate, as a share.
    pub fn share(&self) -> f64 {
        self.gated / self.bare
    }
}

/// The daemon while nothing happens.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Idle {
    /// Its memory right after the start, in MiB.
    pub resident_mib: f64,
    /// Of it, what the daemon allocated.
    #[serde(default)]
    pub allocated_mib: f64,
    /// What it maps of files: its program and its database.
    #[serde(default)]
    pub files_mib: f64,
    /// The ring, which is mapped twice.
    #[serde(default)]
    pub ring_mib: f64,
    /// All of it after the storms.
    pub resident_after_mib: f64,
    /// Memory of the BPF maps and programs, in MiB.
    pub bpf_mib: f64,
    /// How often each of its threads woke up in a second, where it did.
    pub wakeups: Vec<(String, f64)>,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    /// Execs as fast as they go.
    pub storms: Vec<Storm>,
    /// Nothing at all.
    pub idle: Idle,
}
