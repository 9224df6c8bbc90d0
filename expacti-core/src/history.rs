//! The past of an agent in a few numbers, counted by whoever keeps the log.

use serde::{Deserialize, Serialize};

/// What an agent ran before this exec. All zero where nothing is known, which makes nothing unusual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct History {
    /// Execs of this agent so far.
    pub execs: u64,
    /// How many of them were of this executable.
    pub of_this_program: u64,
    /// How many of them were in this hour of the day, local time.
    pub in_this_hour_of_day: u64,
    /// Its execs at MEDIUM or above within the last minute.
    pub risky_in_last_minute: u32,
}
