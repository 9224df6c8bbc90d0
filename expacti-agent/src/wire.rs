//! What the API says and takes, as its server and its clients share it.

mod containers;
mod operations;
mod problem;
mod records;
mod rules;
mod session;
mod shown;

use expacti_core::assessment::SeenCommand;
use expacti_core::docket::{Grant, GrantId, Outcome, Role};
use expacti_core::evaluation::{Evaluation, Level};
use expacti_core::request::ExecRequest;
use expacti_core::untrusted::Untrusted;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::operations::Standing;

pub(crate) use self::containers::ContainerView;
pub(crate) use self::operations::{HoldWord, ModeWord, NewAgent, ReloadView};
pub(crate) use self::problem::ProblemBody;
pub(crate) use self::records::{
    ChainView, ProvenChain, RecordDetail, RecordLine, RecordPage, RecordTree, RulePreview, SimilarView,
};
pub(crate) use self::rules::{
    Acceptance, AcceptedView, RuleChange, RuleCheck, RuleEdit, RulePage, RuleProblem, RuleView, RulesKept,
    StoredRulesView, SuggestedCommand, SuggestionPage, SuggestionView,
};
pub(crate) use self::session::{Credentials, SessionView};
pub(crate) use self::shown::{command_line, masked_line, outcome_in_words};

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

/// A reviewer without their secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct ReviewerView {
    /// Their name.
    pub(crate) name: String,
    /// What they may do.
    #[schema(value_type = Vec<String>)]
    pub(crate) roles: Vec<Role>,
    /// Further names that rules may ask for.
    pub(crate) teams: Vec<String>,
    /// The user of this host who is them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) uid: Option<u32>,
    /// They approve with a one-time password.
    pub(crate) totp: bool,
    /// Seconds since the epoch.
    pub(crate) created: u64,
    /// Seconds since the epoch, to the minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_use: Option<u64>,
    /// They may not answer any more, since then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) revoked: Option<u64>,
}

/// A new reviewer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewReviewer {
    /// A name that nobody has or had.
    #[schema(pattern = "^[a-z][a-z0-9._-]{0,63}$")]
    pub(crate) name: String,
    /// What they may do: viewer, reviewer, admin, auditor.
    #[schema(value_type = Vec<String>, min_items = 1)]
    pub(crate) roles: Vec<Role>,
    /// Further names that rules may ask for.
    #[serde(default)]
    pub(crate) teams: Vec<String>,
    /// The user of this host who is them, on the local socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) uid: Option<u32>,
    /// They approve with a one-time password too.
    #[serde(default)]
    pub(crate) totp: bool,
}

/// What a new reviewer is told once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct WelcomeView {
    /// Their name.
    pub(crate) name: String,
    /// Their token. It is shown once and kept nowhere.
    pub(crate) token: String,
    /// For their authenticator app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) totp_uri: Option<String>,
}

/// Whom the API takes the asker for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Me {
    /// Their name.
    pub(crate) name: String,
    /// What they may do.
    #[schema(value_type = Vec<String>)]
    pub(crate) roles: Vec<Role>,
    /// Further names that rules may ask for.
    pub(crate) teams: Vec<String>,
    /// They approve with a one-time password.
    pub(crate) totp: bool,
}

/// That the daemon serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Health {
    /// `serving`.
    pub(crate) status: String,
    /// Its version.
    pub(crate) version: String,
}

impl From<Standing> for StandingView {
    fn from(standing: Standing) -> Self {
        let Standing { policy, mode, hold, execs, denied } = standing;
        Self { policy, mode: mode.into(), hold: hold.into(), execs, denied }
    }
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
