//! From an entry to what the writer needs of it, masked and encoded; and from what was stored to what the index
//! says of it.

use expacti_core::evaluation::Level;
use expacti_core::record::attempt::State;
use expacti_core::record::chain::{Draft, Envelope};
use expacti_core::record::secrets::Masker;
use expacti_core::record::{AttemptId, Attempted, Change, Decider, Entry, Verdict, words};
use expacti_core::untrusted::Untrusted;

/// How long an entry may stay in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It is committed at once, with whatever else waits: a verdict depends on it.
    Durable,
    /// It may wait a little for company.
    Batched,
}

/// What the index needs to know of an entry. Entries that change nothing there have none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trace {
    pub(super) attempt: AttemptId,
    pub(super) at: i64,
    pub(super) what: What,
}

/// What an entry means to the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// There is a new attempt.
    Begun(Box<Begun>),
    /// It waits for humans.
    Held,
    /// This human voted.
    Voted(String),
    /// It is decided.
    Decided(Decided),
    /// It went away.
    Withdrawn,
}

/// A new attempt, as far as it can be looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Begun {
    pub(super) agent: String,
    pub(super) exe: String,
    pub(super) program: String,
    pub(super) cwd: String,
    pub(super) command: String,
    pub(super) level: Level,
    pub(super) score: u8,
    pub(super) decided: Option<Decided>,
    pub(super) words: Vec<String>,
}

/// How an attempt was decided, as far as it can be looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decided {
    pub(super) state: State,
    pub(super) decider: String,
    pub(super) human: bool,
    pub(super) held: u64,
    pub(super) review: Option<u64>,
}

impl From<&Verdict> for Decided {
    fn from(verdict: &Verdict) -> Self {
        Self {
            state: State::of(verdict),
            decider: verdict.decider.name(),
            human: verdict.decider.is_human(),
            held: verdict.held,
            review: verdict.review,
        }
    }
}

/// Masks and encodes.
pub(super) fn encode(masker: &Masker, mut entry: Entry) -> Result<Draft, serde_json::Error> {
    masker.mask(&mut entry.change);
    Draft::new(&entry)
}

/// What the index needs of an entry.
pub(super) fn trace_of(envelope: &Envelope) -> Option<Trace> {
    trace(envelope.attempt(), envelope.at, &envelope.change)
}

fn trace(attempt: Option<AttemptId>, at: i64, change: &Change) -> Option<Trace> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others change nothing that can be looked for")]
    let what = match change {
        Change::Attempted(attempted) => What::Begun(Box::new(begun(attempted))),
        Change::Held { .. } => What::Held,
        Change::Voted { reviewer, .. } => What::Voted(reviewer.clone()),
        Change::Decided(verdict) => What::Decided(verdict.into()),
        Change::Withdrawn { .. } => What::Withdrawn,
        _ => return None,
    };
    Some(Trace { attempt: attempt?, at, what })
}

fn begun(attempted: &Attempted) -> Begun {
    let request = &attempted.request;
    let exe = text(&request.exe.path);
    let program = exe.rsplit('/').next().unwrap_or_default().to_owned();
    let decided = attempted.verdict.as_ref().map(Decided::from);
    Begun {
        agent: request.agent.name.clone(),
        command: command(&program, &request.argv),
        exe,
        program,
        cwd: request.cwd.as_ref().map(text).unwrap_or_default(),
        level: attempted.evaluation.level,
        score: attempted.evaluation.score,
        decided,
        words: words::of_command(&request.argv),
    }
}

fn text(untrusted: &Untrusted) -> String {
    untrusted.to_lossy().chars().take(4096).collect()
}

/// What the statistics call it: the program and its subcommand, `git push`.
fn command(program: &str, argv: &[Untrusted]) -> String {
    let plain = |word: &&str| {
        word.len() <= 24
            && word.starts_with(|c: char| c.is_ascii_lowercase())
            && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
    };
    match argv.get(1).and_then(Untrusted::as_str).filter(plain) {
        Some(subcommand) => format!("{program} {subcommand}"),
        None => program.to_owned(),
    }
}

/// Whether a decider's stable name stands for humans.
pub(super) fn human_deciders() -> [String; 2] {
    [Decider::Reviewers { names: Vec::new() }.name(), Decider::Timeout.name()]
}
