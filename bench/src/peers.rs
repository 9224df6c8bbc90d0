//! What one exec costs under the gate and under others that look at execs, in the same guest and the same run.

use serde::{Deserialize, Serialize};

use crate::statistics::Interval;

/// One program under one of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// Who looks at execs.
    pub peer: String,
    /// What is started.
    pub program: String,
    /// Processes that keep the processors busy meanwhile.
    pub hogs: u32,
    /// Microseconds of one exec without it.
    pub bare: f64,
    /// Microseconds that it adds: of each pair of runs next to each other, one with it and one without, the difference
    /// of their medians; of these the median.
    pub added: Interval,
    /// How many pairs.
    pub pairs: usize,
}

/// One that was compared with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Peer {
    /// Its name.
    pub name: String,
    /// Its version, as it says itself.
    pub version: String,
    /// How it was set up.
    pub setup: String,
    /// Why there is no figure of it, where there is none.
    pub missing: Option<String>,
}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Peers {
    /// Who was compared.
    pub peers: Vec<Peer>,
    /// The figures.
    pub figures: Vec<Compared>,
}
