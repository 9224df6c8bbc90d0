//! Rules that say nothing new, or nothing at all.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::hole::Hole;
use super::pattern::{Arguments, CommandPattern, Element};
use super::rule::{Effect, Rule};
use super::set::RuleSet;
use super::source::Place;
use crate::policy::Policy;
use crate::time::Timestamp;

/// Something about a rule that its author should know. It loads all the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// The rule.
    pub rule: String,
    /// Where it is written.
    pub at: Place,
    /// What is the matter.
    pub kind: FindingKind,
}

/// What can be the matter with a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum FindingKind {
    /// It is over.
    Expired,
    /// A static rule of the same name replaces it.
    Overridden,
    /// Another rule says exactly the same.
    Duplicate {
        /// The other one.
        of: String,
    },
    /// A rule that is as strict or stricter takes everything that it could take.
    Shadowed {
        /// The other one.
        by: String,
    },
    /// Nothing can match it.
    NeverMatches {
        /// Why.
        why: String,
    },
    /// Its limit reaches into scores where it does not count.
    LimitWithoutEffect {
        /// From this score on it does not count.
        from: u8,
    },
}

/// Goes through all rules and says what their authors should know.
pub fn lint(rules: &RuleSet, policy: &Policy, now: Timestamp) -> Vec<Finding> {
    let mut findings: Vec<Finding> = rules
        .overridden()
        .iter()
        .map(|(name, at)| Finding { rule: name.clone(), at: at.clone(), kind: FindingKind::Overridden })
        .collect();
    for (index, rule) in rules.rules().iter().enumerate() {
        let mut find = |kind| findings.push(Finding { rule: rule.name.clone(), at: rule.at.clone(), kind });
        if !rule.is_in_force(now) {
            find(FindingKind::Expired);
            continue;
        }
        if let Some(why) = contradiction(rule) {
            find(FindingKind::NeverMatches { why });
        }
        let from = policy.never_allow_from.floor();
        let limit = rule.allowance().and_then(|allowance| allowance.max_risk);
        if limit.is_some_and(|limit| limit.ceiling() >= from) && !rule.is_exact() {
            find(FindingKind::LimitWithoutEffect { from });
        }
        for other in rules.neighbours(rule).filter(|other| other.is_in_force(now)) {
            let place = rules.rules().iter().position(|r| std::ptr::eq(r, other));
            if !takes_all_of(other, rule) {
                continue;
            }
            let same = takes_all_of(rule, other) && says_the_same(rule, other);
            if same && place.is_some_and(|place| place < index) {
                find(FindingKind::Duplicate { of: other.name.clone() });
                break;
            }
            if !same && (rank(other) > rank(rule) || says_the_same(other, rule)) {
                find(FindingKind::Shadowed { by: other.name.clone() });
                break;
            }
        }
    }
    findings.sort();
    findings
}

fn rank(rule: &Rule) -> u8 {
    match rule.effect {
        Effect::Allow(_) => 0,
        Effect::Review { .. } => 1,
        Effect::Deny { .. } => 2,
    }
}

fn says_the_same(a: &Rule, b: &Rule) -> bool {
    format!("{:?}", a.effect) == format!("{:?}", b.effect)
}

/// Whether `wide` certainly takes every command that `narrow` takes. In doubt it says no.
fn takes_all_of(wide: &Rule, narrow: &Rule) -> bool {
    let same_conditions =
        wide.conditions.is_empty() || format!("{:?}", wide.conditions) == format!("{:?}", narrow.conditions);
    let same_anywhere =
        wide.anywhere.is_empty() || format!("{:?}", wide.anywhere) == format!("{:?}", narrow.anywhere);
    let same_sets = wide.set.is_none() || wide.set == narrow.set;
    same_conditions && same_anywhere && same_sets && takes_all_words(&wide.command, &narrow.command)
}

