//! Rules, as the API shows them.

use serde::Serialize;
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
