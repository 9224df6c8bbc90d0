//! Rules that the exec log speaks for: reading what happened, and making proposals of it.

use expacti_agent::log::{LogError, Reader};
use expacti_core::assess;
use expacti_core::record::Attempt;
use expacti_core::record::attempt::State;
use expacti_core::record::entry::{Decider, Verdict};
use expacti_core::record::filter::Filter;
use expacti_core::suggest::{Fate, Ground, Past, Proposal, Report, suggest_rules};

use crate::daemon::engine::Engine;
use crate::judging::now;
use crate::wire::{SuggestedCommand, SuggestionPage, SuggestionView, command_line};

/// The newest attempts that are looked at.
const MOST: usize = 10_000;
/// How many are read at a time.
const PAGE: u32 = 500;
/// How far back one looks who does not say, in microseconds.
const MONTH: i64 = 30 * 86_400 * 1_000_000;
/// Characters of a command that are shown.
const SHOWN: usize = 400;

/// What happened.
pub(crate) struct Looked {
    attempts: Vec<Attempt>,
    /// There is more than was looked at.
    more: bool,
}

/// Which part of the past may speak. What would hide refusals from it is refused.
pub(crate) fn part_of_the_past(question: &str, now_us: i64) -> Result<Filter, String> {
    let filter = Filter::parse(question, now_us).map_err(|error| error.to_string())?;
    let hides = filter.decision.is_some()
        || filter.by.is_some()
        || filter.level.is_some()
        || !filter.words.is_empty();
    if hides {
        let what = "a suggestion is weighed against everything that happened: ask by agent, node, exe, cwd, since and until only";
        return Err(what.to_owned());
    }
    Ok(match filter.since {
        Some(_) => filter,
        None => Filter { since: now_us.checked_sub(MONTH), ..filter },
    })
}

/// Reads what happened, newest first.
pub(crate) async fn look_back(reader: &Reader, filter: &Filter) -> Result<Looked, LogError> {
    let (mut attempts, mut after) = (Vec::new(), None);
    loop {
        let page = reader.query(filter, after, PAGE).await?;
        attempts.extend(page.attempts);
        after = page.next;
        if after.is_none() || attempts.len() >= MOST {
            return Ok(Looked { attempts, more: after.is_some() });
        }
    }
}

impl Looked {
    /// What could be proposed. It takes a while.
    pub(crate) fn report(&self, engine: &Engine, at_least: u64) -> Report {
        let past = |attempt| Past {
            request: request(attempt),
            policy: &engine.treatment(&request(attempt).agent.name).decide,
            fate: fate(attempt),
            has_secrets: has_secrets(attempt),
        };
        let past: Vec<Past<'_>> = self.attempts.iter().map(past).collect();
        let ground =
            Ground { rules: &engine.rules, assess: &|request| assess(request, &engine.tools), now: now() };
        suggest_rules(&past, &ground, at_least)
    }

    /// The same, for people.
    pub(crate) fn page(&self, engine: &Engine, at_least: u64) -> SuggestionPage {
        let report = self.report(engine, at_least);
        SuggestionPage {
            looked_at: self.attempts.len() as u64,
            more: self.more,
            asked: report.asked,
            saved: report.saved,
            suggestions: report.proposals.into_iter().map(|proposal| self.view(proposal)).collect(),
        }
    }

    fn view(&self, proposal: Proposal) -> SuggestionView {
        let commands = |places: &[usize]| {
            places.iter().filter_map(|place| Some(command(self.attempts.get(*place)?))).collect()
        };
        SuggestionView {
            examples: commands(&proposal.examples),
            beside: commands(&proposal.beside),
            refused: commands(&proposal.refused),
            name: proposal.name,
            pattern: proposal.pattern,
            text: proposal.text,
            matched: proposal.matched,
            approved: proposal.approved,
            saves: proposal.saves,
            score: proposal.score,
            expires: proposal.expires.map(expacti_core::time::Timestamp::to_rfc3339),
        }
    }
}

fn command(attempt: &Attempt) -> SuggestedCommand {
    let became = match fate(attempt) {
        Fate::Approved => "approved",
        Fate::Ran => "ran",
        Fate::Refused => "refused",
        Fate::Open => "open",
    };
    let (command, _) = command_line(&request(attempt).argv, SHOWN);
    let agent = request(attempt).agent.name.clone();
    SuggestedCommand { id: attempt.id.clone(), command, agent, became: became.to_owned() }
}

fn request(attempt: &Attempt) -> &expacti_core::request::ExecRequest {
    &attempt.attempted.request
}

/// What became of it, as far as it speaks for or against a rule. Silence speaks for neither.
fn fate(attempt: &Attempt) -> Fate {
    let Some(Verdict { decider, .. }) = &attempt.verdict else { return Fate::Open };
    match (attempt.state, decider) {
        (State::Allowed, Decider::Reviewers { .. }) => Fate::Approved,
        (State::Allowed, Decider::FailMode | Decider::Mismatch | Decider::Timeout | Decider::Quota) => {
            Fate::Open
        }
        (State::Allowed, _) => Fate::Ran,
        (State::Denied, Decider::Reviewers { .. } | Decider::Rule { .. }) => Fate::Refused,
        (State::Denied | State::Pending | State::Withdrawn, _) => Fate::Open,
    }
}

/// An agent may write such text itself; then no rule is made of it either.
fn has_secrets(attempt: &Attempt) -> bool {
    let is_masked = |word: &expacti_core::untrusted::Untrusted| word.to_lossy().contains("[masked:");
    request(attempt).argv.iter().any(is_masked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_may_hide_what_was_refused() {
        for question in ["decision:allowed", "by:alice", "level:high", "\"git push\""] {
            assert!(part_of_the_past(question, 0).is_err(), "{question}");
        }
        let filter = part_of_the_past("agent:claude exe:git", 40 * 86_400_000_000).unwrap();
        assert_eq!(filter.since, Some(10 * 86_400_000_000));
        assert_eq!(part_of_the_past("since:2d", 86_400_000_000 * 5).unwrap().since, Some(3 * 86_400_000_000));
    }
}
