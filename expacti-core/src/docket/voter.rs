//! Who votes, and what a vote says.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::digest::Digest;

/// What a human may do. None of them contains another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Sees cards.
    Viewer,
    /// Votes, stops agents.
    Reviewer,
    /// Manages reviewers, resumes and kills agents, ends grants.
    Admin,
    /// Sees the exec log.
    Auditor,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Reviewer, Self::Admin, Self::Auditor];

    /// Its name in files, options and rules.
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Reviewer => "reviewer",
            Self::Admin => "admin",
            Self::Auditor => "auditor",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A human as the desk knows them at the moment of a vote. The name is the human: two tokens of one name are one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voter {
    /// Unique name.
    pub name: String,
    /// What they may do.
    pub roles: BTreeSet<Role>,
    /// Further names that rules may ask for, such as `dba`.
    pub teams: BTreeSet<String>,
}

impl Voter {
    /// Whether a rule that asks for `role` is content with this human.
    pub fn holds(&self, role: &str) -> bool {
        self.teams.contains(role) || self.roles.iter().any(|held| held.name() == role)
    }
}

/// How long an approval holds for the very same command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Repeat {
    /// This attempt only.
    #[default]
    Once,
    /// For so many milliseconds.
    For(u64),
    /// Until the agent's session ends.
    Session,
    /// By a rule that is proposed from it.
    Always,
}

/// How far an approval reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scope {
    /// What the command starts may run too, under the grant's ceiling.
    pub children: bool,
    /// The same command again.
    pub repeat: Repeat,
}

impl Scope {
    /// What two approvals have in common.
    #[must_use]
    pub fn narrowest(self, other: Self) -> Self {
        Self { children: self.children && other.children, repeat: self.repeat.min(other.repeat) }
    }
}

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It may run.
    Approve(Scope),
    /// It may not.
    Deny,
}

/// A vote as it arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vote {
    /// The card, or any ticket on it.
    pub id: u64,
    /// The digest that the human was shown.
    pub digest: Digest,
    /// The newest ticket that the human was shown on the card: an approval covers nothing that came later.
    pub newest: u64,
    /// Who.
    pub voter: Voter,
    /// Yes or no.
    pub answer: Answer,
    /// What they want to say about it.
    pub note: Option<String>,
    /// The face that they used, such as `cli`.
    pub via: String,
}

/// A vote that counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CastVote {
    /// Who.
    pub voter: Voter,
    /// Yes or no.
    pub answer: Answer,
    /// The newest ticket it covers, where it approves.
    pub newest: u64,
    /// What they said about it.
    pub note: Option<String>,
    /// The face that they used, such as `cli`.
    pub via: String,
}

impl CastVote {
    /// Whether it says something about this ticket. A denial is about all of the card, an approval only about what its
    /// author was shown.
    pub fn covers(&self, ticket: u64) -> bool {
        self.answer == Answer::Deny || ticket <= self.newest
    }
}
