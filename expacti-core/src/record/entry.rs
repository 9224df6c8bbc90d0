//! One appended state change.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::evaluation::{DecidedBy, Evaluation};
use crate::request::ExecRequest;
use crate::untrusted::Untrusted;

/// One state change as its author hands it in, before it has a place in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When it happened, in microseconds since the epoch.
    pub at: i64,
    /// The attempt that it belongs to; none for what concerns the daemon itself.
    pub attempt: Option<AttemptId>,
    /// What happened.
    pub change: Change,
}

/// The kernel's name of one attempt: unique on all nodes and over restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttemptId {
    /// The life of the gate that counted it.
    pub boot: BootId,
    /// The kernel's sequence number in that life.
    pub sequence: u64,
}

impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let boot = self.boot.to_string();
        write!(f, "{}-{}", &boot[..8], self.sequence)
    }
}

/// The life of a gate, within which sequence numbers count up from 1: the kernel's boot id, or a random number
/// where the gate was unloaded and loaded again within one boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BootId(pub u128);

impl fmt::Display for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Text that is no boot id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no boot id: give 32 hexadecimal digits, with or without dashes")]
pub struct NotABootId(String);

impl FromStr for BootId {
    type Err = NotABootId;

    fn from_str(text: &str) -> Result<Self, NotABootId> {
        let digits = text.trim().replace('-', "");
        if digits.len() != 32 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(NotABootId(text.to_owned()));
        }
        u128::from_str_radix(&digits, 16).map(Self).map_err(|_| NotABootId(text.to_owned()))
    }
}

impl Serialize for BootId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BootId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// What happened. The variant's name is the entry's kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// The chain of a node begins. Always the first entry, written by the log itself.
    ChainStarted {
        /// The node's name, such as its host name.
        name: String,
        /// The ed25519 key that signs this chain, hexadecimal; the node's id is its hash.
        public_key: String,
        /// The version of expacti that began it.
        version: String,
    },
    /// A process tried to exec.
    Attempted(Box<Attempted>),
    /// It waits for humans.
    Held {
        /// How many distinct approvals it needs.
        approvals: u8,
        /// When silence becomes a denial, in microseconds since the epoch.
        deadline: i64,
        /// It is held after the exec, before the first instruction of the new program.
        after: bool,
    },
    /// A human answered.
    Voted {
        /// The reviewer's name.
        reviewer: String,
        /// Yes or no.
        approve: bool,
        /// What the approval covers: `once`, `children`, `session`, `for`, `always`.
        scope: String,
        /// What the reviewer wrote.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        note: String,
        /// Where the answer came from: `cli`, `tui`, `web`, ...
        via: String,
    },
    /// It is decided.
    Decided(Verdict),
    /// The new program began to run.
    Started {
        /// Its process id on the host.
        pid: u32,
    },
    /// The program ended.
    Exited {
        /// Exit code; none where a signal ended it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<i32>,
        /// The signal that ended it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signal: Option<i32>,
        /// From start to end in microseconds.
        duration: u64,
    },
    /// It went away before it was decided.
    Withdrawn {
        /// Why, such as "the process died".
        because: String,
    },
    /// Something that a human must know.
    Alarm {
        /// Stable name, such as `log-store-failed`.
        name: String,
        /// One clause for a human.
        text: String,
    },
    /// Sequence numbers that never reached the daemon.
    Hole {
        /// The life of the gate.
        boot: BootId,
        /// The first number that is missing.
        from: u64,
        /// The last number that is missing.
        to: u64,
        /// Why, as far as it is known.
        because: String,
    },
    /// A daemon began to serve.
    DaemonStarted {
        /// Its version.
        version: String,
        /// The kernel it runs on.
        kernel: String,
    },
    /// A daemon ended in order.
    DaemonStopped {
        /// Why.
        because: String,
    },
    /// A generation of rules came into force.
    RulesLoaded {
        /// Its number; records name it.
        generation: u64,
        /// Everything it was made from, so that a decision can be recomputed.
        sources: Vec<RuleSource>,
        /// Who changed something for it; empty where a daemon began.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        by: String,
    },
    /// An operator changed something: enrolled an agent, stopped one, added a reviewer.
    Administered {
        /// Who did it.
        who: String,
        /// Stable name of what was done, such as `agent-stopped`.
        action: String,
        /// To whom or what.
        subject: String,
        /// Anything to add.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        note: String,
    },
    /// The node's key signs the chain up to the entry before this one.
    Checkpoint {
        /// What is signed, and the signature: one line, see [`super::signed::Checkpoint`].
        line: String,
    },
    /// Old entries were pruned by the retention setting.
    Tombstone {
        /// What is signed: JSON, see [`super::signed::Tombstone`].
        statement: String,
        /// Signature of `statement`, hexadecimal.
        signature: String,
    },
}

