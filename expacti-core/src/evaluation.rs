//! What the engine says about one exec, with every reason.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What is to happen. Ordered by strictness: the strictest of several counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[must_use]
pub enum Decision {
    /// It runs.
    Allow,
    /// It waits for humans.
    Hold,
    /// It does not run.
    Deny,
}

/// Risk in four steps. The bounds are part of the product's contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// Below 30.
    Low,
    /// From 30.
    Medium,
    /// From 60.
    High,
    /// From 90.
    Critical,
}

impl Level {
    /// The level that a score falls in.
    pub fn of(score: u8) -> Self {
        match score {
            0..=29 => Self::Low,
            30..=59 => Self::Medium,
            60..=89 => Self::High,
            90.. => Self::Critical,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
            Self::Critical => "CRITICAL",
        })
    }
}

/// One contribution to a score, named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Factor {
    /// Stable name, such as `force` or `no-where`.
    #[serde(rename = "id")]
    pub name: String,
    /// What it added to the score; negative where it took away.
    pub points: i16,
    /// One clause for a human: "drops a table in production".
    #[serde(rename = "why")]
    pub because: String,
}

/// Who or what decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum DecidedBy {
    /// A rule.
    Rule {
        /// Its name.
        name: String,
        /// The reason its author gave.
        because: String,
    },
    /// The history of this agent looked unusual.
    Anomaly,
    /// What an approved command started.
    Grant {
        /// The ticket that was approved.
        ticket: u64,
    },
    /// The score against the agent's thresholds.
    Threshold,
    /// The request had gaps, so nothing could vouch for it.
    Incomplete,
}

/// The engine's whole answer for one exec.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evaluation {
    /// What is to happen.
    pub decision: Decision,
    /// 0 to 100.
    pub score: u8,
    /// The level of `score`.
    pub level: Level,
    /// Stable names of what kind of thing it does, such as `database-write`.
    pub categories: BTreeSet<String>,
    /// Every contribution to the score, of the command that counted.
    pub factors: Vec<Factor>,
    /// Who or what decided.
    pub decided_by: DecidedBy,
    /// How many distinct humans must approve, where it is held.
    pub approvals: u8,
    /// Roles of which each approver must hold one; empty means any reviewer.
    pub roles: BTreeSet<String>,
    /// What it starts runs without asking up to this score: a rule with `children = "inherit"` allowed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub children_ceiling: Option<u8>,
    /// The generation of the rules that were in force.
    pub rule_generation: u64,
}
