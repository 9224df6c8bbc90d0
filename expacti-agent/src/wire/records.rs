//! The exec log, as the API shows it.

use expacti_core::assessment::SeenCommand;
use expacti_core::evaluation::{DecidedBy, Level};
use expacti_core::record::Attempt;
use expacti_core::record::attempt::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::shown::command_line;

/// Characters of a command that a list shows.
const IN_A_LIST: usize = 300;

/// One attempt in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RecordLine {
    /// Names it: `3f2a9c1e-42`.
    pub(crate) id: String,
    /// When, in microseconds since the epoch.
    pub(crate) time_us: i64,
    /// Whose.
    pub(crate) agent: String,
    /// LOW, MEDIUM, HIGH or CRITICAL.
    #[schema(value_type = String)]
    pub(crate) level: Level,
    /// 0 to 100.
    pub(crate) score: u8,
    /// `pending`, `allowed`, `denied` or `withdrawn`.
    #[schema(value_type = String)]
    pub(crate) state: State,
    /// It waited for humans at some time.
    pub(crate) held: bool,
    /// Who or what decided; empty before.
    pub(crate) by: String,
    /// It was unusual for its agent, and would have run otherwise.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub(crate) unusual: bool,
    /// What the gate had to say about it, such as that it changed while it waited.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(crate) alarms: Vec<String>,
    /// The command on one line, escaped.
    pub(crate) command: String,
    /// Characters of it that were left out at its end.
    pub(crate) command_left_out: u64,
    /// Its process.
    pub(crate) pid: u32,
    /// How it ended; none where a signal did, or where it has not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) exit_code: Option<i32>,
}

/// Attempts, newest first.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub(crate) struct RecordPage {
    /// They.
    pub(crate) records: Vec<RecordLine>,
    /// Where the next page begins (`after`); none where this is the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<i64>,
    /// Where this page begins (`after`), whatever comes in the meantime; none where nothing fits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<i64>,
    /// How many fit in all, where that was asked for; at most 10,000,000 are counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) total: Option<u64>,
}

/// One attempt with everything that the log knows of it and around it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RecordDetail {
    /// The whole record. Text in its request comes from the agent: escape it wherever it is shown.
    #[schema(value_type = Object)]
    pub(crate) record: Attempt,
    /// What it would have run, outermost first, as the engine of today sees it.
    #[schema(value_type = Vec<Object>)]
    pub(crate) commands: Vec<SeenCommand>,
    /// What the agent ran just before in the same session, newest first.
    pub(crate) before: Vec<RecordLine>,
    /// What it started.
    pub(crate) started: Vec<RecordTree>,
    /// There may be more than `started` shows.
    pub(crate) incomplete: bool,
}

/// An attempt and what it started.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RecordTree {
    /// It.
    pub(crate) record: RecordLine,
    /// What it started.
    #[schema(no_recursion)]
    pub(crate) started: Vec<RecordTree>,
}

/// How far the log is proven.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub(crate) struct ChainView {
    /// It is being proven now.
    pub(crate) running: bool,
    /// When it was proven last, in seconds since the epoch; none before the first time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<u64>,
    /// What was found wrong; none where everything is as it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bad: Option<String>,
    /// Each node's chain.
    pub(crate) chains: Vec<ProvenChain>,
}

/// A chain that is whole.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ProvenChain {
    /// Whose.
    pub(crate) node: String,
    /// Up to which entry.
    pub(crate) position: u64,
    /// Up to which entry a signature covers it.
    pub(crate) signed: u64,
    /// How many attempts it holds.
    pub(crate) attempts: u64,
}

/// What humans said to the same command before.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub(crate) struct SimilarView {
    /// How often it was approved.
    pub(crate) approved: u64,
    /// How often it was denied.
    pub(crate) denied: u64,
    /// How often nobody answered in time.
    pub(crate) timed_out: u64,
    /// Who answered.
    pub(crate) by: Vec<String>,
    /// When it last was, in microseconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_us: Option<i64>,
    /// How many other commands of the same program and agent waited for humans.
    pub(crate) same_program: u64,
}

/// The rule that "always" would make.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct RulePreview {
    /// Its TOML.
    pub(crate) text: String,
    /// How many other attempts of the last 30 days it would have let through.
    pub(crate) matched: u64,
    /// There may be more than were looked at.
    pub(crate) more: bool,
    /// Some of them, escaped.
    pub(crate) examples: Vec<String>,
}

impl From<&Attempt> for RecordLine {
    fn from(attempt: &Attempt) -> Self {
        let (request, evaluation) = (&attempt.attempted.request, &attempt.attempted.evaluation);
        let (command, left_out) = command_line(&request.argv, IN_A_LIST);
        Self {
            id: attempt.id.clone(),
            time_us: attempt.time_us,
            agent: request.agent.name.clone(),
            level: evaluation.level,
            score: evaluation.score,
            state: attempt.state,
            held: attempt.held,
            by: attempt.decided_by(),
            unusual: evaluation.decided_by == DecidedBy::Anomaly,
            alarms: attempt.alarms.clone(),
            command,
            command_left_out: left_out as u64,
            pid: attempt.attempted.pid,
            exit_code: attempt.exit.as_ref().and_then(|exit| exit.code),
        }
    }
}
