//! Votes, and what became of the tickets that they are about.

use expacti_core::docket::Outcome;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::cards::CardView;
use super::shown::outcome_in_words;

/// One vote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct VoteView {
    /// Who.
    pub(crate) name: String,
    /// Yes or no.
    pub(crate) approve: bool,
    /// What they said about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
    /// The face they used.
    pub(crate) via: String,
}

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AnswerWord {
    /// It may run.
    Approve,
    /// It may not.
    Deny,
}

/// How long an approval holds for the very same command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RepeatWord {
    /// What was shown only.
    #[default]
    Once,
    /// For `for_ms` milliseconds.
    For,
    /// Until the agent's session ends.
    Session,
    /// By a rule.
    Always,
}

/// A vote on its way in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VoteBody {
    /// The digest that was shown.
    #[schema(pattern = "^[0-9a-f]{32}$")]
    pub(crate) digest: String,
    /// The newest ticket that was shown.
    pub(crate) newest: u64,
    /// Yes or no.
    pub(crate) answer: AnswerWord,
    /// What the command starts may run too, under the grant's ceiling.
    #[serde(default)]
    pub(crate) children: bool,
    /// How long the approval holds.
    #[serde(default)]
    pub(crate) repeat: RepeatWord,
    /// For how many milliseconds, with `"repeat": "for"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) for_ms: Option<u64>,
    /// For the log, and on a denial for the agent. At most 1,000 characters, no control characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000)]
    pub(crate) note: Option<String>,
}

/// What a vote led to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct VoteResult {
    /// Tickets that ended by it.
    pub(crate) ended: Vec<TicketView>,
    /// The card, where it still waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) card: Option<CardView>,
}

/// Where a ticket stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TicketState {
    /// It waits for humans.
    Pending,
    /// It was let run.
    Allowed,
    /// It was refused.
    Denied,
    /// Nobody answered in time, so it was refused.
    TimedOut,
    /// It went away.
    Withdrawn,
}

/// One exec under decision, or decided not long ago.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct TicketView {
    /// Its number.
    pub(crate) ticket: u64,
    /// Where it stands.
    pub(crate) state: TicketState,
    /// The card that it waits on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) card: Option<u64>,
    /// By whom and why, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) outcome: Option<String>,
}

impl TicketView {
    /// A ticket that ended.
    pub(crate) fn ended(ticket: u64, outcome: &Outcome) -> Self {
        let state = match outcome {
            Outcome::Allowed { .. } => TicketState::Allowed,
            Outcome::Denied { .. } => TicketState::Denied,
            Outcome::TimedOut { .. } => TicketState::TimedOut,
            Outcome::Withdrawn { .. } => TicketState::Withdrawn,
        };
        Self { ticket, state, card: None, outcome: Some(outcome_in_words(outcome)) }
    }
}
