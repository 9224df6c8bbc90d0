//! The record of an attempt: the fold of its entries.

use serde::{Deserialize, Serialize};

use super::chain::{Envelope, NodeId};
use super::entry::{AttemptId, Attempted, Change, Verdict};

/// Where an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Nothing is decided yet.
    Pending,
    /// It was let through.
    Allowed,
    /// It was refused.
    Denied,
    /// It went away before it was decided.
    Withdrawn,
}

impl State {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The state that a verdict leads to.
    pub fn of(verdict: &Verdict) -> Self {
        if verdict.allow { Self::Allowed } else { Self::Denied }
    }
}

/// One vote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Vote {
    /// The reviewer's name.
    pub reviewer: String,
    /// Yes or no.
    pub approve: bool,
    /// What it covers.
    pub scope: String,
    /// What the reviewer wrote.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Where it came from.
    pub via: String,
    /// When.
    pub time: String,
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exit {
    /// Exit code; none where a signal ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
    /// The signal that ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// From start to end in microseconds.
    pub duration_us: u64,
}

/// Everything the log knows of one attempt. Its JSON is stable: fields are added, never changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// Its short name, for people.
    pub id: String,
    /// The node that saw it.
    pub node: NodeId,
    /// The life of the gate and the number in it.
    #[serde(skip)]
    pub key: AttemptId,
    /// The life of the gate.
    pub boot: String,
    /// The kernel's sequence number.
    pub sequence: u64,
    /// The position of its first entry in the node's chain.
    pub position: u64,
    /// When, as RFC 3339 in UTC.
    pub time: String,
    /// When, in microseconds since the epoch.
    pub time_us: i64,
    /// Where it stands.
    pub state: State,
    /// It waited for humans at some time.
    pub held: bool,
    /// When silence becomes a denial, in microseconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline_us: Option<i64>,
    /// How it was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// The answers of humans.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub votes: Vec<Vote>,
    /// The new program began to run.
    pub started: bool,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit: Option<Exit>,
    /// What a human must know of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<String>,
    /// As it was seen and judged.
    #[serde(flatten)]
    pub attempted: Attempted,
}

impl Attempt {
    /// Folds the entries of one attempt, in the order of the chain. None where the entry that began it is missing:
    /// pruned, or of another attempt.
    pub fn fold(entries: impl IntoIterator<Item = Envelope>) -> Option<Self> {
        let mut folded: Option<Self> = None;
        for envelope in entries {
            match &mut folded {
                None => folded = Self::begin(envelope),
                // A node speaks for its own attempts only.
                Some(attempt) if envelope.attempt() == Some(attempt.key) && envelope.node == attempt.node => {
                    attempt.take(envelope);
                }
                Some(_) => {}
            }
        }
        folded
    }

    fn begin(envelope: Envelope) -> Option<Self> {
        let (node, position, at) = (envelope.node, envelope.position, envelope.at);
        let key = envelope.attempt()?;
        let Change::Attempted(attempted) = envelope.change else { return None };
        let verdict = attempted.verdict.clone();
        Some(Self {
            id: key.to_string(),
            node,
            key,
            boot: key.boot.to_string(),
            sequence: key.sequence,
            position,
            time: rfc3339(at),
            time_us: at,
            state: verdict.as_ref().map_or(State::Pending, State::of),
            held: false,
            deadline_us: None,
            verdict,
            votes: Vec::new(),
            started: false,
            exit: None,
            alarms: Vec::new(),
            attempted: *attempted,
        })
    }

    fn take(&mut self, envelope: Envelope) {
        #[expect(clippy::wildcard_enum_match_arm, reason = "the others do not belong to an attempt")]
        match envelope.change {
            Change::Held { deadline, .. } => {
                self.held = true;
                self.deadline_us = Some(deadline);
            }
            Change::Voted { reviewer, approve, scope, note, via } => {
                let time = rfc3339(envelope.at);
                self.votes.push(Vote { reviewer, approve, scope, note, via, time });
            }
            Change::Decided(verdict) => {
                self.state = State::of(&verdict);
                // Held behind its commit it was in place, but has not run an instruction.
                self.started &= verdict.allow;
                self.verdict = Some(verdict);
            }
            Change::Started { .. } => self.started = true,
            Change::Exited { code, signal, duration } => {
                self.exit = Some(Exit { code, signal, duration_us: duration });
            }
            Change::Withdrawn { .. } => self.state = State::Withdrawn,
            Change::Alarm { name, text } => self.alarms.push(format!("{name}: {text}")),
            _ => {}
        }
    }

    /// Its command line as one text, each word escaped and quoted where it must be. Safe to show.
    pub fn command(&self) -> String {
        let words: Vec<String> = self.attempted.request.argv.iter().map(shown_word).collect();
        words.join(" ")
    }

    /// Who or what decided, for lists: names of reviewers where humans did.
    pub fn decided_by(&self) -> String {
        match &self.verdict {
            Some(Verdict { decider: super::Decider::Reviewers { names }, .. }) => names.join(","),
            Some(verdict) => verdict.decider.name(),
            None => String::new(),
        }
    }
}

/// One word as a shell would need it, escaped for people.
fn shown_word(word: &crate::untrusted::Untrusted) -> String {
    let shown = word.to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%^".contains(c);
    if !shown.is_empty() && shown.chars().all(plain) {
        shown
    } else {
        format!("'{}'", shown.replace('\'', r"'\''"))
    }
}

/// Microseconds since the epoch as RFC 3339 in UTC.
pub fn rfc3339(at: i64) -> String {
    jiff::Timestamp::from_microsecond(at).map_or_else(|_| at.to_string(), |time| format!("{time:.6}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_shown_to_the_microsecond() {
        assert_eq!(rfc3339(1_700_000_000_000_001), "2023-11-14T22:13:20.000001Z");
        assert_eq!(rfc3339(i64::MAX), i64::MAX.to_string());
    }

    #[test]
    fn words_are_shown_apart() {
        assert_eq!(shown_word(&"a b".into()), "'a b'");
        assert_eq!(shown_word(&"".into()), "''");
        assert_eq!(shown_word(&"it's".into()), r"'it'\''s'");
        assert_eq!(shown_word(&"--x=/y".into()), "--x=/y");
    }
}
