//! What an agent may do without a human, and what it takes to let it do the rest.

mod anomaly;
mod risk;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::evaluation::Level;

pub use self::anomaly::AnomalyPolicy;
pub use self::risk::{ParseRiskError, Risk};

/// How one agent's execs are decided where no rule says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Scores from here on wait for a human; what is below runs.
    pub hold_from: Risk,
    /// From here on an allow rule counts only if it is exact and its `max_risk` says so.
    pub never_allow_from: Risk,
    /// How many distinct humans must approve.
    pub approvals: PerLevel<u8>,
    /// Roles of which each approver must hold one; empty means any reviewer.
    pub roles: PerLevel<BTreeSet<String>>,
    /// The sets of rules that count for this agent; none means all. Rules outside any set always count.
    pub rule_sets: Option<BTreeSet<String>>,
    /// Folders whose programs a bare name in an allow rule stands for. Agents must not be able to write there.
    pub trusted_folders: Vec<String>,
    /// What in an agent's past makes an exec unusual.
    pub anomaly: AnomalyPolicy,
}

/// One value for each level.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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

const TRUSTED_FOLDERS: [&str; 12] = [
    "/usr/bin",
    "/usr/sbin",
    "/usr/lib",
    "/usr/lib64",
    "/usr/libexec",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/usr/local/lib",
    "/bin",
    "/sbin",
    "/lib",
    "/nix/store",
];

impl Default for Policy {
    fn default() -> Self {
        Self {
            hold_from: Risk::Level(Level::Medium),
            never_allow_from: Risk::Level(Level::High),
            approvals: PerLevel { low: 1, medium: 1, high: 1, critical: 2 },
            roles: PerLevel::default(),
            rule_sets: None,
            trusted_folders: TRUSTED_FOLDERS.map(str::to_owned).to_vec(),
            anomaly: AnomalyPolicy::default(),
        }
    }
}

impl Policy {
    /// Whether rules of this set count.
    pub fn has_rule_set(&self, set: Option<&str>) -> bool {
        match (&self.rule_sets, set) {
            (None, _) | (_, None) => true,
            (Some(chosen), Some(set)) => chosen.contains(set),
        }
    }
}

impl<T> PerLevel<T> {
    /// The value for a level.
    pub fn at(&self, level: Level) -> &T {
        match level {
            Level::Low => &self.low,
            Level::Medium => &self.medium,
            Level::High => &self.high,
            Level::Critical => &self.critical,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_written_with_what_differs() {
        let policy: Policy = toml::from_str("hold_from = \"HIGH\"\nrule_sets = [\"git-daily\"]").unwrap();
        assert_eq!(policy.hold_from, Risk::Level(Level::High));
        assert!(policy.has_rule_set(None) && policy.has_rule_set(Some("git-daily")));
        assert!(!policy.has_rule_set(Some("build")));
        assert!(toml::from_str::<Policy>("hold = 3").is_err());
    }
}