fn takes_all_words(wide: &CommandPattern, narrow: &CommandPattern) -> bool {
    match (wide, narrow) {
        (CommandPattern::Any, _) => true,
        (CommandPattern::Regex(a), CommandPattern::Regex(b)) => a.as_str() == b.as_str(),
        (
            CommandPattern::Argv { program: wide, arguments: wide_arguments },
            CommandPattern::Argv { program: narrow, arguments: narrow_arguments },
        ) => takes_hole(wide, narrow) && takes_arguments(wide_arguments, narrow_arguments),
        (CommandPattern::Regex(_) | CommandPattern::Argv { .. }, _) => false,
    }
}

fn takes_arguments(wide: &Arguments, narrow: &Arguments) -> bool {
    let of = |arguments: &Arguments| match arguments {
        Arguments::Exact(words) => {
            let once =
                |word: &Vec<u8>| Element::Words(Hole::Literal(word.clone()), super::pattern::Repeat::Once);
            words.iter().map(once).collect()
        }
        Arguments::Sequence(elements) => elements.clone(),
    };
    let (wide, narrow): (Vec<Element>, Vec<Element>) = (of(wide), of(narrow));
    for (i, element) in wide.iter().enumerate() {
        match (element, narrow.get(i)) {
            (Element::Rest, _) if i + 1 == wide.len() => return true,
            (Element::Words(a, r), Some(Element::Words(b, s))) if r == s && takes_hole(a, b) => {}
            (a, Some(b)) if format!("{a:?}") == format!("{b:?}") => {}
            _ => return false,
        }
    }
    wide.len() == narrow.len()
}

fn takes_hole(wide: &Hole, narrow: &Hole) -> bool {
    if matches!(wide, Hole::Any) {
        return true;
    }
    match (wide.literals(), narrow.literals()) {
        (Some(wide), Some(narrow)) => narrow.iter().all(|word| wide.contains(word)),
        _ => format!("{wide:?}") == format!("{narrow:?}"),
    }
}

/// What a rule asks for and excludes at once.
fn contradiction(rule: &Rule) -> Option<String> {
    let anywhere = &rule.anywhere;
    if !anywhere.any_flag.is_empty() && anywhere.any_flag.iter().all(|flag| anywhere.no_flag.contains(flag)) {
        return Some("every option of any_flag stands in no_flag too".to_owned());
    }
    let CommandPattern::Argv { arguments, .. } = &rule.command else { return None };
    let literals: Vec<Vec<&[u8]>> = match arguments {
        Arguments::Exact(words) => words.iter().map(|word| vec![word.as_slice()]).collect(),
        Arguments::Sequence(elements) => elements
            .iter()
            .filter_map(|element| match element {
                Element::Words(hole, super::pattern::Repeat::Once) => hole.literals(),
                Element::Words(..) | Element::Rest | Element::Options(_) => None,
            })
            .collect(),
    };
    let excluded = |word: &[u8]| {
        let by_flag = anywhere.no_flag.iter().any(|flag| super::flag::gives_flag(word, flag.as_bytes()));
        by_flag
            || anywhere.no_arg.iter().any(|hole| hole.literals().is_some_and(|words| words.contains(&word)))
    };
    let required = literals.iter().find(|words| words.iter().all(|word| excluded(word)))?;
    let words: Vec<_> = required.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    Some(format!("it asks for {} and excludes it", words.join(" or ")))
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired => f.write_str("is over and no longer in force; take it out"),
            Self::Overridden => {
                f.write_str("is stored, and a file has a rule of the same name that counts instead")
            }
            Self::Duplicate { of } => write!(f, "says the same as {of}; keep one of them"),
            Self::Shadowed { by } => {
                write!(f, "adds nothing: {by} takes all of it and is as strict or stricter")
            }
            Self::NeverMatches { why } => write!(f, "can never match: {why}"),
            Self::LimitWithoutEffect { from } => {
                write!(f, "has a max_risk that does not count from {from} on, because it is not exact")
            }
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: rule {} {}", self.at, self.rule, self.kind)
    }
}
