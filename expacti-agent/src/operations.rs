//! What administrators do to a running daemon. The API asks for it, the daemon does it.

use std::path::PathBuf;

use expacti_core::remember::Suggestion;

use crate::config::{Hold, Mode};
use crate::containers::Selector;

/// Does it. Methods may take a moment and may block: call them where that keeps nobody waiting.
pub(crate) trait Operations: Send + Sync + 'static {
    /// Reads configuration and rules again: all of it or nothing.
    fn reload(&self, by: &str) -> Result<Reloaded, OperationError>;

    /// Gates one more agent.
    fn enrol(&self, wanted: Enrolment, by: &str) -> Result<(), OperationError>;

    /// Ends the gate around an agent. What waits is denied, what runs is free.
    fn withdraw(&self, agent: &str, by: &str) -> Result<(), OperationError>;

    /// Keeps a rule that was suggested. The number of the rules in force from then on.
    fn accept_rule(&self, rule: &Suggestion, by: &str) -> Result<u64, OperationError>;

    /// The text of the rules that this node keeps itself.
    fn stored_rules(&self) -> Result<StoredRules, OperationError>;

    /// Puts another text in its place, if it still has the digest `was`. The number of the rules in force from then on.
    fn edit_rules(&self, text: String, was: &str, by: &str) -> Result<u64, OperationError>;

    /// How an agent is treated, and what became of its execs.
    fn standing(&self, agent: &str) -> Option<Standing>;

    /// Agents that are to be gated and whose cgroup is not there, by name.
    fn absent(&self) -> Vec<Absent>;

    /// Why it is not ready to gate anything, if it is not.
    fn unready(&self) -> Option<String>;

    /// What is counted, as Prometheus reads it.
    fn metrics(&self) -> String;
}

/// Where a new agent lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    /// In this cgroup.
    Cgroup(PathBuf),
    /// In the cgroup of this unit of systemd.
    Unit(String),
    /// Where this process is.
    Pid(u32),
    /// In every container that this means.
    Selected(Selector),
}

/// An agent to be gated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Enrolment {
    /// Its name.
    pub(crate) name: String,
    /// Where it lives.
    pub(crate) home: Home,
    /// The policy by which it is treated.
    pub(crate) policy: String,
    /// Another mode than the policy's.
    pub(crate) mode: Option<Mode>,
}

/// How an agent is treated, and what became of its execs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Its policy.
    pub(crate) policy: String,
    /// Its mode.
    pub(crate) mode: Mode,
    /// Where what needs a human waits for one.
    pub(crate) hold: Hold,
    /// Execs since the daemon started.
    pub(crate) execs: u64,
    /// Of them denied, by whomever.
    pub(crate) denied: u64,
}

/// An agent that has a name and no cgroup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Absent {
    /// Its name.
    pub(crate) name: String,
    /// What is not there.
    pub(crate) why: String,
    /// Since when it is known, in seconds since the epoch.
    pub(crate) since: u64,
    /// It was gated, and its cgroup went.
    pub(crate) was_gated: bool,
}

/// The rules that a node keeps itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredRules {
    /// Where.
    pub(crate) path: String,
    /// Their TOML.
    pub(crate) text: String,
    /// Tells this text from any other.
    pub(crate) digest: String,
}

/// What a reload did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reloaded {
    /// The number of the rules in force.
    pub(crate) generation: u64,
    /// How many rules there are.
    pub(crate) rules: usize,
    /// Agents of the configuration that are gated now and were not before.
    pub(crate) enrolled: Vec<String>,
    /// Agents that are not in it any more.
    pub(crate) withdrawn: Vec<String>,
    /// Settings that were changed and take effect when the daemon starts next.
    pub(crate) at_next_start: Vec<String>,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OperationError {
    /// What was asked for makes no sense.
    #[error("{0}")]
    BadInput(String),
    /// There is no such agent.
    #[error("no agent is called {0:?}; `expacti agents` lists them")]
    UnknownAgent(String),
    /// Something is in the way.
    #[error("{0}")]
    Conflict(String),
    /// It could not be recorded or done.
    #[error("{0}")]
    Failed(String),
}
