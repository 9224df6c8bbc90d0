//! What runs without asking because humans said so.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::evaluation::{DecidedBy, Decision, Evaluation};

use super::digest::Digest;
use super::input::Opened;

/// Names a grant: the ticket that it came from, and what it lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum GrantId {
    /// What the ticket's process starts.
    Children(u64),
    /// The ticket's command again.
    Repeat(u64),
}

/// A text that names no grant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a grant is named by its ticket and kind, such as 42-children or 42-repeat")]
pub struct NotAGrantId;

/// A permission that humans gave beyond one exec.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Its name.
    pub id: GrantId,
    /// For whom.
    pub agent: String,
    /// The command that was approved.
    pub digest: Digest,
    /// What runs under it may score this much.
    pub ceiling: u8,
    /// Who gave it: humans, or the rule that says so.
    pub by: Vec<String>,
    /// For `Repeat`: each run of it may start children too, up to this score.
    pub children_ceiling: Option<u8>,
    /// When it ends on the docket's clock; none is at the end of the agent's session.
    pub until_ms: Option<u64>,
}

/// Why a grant ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "kebab-case")]
pub enum GrantEnd {
    /// Its time is over.
    Expired,
    /// The command that it belonged to has exited.
    Finished,
    /// The agent's session is over.
    SessionOver,
    /// A human took it back.
    Revoked {
        /// Who.
        by: String,
    },
    /// Somebody who gave it may not vote any more.
    ReviewerRevoked {
        /// Who that was.
        name: String,
    },
}

/// All grants in force.
#[derive(Debug, Default)]
pub(super) struct Grants(BTreeMap<GrantId, Grant>);

impl Grants {
    pub(super) fn insert(&mut self, grant: Grant) {
        self.0.insert(grant.id, grant);
    }

    pub(super) fn get(&self, id: GrantId) -> Option<&Grant> {
        self.0.get(&id)
    }

    pub(super) fn remove(&mut self, id: GrantId) -> Option<Grant> {
        self.0.remove(&id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Grant> {
        self.0.values()
    }

    /// Takes out every grant that `over` picks.
    pub(super) fn take(&mut self, over: impl Fn(&Grant) -> bool) -> Vec<Grant> {
        self.0.extract_if(.., |_, grant| over(grant)).map(|(_, grant)| grant).collect()
    }

    /// The next moment at which one ends.
    pub(super) fn next_end(&self) -> Option<u64> {
        self.0.values().filter_map(|grant| grant.until_ms).min()
    }

    /// The grant under which this exec runs without asking.
    ///
    /// A review rule, an anomaly or a gap in the request stands above what an approved command starts. The very same
    /// command again is what humans saw and answered, so there only its score and `approvals`, the number of
    /// humans it would need now, can stand against it.
    pub(super) fn covering(&self, opened: &Opened, approvals: u8) -> Option<&Grant> {
        let evaluation = &*opened.evaluation;
        if evaluation.decision != Decision::Hold || evaluation.decided_by == DecidedBy::Incomplete {
            return None;
        }
        let children = opened
            .descends_from
            .iter()
            .filter(|_| may_run_as_child(evaluation))
            .filter_map(|ticket| self.0.get(&GrantId::Children(*ticket)));
        let repeat = self
            .0
            .values()
            .filter(|grant| matches!(grant.id, GrantId::Repeat(_)) && grant.digest == opened.digest)
            .filter(|grant| usize::from(approvals) <= grant.by.len());
        children.chain(repeat).find(|grant| grant.agent == opened.agent && evaluation.score <= grant.ceiling)
    }
}

fn may_run_as_child(evaluation: &Evaluation) -> bool {
    matches!(evaluation.decided_by, DecidedBy::Threshold | DecidedBy::Grant { .. })
}

impl fmt::Display for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Children(ticket) => write!(f, "{ticket}-children"),
            Self::Repeat(ticket) => write!(f, "{ticket}-repeat"),
        }
    }
}

impl FromStr for GrantId {
    type Err = NotAGrantId;

    fn from_str(text: &str) -> Result<Self, NotAGrantId> {
        let (ticket, kind) = text.split_once('-').ok_or(NotAGrantId)?;
        let ticket = ticket.parse().map_err(|_| NotAGrantId)?;
        match kind {
            "children" => Ok(Self::Children(ticket)),
            "repeat" => Ok(Self::Repeat(ticket)),
            _ => Err(NotAGrantId),
        }
    }
}

impl TryFrom<String> for GrantId {
    type Error = NotAGrantId;

    fn try_from(text: String) -> Result<Self, NotAGrantId> {
        text.parse()
    }
}

impl From<GrantId> for String {
    fn from(id: GrantId) -> Self {
        id.to_string()
    }
}
