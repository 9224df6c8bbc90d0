//! Rules, as the API shows them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A rule in force.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RuleView {
    /// Its name.
    pub(crate) name: String,
    /// `allow`, `review` or `deny`.
    pub(crate) decision: String,
    /// Why it is there, in its author's words.
    pub(crate) because: String,
    /// Its file and line.
    pub(crate) at: String,
    /// It matches one command exactly.
    pub(crate) exact: bool,
    /// Its limits, in words.
    pub(crate) limits: Vec<String>,
    /// When it ends, as RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<String>,
    /// What its author should know: that another rule shadows it, that it is over, ...
    pub(crate) findings: Vec<String>,
    /// How many attempts of the last 30 days it decided, counted up to 1,000; none where there is no log to ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hits: Option<u64>,
    /// When it last decided one, in microseconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_us: Option<i64>,
}

/// Every rule in force.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RulePage {
    /// The generation that is in force.
    pub(crate) generation: u64,
    /// Its rules.
    pub(crate) rules: Vec<RuleView>,
}

/// What is wrong in a text of rules.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RuleCheck {
    /// How many rules it holds.
    pub(crate) rules: u64,
    /// Why it would not be loaded.
    pub(crate) problems: Vec<RuleProblem>,
    /// What its author should know.
    pub(crate) findings: Vec<String>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RuleProblem {
    /// From 1.
    pub(crate) line: u64,
    /// From 1, in characters.
    pub(crate) column: u64,
    /// What is wrong.
    pub(crate) what: String,
    /// What to do.
    pub(crate) help: String,
}

/// Rules that the exec log speaks for.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct SuggestionPage {
    /// How many attempts were looked at, newest first.
    pub(crate) looked_at: u64,
    /// There are older ones that were not looked at.
    pub(crate) more: bool,
    /// Of those looked at, how many would wait for humans under the rules in force.
    pub(crate) asked: u64,
    /// How many of these would not, if everything were accepted that nothing speaks against.
    pub(crate) saved: u64,
    /// The one that saves most questions comes first.
    pub(crate) suggestions: Vec<SuggestionView>,
}

/// A rule that could be accepted.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct SuggestionView {
    /// Its name, made of what it takes: the same pattern has the same name.
    pub(crate) name: String,
    /// What it takes, on one line, escaped.
    pub(crate) pattern: String,
    /// Its TOML.
    pub(crate) text: String,
    /// Attempts that ran and in which it would have vouched for a command.
    pub(crate) matched: u64,
    /// Of them, those that humans approved.
    pub(crate) approved: u64,
    /// Attempts that nobody would have been asked about with this rule alone.
    pub(crate) saves: u64,
    /// Up to which score it allows, 0 to 100.
    pub(crate) score: u8,
    /// When it ends, as RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<String>,
    /// Some of what it takes.
    pub(crate) examples: Vec<SuggestedCommand>,
    /// Some of what lies near and is not taken, refused ones first.
    pub(crate) beside: Vec<SuggestedCommand>,
    /// What somebody refused and it would take: think twice.
    pub(crate) refused: Vec<SuggestedCommand>,
}

/// One attempt that speaks for or against a rule.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct SuggestedCommand {
    /// Its record.
    pub(crate) id: String,
    /// Its command on one line, escaped.
    pub(crate) command: String,
    /// Its agent.
    pub(crate) agent: String,
    /// `approved`, `ran`, `refused`, or `open` where nobody answered.
    pub(crate) became: String,
}

/// Which suggestions one of them was among.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Acceptance {
    /// The question that it was an answer to.
    #[serde(default)]
    pub(crate) q: String,
    /// The same as there; 2 where it was left out.
    #[serde(default = "Acceptance::at_least")]
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub(crate) at_least: u64,
}

impl Acceptance {
    /// What is worth a rule unless one says otherwise.
    pub(crate) fn at_least() -> u64 {
        2
    }
}

/// A rule that was accepted.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct AcceptedView {
    /// Its name.
    pub(crate) name: String,
    /// Its TOML, as it is kept.
    pub(crate) text: String,
    /// The number of the rules in force.
    pub(crate) generation: u64,
}

/// The rules that a node keeps itself.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct StoredRulesView {
    /// Where.
    pub(crate) path: String,
    /// Their TOML.
    pub(crate) text: String,
    /// Tells this text from any other.
    pub(crate) digest: String,
}

/// Another text for them.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleEdit {
    /// Their TOML from now on.
    pub(crate) text: String,
    /// The digest of the text that the author has seen.
    pub(crate) was: String,
}

/// What is in force after an edit.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RulesKept {
    /// The generation that is in force.
    pub(crate) generation: u64,
}

/// Rules that came into force and differ from those before.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct RuleChange {
    /// On which node.
    pub(crate) node: String,
    /// When, as RFC 3339.
    pub(crate) at: String,
    /// The same in microseconds since the epoch.
    pub(crate) at_us: i64,
    /// Their number on that node.
    pub(crate) generation: u64,
    /// Who changed something for it; empty where a daemon began with them.
    pub(crate) by: String,
    /// Lines that are new.
    pub(crate) added: u64,
    /// Lines that are gone.
    pub(crate) removed: u64,
    /// What changed, as a unified diff.
    pub(crate) diff: String,
}
