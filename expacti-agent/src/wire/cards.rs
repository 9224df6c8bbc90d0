//! What waits for humans, with everything that a decision needs, and what runs because they said so.

use expacti_core::assessment::SeenCommand;
use expacti_core::docket::{Grant, GrantId};
use expacti_core::evaluation::{Evaluation, Level};
use expacti_core::request::ExecRequest;
use expacti_core::untrusted::Untrusted;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::votes::VoteView;

/// One command that waits for humans, however many of its attempts wait.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct CardView {
    /// The number of its first ticket.
    pub(crate) id: u64,
    /// The agent's name.
    pub(crate) agent: String,
    /// Names exactly this command. A vote repeats it.
    pub(crate) digest: String,
    /// The newest ticket on it. A vote repeats it: nothing newer is approved by it.
    pub(crate) newest: u64,
    /// How many identical tickets wait.
    pub(crate) count: u64,
    /// How many distinct humans must approve.
    pub(crate) approvals: u8,
    /// Roles of which each of them must hold one; none means any reviewer.
    pub(crate) roles: Vec<String>,
    /// "Always" may be chosen.
    pub(crate) always_offered: bool,
    /// LOW, MEDIUM, HIGH or CRITICAL.
    #[schema(value_type = String)]
    pub(crate) level: Level,
    /// 0 to 100.
    pub(crate) score: u8,
    /// What made it wait.
    pub(crate) decided_by: String,
    /// The strongest reasons, one clause each.
    pub(crate) because: Vec<String>,
    /// The command on one line, escaped, to be recognised by; decisions need the tokens of the whole card.
    pub(crate) command: String,
    /// Characters of `command` that were left out at its end.
    pub(crate) command_left_out: u64,
    /// Since when it waits, in milliseconds.
    pub(crate) waiting_ms: u64,
    /// When it is denied, in milliseconds from now.
    pub(crate) remaining_ms: u64,
    /// The votes so far.
    pub(crate) votes: Vec<VoteView>,
}

/// A page of cards, by number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct CardPage {
    /// The cards.
    pub(crate) cards: Vec<CardView>,
    /// How many wait in all.
    pub(crate) total: u64,
    /// Where the next page begins (`after`); none where this is the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<u64>,
    /// What happens from here on: `Last-Event-ID` for `/v1/events`.
    pub(crate) as_of: String,
}

/// A card with everything that a decision needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct CardDetail {
    /// The card.
    pub(crate) card: CardView,
    /// The whole request. Text in it comes from the agent: escape it wherever it is shown.
    #[schema(value_type = Object)]
    pub(crate) request: ExecRequest,
    /// The whole evaluation.
    #[schema(value_type = Object)]
    pub(crate) evaluation: Evaluation,
    /// Every simple command that would run, outermost first. Absent where an older daemon answers.
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    pub(crate) commands: Vec<SeenCommand>,
    /// What the agent itself says that it is doing. It may say anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) claim: Option<Untrusted>,
    /// What the agent wanted to run before, oldest first.
    pub(crate) before: Vec<PastView>,
    /// What its script or program text was when people last approved it, or else when it last ran and was another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) earlier: Option<EarlierText>,
    /// The node that it would run on, by its name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    pub(crate) node: String,
}

/// An earlier version of a program text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct EarlierText {
    /// The argument that it stands for; none for the script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) word: Option<usize>,
    /// It, as far as it was read. Text of an agent.
    #[schema(value_type = String)]
    pub(crate) text: Untrusted,
    /// Who approved it; nobody where it ran without being asked about.
    pub(crate) by: Vec<String>,
}

/// An exec of the past.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct PastView {
    /// Its ticket.
    pub(crate) ticket: u64,
    /// The command on one line, escaped.
    pub(crate) command: String,
    /// Milliseconds ago.
    pub(crate) ago_ms: u64,
    /// How it ended, in words; none where it still waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) outcome: Option<String>,
}

/// Something that runs without asking because humans said so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct GrantView {
    /// Its name, such as `42-children`.
    #[schema(value_type = String)]
    pub(crate) id: GrantId,
    /// For which agent.
    pub(crate) agent: String,
    /// What runs under it may score this much.
    pub(crate) ceiling: u8,
    /// Who gave it.
    pub(crate) by: Vec<String>,
    /// When it ends, in milliseconds from now; none is with the agent's session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) remaining_ms: Option<u64>,
}

impl GrantView {
    /// A grant as it is at `now_ms` on the docket's clock.
    pub(crate) fn of(grant: &Grant, now_ms: u64) -> Self {
        Self {
            id: grant.id,
            agent: grant.agent.clone(),
            ceiling: grant.ceiling,
            by: grant.by.clone(),
            remaining_ms: grant.until_ms.map(|until| until.saturating_sub(now_ms)),
        }
    }
}
