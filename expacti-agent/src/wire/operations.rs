//! What administrators send and are told.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::config::{Hold, Mode};
use crate::containers::Selector;

/// An agent to be gated. Exactly one of `cgroup`, `unit`, `pid` and `select` says where it lives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAgent {
    /// 1 to 64 letters, digits, `-`, `_` or `.`; with `select` also `{container}`, `{id}`, `{image}`, `{pod}`, `{namespace}`.
    pub(crate) name: String,
    /// A folder below `/sys/fs/cgroup`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cgroup: Option<String>,
    /// A unit of systemd.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unit: Option<String>,
    /// A process, whose cgroup is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pid: Option<u32>,
    /// Every container that this means, now and later, each an agent of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) select: Option<Selector>,
    /// A policy of the configuration; `default` where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) policy: Option<String>,
    /// Another mode than the policy's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mode: Option<ModeWord>,
}

/// What the gate does with what it sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ModeWord {
    /// Everything runs and is logged.
    Observe,
    /// The same, and the log says what would have been held or denied.
    Shadow,
    /// What must wait waits.
    Enforce,
}

/// Where an exec waits for a human.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum HoldWord {
    /// Before it happens: a denial is an exec that fails.
    Before,
    /// After it, before the first instruction: the caller goes on, a denial kills.
    After,
}

/// What a reload did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct ReloadView {
    /// The number of the rules in force.
    pub(crate) generation: u64,
    /// How many rules there are.
    pub(crate) rules: u64,
    /// Agents that are gated now and were not before.
    pub(crate) enrolled: Vec<String>,
    /// Agents that are not gated any more.
    pub(crate) withdrawn: Vec<String>,
    /// Settings that take effect when the daemon starts next.
    pub(crate) at_next_start: Vec<String>,
}

impl From<ModeWord> for Mode {
    fn from(word: ModeWord) -> Self {
        match word {
            ModeWord::Observe => Self::Observe,
            ModeWord::Shadow => Self::Shadow,
            ModeWord::Enforce => Self::Enforce,
        }
    }
}

impl From<Mode> for ModeWord {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Observe => Self::Observe,
            Mode::Shadow => Self::Shadow,
            Mode::Enforce => Self::Enforce,
        }
    }
}

impl From<Hold> for HoldWord {
    fn from(hold: Hold) -> Self {
        match hold {
            Hold::Before => Self::Before,
            Hold::After => Self::After,
        }
    }
}
