//! Leave to run without asking, because humans approved what started it.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// One grant that this exec stands under. Whether it does is the caller's to know: it follows the processes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The ticket that was approved.
    pub ticket: u64,
    /// For whom. An exec of another agent is never covered.
    pub agent: String,
    /// The highest score that it covers.
    pub ceiling: u8,
    /// It ends at this moment, if not before.
    pub until: Option<Timestamp>,
}

impl Grant {
    /// Whether an exec with this score runs under it now.
    pub fn covers(&self, agent: &str, score: u8, now: Timestamp) -> bool {
        self.agent == agent && score <= self.ceiling && self.until.is_none_or(|until| now < until)
    }
}
