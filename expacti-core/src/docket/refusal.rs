//! Why something that was asked is not done.

use serde::{Deserialize, Serialize};

use crate::evaluation::Level;

/// Why not. The text is for the human who asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "refused", rename_all = "kebab-case")]
pub enum Refusal {
    /// There never was such a ticket, or it is long gone.
    #[error("there is no ticket {id} that waits")]
    Unknown {
        /// What was named.
        id: u64,
    },
    /// It has ended already.
    #[error("ticket {id} has already ended: {how}")]
    Ended {
        /// What was named.
        id: u64,
        /// How it ended.
        how: String,
    },
    /// What was shown is not what waits now.
    #[error("card {card} is not what you were shown: look at it again and decide anew")]
    Changed {
        /// The card.
        card: u64,
    },
    /// This human voted on exactly this before.
    #[error("{name} has voted on card {card} already; one human counts once")]
    AlreadyVoted {
        /// The card.
        card: u64,
        /// Who.
        name: String,
    },
    /// This human may not vote at all.
    #[error("{name} may not vote: the role `reviewer` is missing")]
    NotAReviewer {
        /// Who.
        name: String,
    },
    /// A rule asks for somebody else.
    #[error("card {card} asks for one of these roles: {}", roles.join(", "))]
    NeedsRole {
        /// The card.
        card: u64,
        /// Any of them.
        roles: Vec<String>,
    },
    /// The agent is stopped.
    #[error("agent {agent} is stopped: resume it first, or deny")]
    Stopped {
        /// Which.
        agent: String,
    },
    /// "Always" at a level where it is not offered.
    #[error("\"always\" is not offered at {level}: approve this once, or write a rule by hand")]
    AlwaysNotOffered {
        /// The level of the card.
        level: Level,
    },
    /// A grant for longer than the policy has it.
    #[error("a grant lasts from one millisecond to {max_ms} ms here, not {asked_ms} ms")]
    GrantTooLong {
        /// What was asked.
        asked_ms: u64,
        /// The limit.
        max_ms: u64,
    },
    /// No such grant is in force.
    #[error("there is no grant {id} in force")]
    UnknownGrant {
        /// Which.
        id: String,
    },
    /// It is not stopped, so it cannot be resumed.
    #[error("agent {agent} is not stopped")]
    NotStopped {
        /// Which.
        agent: String,
    },
}
