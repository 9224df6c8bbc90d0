//! What the docket wants done.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::evaluation::{DecidedBy, Evaluation};
use crate::request::ExecRequest;
use crate::untrusted::Untrusted;

use super::card::Card;
use super::digest::Digest;
use super::grant::{Grant, GrantEnd, GrantId};
use super::input::Withdrawal;
use super::refusal::Refusal;
use super::voter::{CastVote, Voter};

/// One thing to do. Within one step they are in order: a record stands before the verdict that depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Keep this, durably, before anything behind it happens.
    Record(Record),
    /// Tell the kernel.
    Verdict(Verdict),
    /// A card appeared.
    CardOpened(Arc<Card>),
    /// A card got a ticket or a vote, or lost one.
    CardChanged(Arc<Card>),
    /// A card needs no answer any more.
    CardClosed {
        /// The card as it was last.
        card: Arc<Card>,
        /// How the last ticket on it ended.
        outcome: Outcome,
    },
    /// Tell humans who are not looking.
    Notify(Notice),
    /// From now on this runs without asking.
    GrantMade(Grant),
    /// No longer.
    GrantEnded {
        /// Which.
        id: GrantId,
        /// Whose.
        agent: String,
        /// Why.
        why: GrantEnd,
    },
    /// Humans said "always": make the narrowest rule of it.
    RuleProposed {
        /// The ticket that was approved.
        ticket: u64,
        /// The command.
        request: Arc<ExecRequest>,
        /// What the engine said.
        evaluation: Arc<Evaluation>,
        /// Who approved.
        by: Vec<String>,
    },
    /// What was asked is not done, and nothing changed.
    Refused(Refusal),
}

/// The answer to the kernel. There is one for each ticket that was not withdrawn.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Verdict {
    /// Which exec.
    pub ticket: u64,
    /// Whose.
    pub agent: String,
    /// It is for this digest only.
    pub digest: Digest,
    /// It runs; otherwise it fails.
    pub allow: bool,
    /// Who or what said so.
    pub by: Author,
    /// One line for the agent and the log. It can hold a reviewer's words, so it is escaped where it is shown.
    pub reason: String,
}

/// How a ticket ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// It was allowed to run.
    Allowed {
        /// By whom or what.
        by: Author,
        /// In words.
        reason: String,
    },
    /// It was refused.
    Denied {
        /// By whom or what.
        by: Author,
        /// In words.
        reason: String,
    },
    /// Nobody answered in time, so it was refused.
    TimedOut {
        /// In words.
        reason: String,
    },
    /// It went away before an answer.
    Withdrawn {
        /// Why.
        why: Withdrawal,
    },
}

/// Who or what ended a ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "author", rename_all = "kebab-case")]
pub enum Author {
    /// The engine, without a human.
    Engine {
        /// Which part of it.
        decided_by: DecidedBy,
    },
    /// A grant.
    Grant {
        /// Which.
        grant: GrantId,
    },
    /// Humans, in the order of their votes.
    Humans {
        /// Their names.
        names: Vec<String>,
    },
    /// The clock.
    Timeout,
    /// Too many of the agent's tickets wait.
    Quota,
    /// The agent is stopped.
    Stopped {
        /// By whom.
        by: String,
    },
    /// The agent is being ended.
    Killed {
        /// By whom.
        by: String,
    },
}

/// One state change, for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The ticket it is about, where it is about one.
    pub ticket: Option<u64>,
    /// The agent it is about, where it is about one.
    pub agent: Option<String>,
    /// The docket's clock in milliseconds.
    pub at_ms: u64,
    /// What changed.
    pub change: Change,
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A ticket was opened.
    Opened {
        /// What it wants to run, as the kernel sees it.
        digest: Digest,
        /// What it wants to run.
        request: Arc<ExecRequest>,
        /// What the engine said.
        evaluation: Arc<Evaluation>,
    },
    /// A ticket waits for humans.
    Held {
        /// On this card.
        card: u64,
        /// How many must approve.
        approvals: u8,
        /// For so long.
        timeout_ms: u64,
    },
    /// A ticket from before a restart of the daemon waits on.
    Adopted {
        /// On this card.
        card: u64,
        /// For so long.
        remaining_ms: u64,
    },
    /// A vote counted for this ticket.
    Voted {
        /// On this card.
        card: u64,
        /// What was said.
        vote: CastVote,
    },
    /// A vote does not count any more, because its author lost the right.
    VoteDropped {
        /// On this card.
        card: u64,
        /// Whose.
        name: String,
    },
    /// Somebody tried what they may not.
    Refused {
        /// Who.
        name: String,
        /// Why not.
        why: Refusal,
    },
    /// A ticket ended. The last one about its state.
    Ended {
        /// How.
        outcome: Outcome,
        /// For how long it waited.
        held_ms: u64,
    },
    /// A grant began.
    GrantMade {
        /// What it says.
        grant: Grant,
    },
    /// A grant is over.
    GrantEnded {
        /// Which.
        id: GrantId,
        /// Why.
        why: GrantEnd,
    },
    /// An agent was stopped.
    AgentStopped {
        /// By whom.
        by: String,
    },
    /// An agent goes on.
    AgentResumed {
        /// By whom.
        by: String,
    },
    /// An agent is ended.
    AgentKilled {
        /// By whom.
        by: String,
    },
    /// An agent said what it is doing. The desk notes it; nothing depends on it.
    Claimed {
        /// Its words. It may say anything.
        text: Untrusted,
    },
    /// Somebody became a reviewer.
    ReviewerAdded {
        /// Who, with what rights.
        voter: Voter,
        /// By whom.
        by: String,
    },
    /// A reviewer lost the right to vote.
    ReviewerRevoked {
        /// Who.
        name: String,
        /// By whom.
        by: String,
    },
}

/// What humans should hear of when they are not looking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What happened.
    pub kind: NoticeKind,
    /// The card.
    pub card: Arc<Card>,
}

/// Why humans should look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoticeKind {
    /// A command waits for them.
    NeedsReview,
    /// It waited in vain.
    TimedOut,
    /// An agent ran into its quota.
    Quota,
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine { decided_by } => match decided_by {
                DecidedBy::Rule { name, .. } => write!(f, "rule {name}"),
                DecidedBy::Anomaly => f.write_str("anomaly"),
                DecidedBy::Grant { ticket } => write!(f, "grant of ticket {ticket}"),
                DecidedBy::Threshold => f.write_str("risk score"),
                DecidedBy::Incomplete => f.write_str("incomplete request"),
            },
            Self::Grant { grant } => write!(f, "grant {grant}"),
            Self::Humans { names } => f.write_str(&names.join(", ")),
            Self::Timeout => f.write_str("timeout"),
            Self::Quota => f.write_str("quota"),
            Self::Stopped { by } => write!(f, "agent stopped by {by}"),
            Self::Killed { by } => write!(f, "agent ended by {by}"),
        }
    }
}
