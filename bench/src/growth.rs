//! What one exec costs as there is more and more of something.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Of what there is more and more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Of {
    /// Enrolled agents.
    Agents,
    /// Rules.
    Rules,
    /// Attempts that wait for a human.
    Tickets,
}

impl Of {
    /// In a table.
    pub fn title(self) -> &'static str {
        match self {
            Self::Agents => "agents",
            Self::Rules => "rules",
            Self::Tickets => "pending tickets",
        }
    }
}

/// With so much of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Growth {
    /// Of what.
    pub of: Of,
    /// How much.
    pub count: usize,
    /// What was found; an error says what does not stand so much.
    pub found: Result<Found, String>,
}

/// What was found with so much of something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Instructions of an exec that the kernel allows by itself.
    pub cached: u64,
    /// Of one that the daemon allows: everything that agent and daemon execute until its record is in the database.
    pub asked: u64,
    /// Of these, those of the daemon's threads, by their names.
    #[serde(default)]
    pub threads: BTreeMap<String, u64>,
    /// Memory that the daemon allocated, in MiB.
    pub allocated_mib: f64,
    /// All of its memory, in MiB: with files and the ring.
    pub resident_mib: f64,
    /// From nothing until all of it was there, in seconds of a processor that executes a billion instructions a second.
    pub ready: f64,
}

/// The figures of one kind, smallest count first.
pub fn of(growth: &[Growth], of: Of) -> impl Iterator<Item = (usize, &Found)> {
    growth
        .iter()
        .filter(move |growth| growth.of == of)
        .filter_map(|growth| Some((growth.count, growth.found.as_ref().ok()?)))
}
