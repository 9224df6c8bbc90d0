//! The one line that says why. It goes to the agent's stderr, to the log and to reviewers.

use std::collections::BTreeSet;

use crate::evaluation::{DecidedBy, Evaluation};

use super::voter::{Answer, CastVote};

/// What the engine thought: "risk 95 CRITICAL: drops a table in production".
pub(super) fn risk(evaluation: &Evaluation) -> String {
    let risk = format!("risk {} {}", evaluation.score, evaluation.level);
    let because = match &evaluation.decided_by {
        DecidedBy::Rule { because, .. } if !because.is_empty() => Some(because.as_str()),
        DecidedBy::Rule { .. }
        | DecidedBy::Anomaly
        | DecidedBy::Grant { .. }
        | DecidedBy::Threshold
        | DecidedBy::Incomplete => strongest(evaluation),
    };
    because.map_or(risk.clone(), |because| format!("{risk}: {because}"))
}

/// What humans answered: "denied by alice (not on a Friday)".
pub(super) fn humans(word: &str, names: &[String], votes: &[CastVote], yes: bool) -> String {
    let mut said = BTreeSet::new();
    let parts: Vec<String> = votes
        .iter()
        .filter(|vote| matches!(vote.answer, Answer::Approve(_)) == yes && names.contains(&vote.voter.name))
        .filter(|vote| said.insert(&vote.voter.name))
        .map(|vote| match &vote.note {
            Some(note) => format!("{} ({note})", vote.voter.name),
            None => vote.voter.name.clone(),
        })
        .collect();
    format!("{word} by {}", parts.join(", "))
}

fn strongest(evaluation: &Evaluation) -> Option<&str> {
    evaluation.factors.iter().max_by_key(|factor| factor.points).map(|factor| factor.because.as_str())
}