impl Change {
    /// The name of the variant as it is stored.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ChainStarted { .. } => "chain-started",
            Self::Attempted(_) => "attempted",
            Self::Held { .. } => "held",
            Self::Voted { .. } => "voted",
            Self::Decided(_) => "decided",
            Self::Started { .. } => "started",
            Self::Exited { .. } => "exited",
            Self::Withdrawn { .. } => "withdrawn",
            Self::Alarm { .. } => "alarm",
            Self::Hole { .. } => "hole",
            Self::DaemonStarted { .. } => "daemon-started",
            Self::DaemonStopped { .. } => "daemon-stopped",
            Self::RulesLoaded { .. } => "rules-loaded",
            Self::Administered { .. } => "administered",
            Self::Checkpoint { .. } => "checkpoint",
            Self::Tombstone { .. } => "tombstone",
        }
    }
}

/// An attempt as it was seen and judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempted {
    /// Process id on the host.
    pub pid: u32,
    /// Parent's process id on the host.
    pub ppid: u32,
    /// Everything the engine was asked with; secrets masked.
    pub request: ExecRequest,
    /// Everything the engine said.
    pub evaluation: Evaluation,
    /// The version of the engine that said it.
    pub engine: String,
    /// The verdict, where it was reached without waiting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// What was masked in `request`, in the order it stands there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub masked: Vec<String>,
}

/// How an attempt ended before the exec.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// It was let through.
    pub allow: bool,
    /// Who or what decided.
    pub decider: Decider,
    /// One clause for a human and for the agent.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub because: String,
    /// From attempt to verdict in microseconds.
    pub held: u64,
    /// From the first look of a human to the last vote in microseconds, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<u64>,
}

/// Who or what decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum Decider {
    /// A rule.
    Rule {
        /// Its name.
        name: String,
    },
    /// The kernel's cache of an earlier verdict.
    Cache,
    /// What an approved command started.
    Grant {
        /// The ticket that was approved.
        ticket: u64,
    },
    /// The score against the agent's thresholds.
    Threshold,
    /// The history of the agent looked unusual.
    Anomaly,
    /// The request had gaps.
    Incomplete,
    /// Humans; their votes are entries of their own.
    Reviewers {
        /// Those whose votes made the verdict.
        names: Vec<String>,
    },
    /// Nobody answered in time.
    Timeout,
    /// The gate could not decide, and its fail mode did.
    FailMode,
    /// Too many were waiting already.
    Quota,
    /// What was about to run was not what had been approved.
    Mismatch,
    /// The agent is only observed, not gated.
    Observe,
}

impl Decider {
    /// A short stable name for filters and lists: `rule:NAME`, `reviewers`, `timeout`, ...
    pub fn name(&self) -> String {
        match self {
            Self::Rule { name } => format!("rule:{name}"),
            Self::Cache => "cache".into(),
            Self::Grant { .. } => "grant".into(),
            Self::Threshold => "threshold".into(),
            Self::Anomaly => "anomaly".into(),
            Self::Incomplete => "incomplete".into(),
            Self::Reviewers { .. } => "reviewers".into(),
            Self::Timeout => "timeout".into(),
            Self::FailMode => "fail-mode".into(),
            Self::Quota => "quota".into(),
            Self::Mismatch => "mismatch".into(),
            Self::Observe => "observe".into(),
        }
    }

    /// A human had to look.
    pub fn is_human(&self) -> bool {
        matches!(self, Self::Reviewers { .. } | Self::Timeout)
    }
}

impl From<&DecidedBy> for Decider {
    fn from(by: &DecidedBy) -> Self {
        match by {
            DecidedBy::Rule { name, .. } => Self::Rule { name: name.clone() },
            DecidedBy::Anomaly => Self::Anomaly,
            DecidedBy::Grant { ticket } => Self::Grant { ticket: *ticket },
            DecidedBy::Threshold => Self::Threshold,
            DecidedBy::Incomplete => Self::Incomplete,
        }
    }
}

/// One file or stored rule of a generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleSource {
    /// Its path, or `store`.
    pub path: Untrusted,
    /// Its text.
    pub text: String,
}
