//! What can happen to the docket.

use std::sync::Arc;

use crate::evaluation::Evaluation;
use crate::request::ExecRequest;

use super::digest::Digest;
use super::effect::Outcome;
use super::grant::{Grant, GrantId};
use super::policy::Policy;
use super::voter::{CastVote, Vote, Voter};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The kernel asks about an exec.
    Opened(Opened),
    /// After a restart of the daemon: the kernel still holds this exec from before.
    Adopted {
        /// The ticket as it was opened.
        opened: Opened,
        /// What was left of its time.
        remaining_ms: u64,
        /// The votes it already had.
        votes: Vec<CastVote>,
        /// How it ended according to the log, where only the verdict was lost on its way to the kernel.
        ended: Option<Outcome>,
    },
    /// The process is gone, or asks for something else now.
    Withdrawn {
        /// Its ticket.
        ticket: u64,
        /// Which of the two.
        why: Withdrawal,
    },
    /// What ran under this ticket has exited.
    Finished {
        /// Its ticket.
        ticket: u64,
    },
    /// A human answers.
    Vote(Vote),
    /// Time passes.
    Tick,
    /// A human freezes an agent.
    AgentStopped {
        /// Which.
        agent: String,
        /// Who.
        by: String,
    },
    /// A human lets it go on.
    AgentResumed {
        /// Which.
        agent: String,
        /// Who.
        by: String,
    },
    /// A human ends it: everything that waits is denied, and nothing of it runs any more.
    AgentKilled {
        /// Which.
        agent: String,
        /// Who.
        by: String,
    },
    /// Its cgroup is gone or withdrawn: the session is over.
    AgentGone {
        /// Which.
        agent: String,
    },
    /// A human may vote, or see, from now on. It changes nothing here, and is recorded.
    ReviewerAdded {
        /// Who.
        voter: Voter,
        /// Who said so.
        by: String,
    },
    /// A human may not vote any more: what they said and is still open does not count.
    ReviewerRevoked {
        /// Whose right.
        name: String,
        /// Who took it.
        by: String,
    },
    /// After a restart of the daemon: a grant that was in force.
    GrantRestored {
        /// The grant; its `until` is ignored.
        grant: Grant,
        /// What was left of its time, where it had a limit.
        remaining_ms: Option<u64>,
    },
    /// A human ends a grant.
    GrantRevoked {
        /// Which.
        id: GrantId,
        /// Who.
        by: String,
    },
    /// Operators changed how an agent's tickets are treated. Tickets that wait keep their deadline.
    PolicySet {
        /// Which agent; none is the default for all others.
        agent: Option<String>,
        /// How.
        policy: Policy,
    },
}

/// An exec that waits for a verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The kernel's sequence number, never used twice.
    pub ticket: u64,
    /// The agent's name.
    pub agent: String,
    /// The kernel's digest of what it wants to run.
    pub digest: Digest,
    /// What it wants to run.
    pub request: Arc<ExecRequest>,
    /// What the engine says about it.
    pub evaluation: Arc<Evaluation>,
    /// Tickets that the process descends from, nearest first, as the kernel marked it.
    pub descends_from: Vec<u64>,
}

/// Why a ticket needs no answer any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Withdrawal {
    /// The process died.
    Died,
    /// Its argv, file, directory or credentials changed; what it wants now is another ticket.
    Changed,
    /// An operator ended the gate around its agent.
    AgentWithdrawn,
}
