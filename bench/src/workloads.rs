//! Whole pieces of work, as agents do them.

use serde::{Deserialize, Serialize};

use crate::statistics::Interval;

/// One of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Workload {
    /// Its name.
    pub name: String,
    /// What it does.
    pub about: String,
    /// Execs of one run.
    pub execs: u64,
    /// Of these, those that the kernel allowed by itself, in a run after others.
    pub cached: u64,
    /// Execs that would have waited for a human under these rules, or been denied.
    pub held: u64,
    /// Which those are, and why; not all where they are many.
    #[serde(default)]
    pub waits: Vec<String>,
    /// Seconds of one run without a gate.
    pub bare: f64,
    /// Why gated runs were not timed, where they were not.
    #[serde(default)]
    pub not_timed: String,
    /// Seconds that the gate adds, with rules for what would have waited: of each pair of runs the difference.
    pub added: Option<Interval>,
    /// How many pairs.
    pub pairs: usize,
    /// Why there is no figure, where there is none.
    #[serde(default)]
    pub trouble: Option<String>,
}
