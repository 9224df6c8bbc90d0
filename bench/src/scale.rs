//! What happens when there is much of everything.

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
    /// Microseconds of processor time that the daemon needs for each exec.
    pub daemon_us: f64,
}

/// What one exec takes with so much of something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Growth {
    /// Of what.
    pub of: String,
    /// How much.
    pub count: usize,
    /// Microseconds of an exec that the kernel allows by itself.
    pub cached_us: f64,
    /// Microseconds of one that the daemon allows.
    pub asked_us: f64,
    /// The daemon's memory, in MiB.
    pub resident_mib: f64,
}

/// The daemon while nothing happens.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Idle {
    /// Its memory right after the start, in MiB.
    pub resident_mib: f64,
    /// The same after the storms.
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
    /// More agents, rules, tickets.
    pub growth: Vec<Growth>,
    /// Nothing at all.
    pub idle: Idle,
    /// What a decision takes on the machine itself, as `cargo bench -p expacti-core --bench rules` prints it.
    #[serde(default)]
    pub decisions: String,
}
