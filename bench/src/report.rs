//! Everything that was measured, and where.

use serde::{Deserialize, Serialize};

use crate::cost::Cost;
use crate::growth::Growth;
use crate::peers::Peers;
use crate::scale::Scale;
use crate::workloads::Workload;

/// What `docs/benchmarks.json` holds. Parts are measured one by one, so each says where.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Report {
    /// What one exec costs, in instructions.
    pub cost: Option<Section<Cost>>,
    /// The gate beside others.
    pub peers: Option<Section<Peers>>,
    /// Whole pieces of work.
    pub workloads: Option<Section<Vec<Workload>>>,
    /// Storms of execs, and nothing at all.
    pub scale: Option<Section<Scale>>,
    /// More and more agents, rules and tickets.
    pub growth: Option<Section<Vec<Growth>>>,
    /// So many tickets that they are a part of their own.
    pub tickets: Option<Section<Vec<Growth>>>,
    /// What a decision takes on the machine itself, as `cargo bench -p expacti-core --bench rules` prints it.
    pub decisions: Option<String>,
}

/// One part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Section<T> {
    /// Where and when it was measured.
    pub machine: Machine,
    /// How long that took, in seconds.
    pub seconds: u64,
    /// What was found.
    pub found: T,
}

/// The kind of machine that is no guest.
pub const ITSELF: &str = "this machine itself";

/// Where and when something was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// This machine itself, or the kind of guest.
    pub kind: String,
    /// The kernel's release.
    pub kernel: String,
    /// The processor underneath.
    pub processor: String,
    /// The day.
    pub day: String,
    /// What was measured, as `git describe` says it.
    pub version: String,
    /// How that was built.
    pub build: String,
}

impl Machine {
    /// Whether it is a guest, where instructions are counted and all is slow.
    pub fn is_guest(&self) -> bool {
        self.kind != ITSELF
    }

    /// What the counted figures are in.
    pub fn unit(&self) -> &'static str {
        if self.is_guest() { "Instructions" } else { "Nanoseconds" }
    }
}
