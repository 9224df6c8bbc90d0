//! What operators set: how many humans, how long, how much.

use serde::{Deserialize, Serialize};

use crate::evaluation::Level;

/// One value for each level of risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerLevel<T> {
    /// Below 30.
    pub low: T,
    /// From 30.
    pub medium: T,
    /// From 60.
    pub high: T,
    /// From 90.
    pub critical: T,
}

impl<T: Copy> PerLevel<T> {
    /// The same value at every level.
    pub fn same(value: T) -> Self {
        Self { low: value, medium: value, high: value, critical: value }
    }

    /// The value at one level.
    pub fn at(&self, level: Level) -> T {
        match level {
            Level::Low => self.low,
            Level::Medium => self.medium,
            Level::High => self.high,
            Level::Critical => self.critical,
        }
    }
}

/// How the tickets of one agent are treated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// How long a ticket waits for humans before it is denied, in milliseconds.
    pub timeout_ms: PerLevel<u64>,
    /// How many distinct humans must approve at least. A rule may ask for more, never for fewer.
    pub approvals: PerLevel<u8>,
    /// How many distinct humans must deny before it is denied. One is enough unless an operator says otherwise.
    pub denials: u8,
    /// How many tickets of the agent may wait at once; the rest is denied.
    pub max_pending: u32,
    /// What an approved command starts may score this much and still run under its grant.
    pub grant_ceiling: u8,
    /// How long a grant lasts at most, in milliseconds.
    pub max_grant_ms: u64,
    /// The highest level at which "always" is offered.
    pub always_up_to: Level,
    /// The human who runs the agent.
    pub owner: Option<String>,
    /// The owner's approval is enough by itself.
    pub owner_alone: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            timeout_ms: PerLevel::same(300_000),
            approvals: PerLevel { critical: 2, ..PerLevel::same(1) },
            denials: 1,
            max_pending: 256,
            grant_ceiling: 59,
            max_grant_ms: 24 * 3_600_000,
            always_up_to: Level::Medium,
            owner: None,
            owner_alone: true,
        }
    }
}
