//! Approve and remember: from one approved request to the narrowest rule that saves the next question.
//!
//! What is remembered is the very command: every word, the file, the folder and the agent. Nothing is guessed from one
//! approval; who wants more writes a rule. It is shown, with what else it would have let through, before it is kept.

pub(crate) mod toml_text;

use crate::assessment::Assessment;
use crate::decide::{Case, decide};
use crate::evaluation::{DecidedBy, Level};
use crate::history::History;
use crate::policy::Policy;
use crate::request::ExecRequest;
use crate::rules::{Assess, LoadError, RuleSet, Source, dangerous_variable};
use crate::time::Timestamp;
use crate::untrusted::Untrusted;

/// A rule that could be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// Its name, made of the command.
    pub name: String,
    /// Its TOML: one `[[rule]]`.
    pub text: String,
    /// When it ends by default; none is never.
    pub expires: Option<Timestamp>,
}

/// Where the remembered command may run again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Width {
    /// In the same folder.
    #[default]
    SameFolder,
    /// In any folder.
    AnyFolder,
}

/// Why nothing is offered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotOffered {
    /// The risk is for humans to take each time.
    #[error("at {level} each run needs its own approval; nothing from HIGH on is remembered")]
    TooRisky {
        /// Its level.
        level: Level,
    },
    /// What was approved is not all that runs.
    #[error("it could not all be read ({what}), so the next one may be another command")]
    Incomplete {
        /// What is missing.
        what: String,
    },
    /// The same text can become another command.
    #[error("`{word}` is known only when it runs, so the same words may be another command tomorrow")]
    Computed {
        /// The word.
        word: Untrusted,
    },
    /// Part of it was not seen.
    #[error("not all that it would run could be seen, so the same words may be another command tomorrow")]
    Unseen,
    /// Its environment changes what runs.
    #[error("the variable {name} can change what runs; a rule for that has to be written by hand")]
    Environment {
        /// The variable.
        name: Untrusted,
    },
    /// No rule can name its file.
    #[error("its file has no name or changes with each read, so no rule can bind it")]
    NoFile,
    /// The rule that was made does not say what it should.
    #[error("no rule could be made of it: {0}")]
    Refused(String),
}

/// How long a rule made at this level lasts by default, in seconds.
fn lifetime(level: Level) -> Option<u64> {
    match level {
        Level::Low => None,
        Level::Medium | Level::High | Level::Critical => Some(7 * 86_400),
    }
}

/// The narrowest rule that would have let this request through, if one may be offered.
pub fn suggest(
    request: &ExecRequest,
    assessment: &Assessment,
    policy: &Policy,
    width: Width,
    because: &str,
    now: Timestamp,
) -> Result<Suggestion, NotOffered> {
    may_be_offered(request, assessment, policy)?;
    let name = toml_text::name(request);
    let expires = lifetime(Level::of(assessment.score)).map(|seconds| now.plus(seconds));
    let text = toml_text::rule(&name, request, assessment.score, width, because, now, expires);
    let suggestion = Suggestion { name, text, expires };
    // What was written is read back, so that what is kept is what was meant.
    let rules =
        suggestion.rules(&|_| assessment.clone()).map_err(|error| NotOffered::Refused(error.to_string()))?;
    if !covers(&rules, request, assessment, policy, now) {
        return Err(NotOffered::Refused("it would not cover the command that it was made of".to_owned()));
    }
    Ok(suggestion)
}

fn may_be_offered(request: &ExecRequest, assessment: &Assessment, policy: &Policy) -> Result<(), NotOffered> {
    let level = Level::of(assessment.score);
    if level >= Level::High || assessment.score >= policy.never_allow_from.floor() {
        return Err(NotOffered::TooRisky { level });
    }
    if !request.missing.is_empty() || assessment.commands.is_empty() {
        return Err(NotOffered::Incomplete { what: request.missing.join(", ") });
    }
    if assessment.commands.iter().any(|command| command.opaque) {
        return Err(NotOffered::Unseen);
    }
    let words = assessment.commands.iter().flat_map(|command| {
        let targets = command.redirections.iter().filter_map(|redirection| redirection.target.as_ref());
        command.words.iter().chain(targets).chain(command.assignments.iter().map(|(_, value)| value))
    });
    if let Some(word) = words.into_iter().find(|word| !word.literal) {
        return Err(NotOffered::Computed { word: word.text.clone() });
    }
    if let Some(name) = dangerous_variable(request, assessment) {
        return Err(NotOffered::Environment { name });
    }
    let exe = &request.exe;
    if exe.path.is_empty() || exe.path.as_str().is_none() || exe.unlinked || exe.unstable {
        return Err(NotOffered::NoFile);
    }
    Ok(())
}

impl Suggestion {
    /// The rule by itself.
    fn rules(&self, assess: Assess<'_>) -> Result<RuleSet, LoadError> {
        RuleSet::load(&[Source::stored("suggestion", self.text.clone())], 0, assess)
    }

    /// Which of these past requests it would have let through as well, as numbers of their places.
    pub fn would_have_allowed<'a>(
        &self,
        past: impl IntoIterator<Item = (&'a ExecRequest, &'a Assessment)>,
        policy: &Policy,
        now: Timestamp,
    ) -> Vec<usize> {
        let Ok(rules) = self.rules(&|_| unreachable_assessment()) else { return Vec::new() };
        let covered = past
            .into_iter()
            .enumerate()
            .filter(|(_, (request, assessment))| covers(&rules, request, assessment, policy, now));
        covered.map(|(place, _)| place).collect()
    }
}

/// A suggestion has no examples, so nothing is ever scored when it is loaded.
fn unreachable_assessment() -> Assessment {
    Assessment {
        score: 100,
        level: Level::Critical,
        categories: std::collections::BTreeSet::new(),
        factors: Vec::new(),
        commands: Vec::new(),
    }
}

/// Whether this rule alone lets the request through.
fn covers(
    rules: &RuleSet,
    request: &ExecRequest,
    assessment: &Assessment,
    policy: &Policy,
    now: Timestamp,
) -> bool {
    let case = Case { request, assessment, policy, rules, grants: &[], history: &History::default(), now };
    matches!(decide(&case).decided_by, DecidedBy::Rule { .. })
}

#[cfg(test)]
mod tests;
