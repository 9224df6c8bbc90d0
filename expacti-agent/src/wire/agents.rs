//! Enrolled agents, and what each is told of itself.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::containers::ContainerView;
use super::operations::{HoldWord, ModeWord};
use super::votes::TicketView;
use crate::operations::Standing;

/// Whether an agent is gated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AgentState {
    /// It is.
    #[default]
    Gated,
    /// It will be as soon as its cgroup is made.
    Awaited,
    /// It was. Its cgroup is gone, and it will be again as soon as that is made anew.
    Gone,
}

/// An enrolled agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct AgentView {
    /// Its name.
    pub(crate) name: String,
    /// Whether it is gated, or only to be.
    #[serde(default)]
    pub(crate) state: AgentState,
    /// Its cgroup's path on the host. Where there is none: what is not there.
    pub(crate) cgroup: String,
    /// Since when it is so, in seconds since the epoch.
    pub(crate) since: u64,
    /// How many of its tickets wait.
    pub(crate) pending: u32,
    /// It had begun before it was gated: what it ran before is not in the log.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) late: bool,
    /// The container that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) container: Option<ContainerView>,
    /// Who stopped it, where it is stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stopped_by: Option<String>,
    /// How it is treated, and what became of its execs.
    #[serde(default, flatten, skip_serializing_if = "Option::is_none")]
    pub(crate) standing: Option<StandingView>,
}

/// How an agent is treated, and what became of its execs. Left out where the daemon gates nothing, as in a simulation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct StandingView {
    /// Its policy in the configuration.
    #[schema(required = false)]
    pub(crate) policy: String,
    /// What the gate does with what it sees.
    #[schema(required = false)]
    pub(crate) mode: ModeWord,
    /// Where what needs a human waits for one.
    #[schema(required = false)]
    pub(crate) hold: HoldWord,
    /// Execs since the daemon started.
    #[schema(required = false)]
    pub(crate) execs: u64,
    /// Of them denied, by whomever.
    #[schema(required = false)]
    pub(crate) denied: u64,
}

/// What an agent is told of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OwnTickets {
    /// Its name.
    pub(crate) agent: String,
    /// A human has stopped it.
    pub(crate) stopped: bool,
    /// What waits for humans.
    pub(crate) pending: Vec<OwnPending>,
    /// What ended not long ago, oldest first.
    pub(crate) ended: Vec<TicketView>,
}

/// A command of an agent that waits for humans.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OwnPending {
    /// The number that its stderr may have named.
    pub(crate) ticket: u64,
    /// How many identical ones wait.
    pub(crate) count: u64,
    /// The command on one line, escaped.
    pub(crate) command: String,
    /// When it is denied, in milliseconds from now.
    pub(crate) remaining_ms: u64,
}

/// What an agent says that it is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Claim {
    /// At most 500 bytes; an empty one takes the last one back.
    pub(crate) text: String,
}

impl From<Standing> for StandingView {
    fn from(standing: Standing) -> Self {
        let Standing { policy, mode, hold, execs, denied } = standing;
        Self { policy, mode: mode.into(), hold: hold.into(), execs, denied }
    }
}
