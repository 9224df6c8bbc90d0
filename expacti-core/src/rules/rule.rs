//! One rule, as it was meant.

use std::collections::BTreeSet;
use std::fmt;

use super::answer::Answer;
use super::conditions::Conditions;
use super::environment::name_matches;
use super::examples::Example;
use super::hole::Strictness;
use super::path::PathGlob;
use super::pattern::{Anywhere, CommandPattern, Reading, regex_matches};
use super::program::program_matches;
use super::scene::Sight;
use super::source::{Origin, Place};
use crate::assessment::Redirection;
use crate::policy::Risk;
use crate::time::Timestamp;

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name, with that of its set in front: `git-daily/read`.
    pub name: String,
    /// The set that it belongs to.
    pub set: Option<String>,
    /// Who keeps it.
    pub origin: Origin,
    /// Where it is written.
    pub at: Place,
    /// Why it is there, in its author's words.
    pub because: String,
    /// It is no longer in force from this moment on.
    pub expires: Option<Timestamp>,
    /// What it says.
    pub effect: Effect,
    pub(super) command: CommandPattern,
    pub(super) anywhere: Anywhere,
    pub(super) conditions: Conditions,
    pub(super) examples: Vec<Example>,
}

/// What a rule says about what it matches.
#[derive(Clone, Debug)]
pub enum Effect {
    /// It runs.
    Allow(Allowance),
    /// It waits for humans.
    Review {
        /// How many distinct ones, where the level does not ask for more.
        approvals: u8,
        /// Roles of which each must hold one; empty means any reviewer.
        roles: BTreeSet<String>,
        /// What only could match waits too.
        in_doubt: bool,
    },
    /// It does not run.
    Deny {
        /// What only could match waits for humans.
        in_doubt: bool,
    },
}

/// The limits of an allow rule.
#[derive(Clone, Debug, Default)]
pub struct Allowance {
    /// Up to this risk. Without it: below the policy's `never_allow_from`.
    pub max_risk: Option<Risk>,
    /// What it starts runs without asking as well, up to the same risk.
    pub children_inherit: bool,
    pub(super) covers: Covers,
}

/// What an allow rule vouches for although it could make a command do something else.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one key of the language")]
pub(super) struct Covers {
    /// Variables that change what runs; a `*` takes any part.
    pub(super) env: Vec<String>,
    /// Words that are known only when the command runs, where the pattern takes any words.
    pub(super) expansions: bool,
    /// Files that it may be redirected from or to.
    pub(super) redirections: Vec<PathGlob>,
    /// It may run on another machine or in another container.
    pub(super) elsewhere: bool,
    /// What it runs need not all have been seen: programs from standard input, text that could not be read.
    pub(super) unseen: bool,
    /// What it wraps need not be allowed by itself.
    pub(super) inner: bool,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Allow(_) => "allow",
            Self::Review { .. } => "review",
            Self::Deny { .. } => "deny",
        })
    }
}

impl Rule {
    /// Whether it is in force.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }

    /// Its limits, in words.
    pub fn limits(&self) -> Vec<String> {
        let mut limits = Vec::new();
        match &self.effect {
            Effect::Allow(allowance) => {
                limits.extend(allowance.max_risk.map(|risk| format!("up to {risk}")));
                if allowance.children_inherit {
                    limits.push("what it starts runs as well".to_owned());
                }
            }
            Effect::Review { approvals, roles, .. } => {
                let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
                let who = if roles.is_empty() { "anyone".to_owned() } else { roles.join(" or ") };
                limits.push(format!("approvals: {approvals}, by {who}"));
            }
            Effect::Deny { .. } => {}
        }
        limits.extend(self.expires.map(|expires| format!("until {}", expires.to_rfc3339())));
        limits
    }

    /// How many requests it says that it must match, and must not.
    pub fn examples(&self) -> (usize, usize) {
        let matching = self.examples.iter().filter(|example| example.matches).count();
        (matching, self.examples.len() - matching)
    }

    /// Whether a match that is not certain counts.
    pub(super) fn counts_in_doubt(&self) -> bool {
        match self.effect {
            Effect::Allow(_) => false,
            Effect::Review { in_doubt, .. } | Effect::Deny { in_doubt } => in_doubt,
        }
    }

    /// Whether it takes one command only, spelled out to the last word.
    pub fn is_exact(&self) -> bool {
        match &self.command {
            CommandPattern::Argv { arguments, program } => arguments.is_exact() && program.is_literal(),
            CommandPattern::Any | CommandPattern::Regex(_) => false,
        }
    }

    /// Whether it matches one command of a request.
    pub(super) fn matches(&self, sight: Sight<'_>, strictness: Strictness) -> Answer {
        let held = self.conditions.hold(sight, strictness);
        if held == Answer::No {
            return Answer::No;
        }
        let words = &sight.command.words;
        let covers_expansions = match &self.effect {
            Effect::Allow(allowance) => allowance.covers.expansions,
            Effect::Review { .. } | Effect::Deny { .. } => false,
        };
        let reading = Reading { folders: sight.folders(), strictness, covers_expansions };
        let arguments = words.get(1..).unwrap_or_default();
        let said = match &self.command {
            CommandPattern::Any => Answer::Yes,
            CommandPattern::Argv { program, arguments: pattern } => {
                let identified = self.conditions.name_the_executable();
                let program = program_matches(program, sight, identified, strictness);
                if program == Answer::No {
                    return Answer::No;
                }
                program.min(pattern.matches(arguments, reading))
            }
            CommandPattern::Regex(regex) => regex_matches(regex, words, strictness),
        };
        if said == Answer::No || self.anywhere.is_empty() {
            return held.min(said);
        }
        held.min(said).min(self.anywhere.matches(arguments, reading))
    }

    /// Its limits, where it allows.
    pub(super) fn allowance(&self) -> Option<&Allowance> {
        match &self.effect {
            Effect::Allow(allowance) => Some(allowance),
            Effect::Review { .. } | Effect::Deny { .. } => None,
        }
    }
}

impl Covers {
    pub(super) fn variable(&self, name: &[u8]) -> bool {
        self.env.iter().any(|pattern| name_matches(pattern.as_bytes(), name))
    }

    pub(super) fn redirection(&self, redirection: &Redirection, sight: Sight<'_>) -> bool {
        let Some(target) = &redirection.target else { return true };
        let text = target.text.as_bytes();
        target.literal
            && (matches!(text, b"/dev/null" | b"/dev/stdout" | b"/dev/stderr")
                || self.redirections.iter().any(|g| g.matches_word(text, sight.folders()) == Answer::Yes))
    }
}
