//! Patterns over the words of one command. They never see a joined string, so `["rm", "-rf a"]` and
//! `["rm", "-rf", "a"]` stay different.

mod automaton;

use regex::bytes::Regex;

use super::answer::Answer;
use super::flag::{gives_flag, is_flag};
use super::hole::{Hole, Strictness};
use super::path::Folders;
use super::quote::quoted;
use crate::assessment::Word;

/// What a rule says about a command's words.
#[derive(Clone, Debug)]
pub(crate) enum CommandPattern {
    /// Nothing: any command.
    Any,
    /// The program and its arguments.
    Argv { program: Hole, arguments: Arguments },
    /// A regular expression on the whole command, quoted as a shell would need it.
    Regex(Regex),
}

/// What a rule says about the words after the program.
#[derive(Clone, Debug)]
pub(crate) enum Arguments {
    /// Exactly these.
    Exact(Vec<Vec<u8>>),
    /// A sequence of elements. At most [`MAX_ELEMENTS`].
    Sequence(Vec<Element>),
}

/// More elements than any rule needs; bounded so that matching is.
pub(crate) const MAX_ELEMENTS: usize = 60;

/// One element of a sequence.
#[derive(Clone, Debug)]
pub(crate) enum Element {
    /// Words that fill the hole.
    Words(Hole, Repeat),
    /// Any words, also none.
    Rest,
    /// Any options, also none. Those named take the word behind them as their value.
    Options(Vec<String>),
}

/// How often a hole is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    Once,
    Optional,
    Many,
}

/// What a rule says about words wherever they stand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Anywhere {
    /// At least one of these options is given.
    pub(crate) any_flag: Vec<String>,
    /// At least one argument fills one of these.
    pub(crate) any_arg: Vec<Hole>,
    /// None of these options is given.
    pub(crate) no_flag: Vec<String>,
    /// No argument fills one of these.
    pub(crate) no_arg: Vec<Hole>,
}

/// How words that are not known yet are taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading<'a> {
    pub(crate) folders: Folders<'a>,
    pub(crate) strictness: Strictness,
    /// For allow rules: a word that is not known yet may stand where any words may.
    pub(crate) covers_expansions: bool,
}

impl Arguments {
    /// Whether the words after the program match.
    pub(crate) fn matches(&self, words: &[Word], reading: Reading<'_>) -> Answer {
        match self {
            Self::Exact(exact) => exact_match(exact, words, reading.strictness),
            Self::Sequence(elements) => automaton::run(elements, words, reading),
        }
    }

    /// It takes one command only, or one of a few that are all spelled out.
    pub(crate) fn is_exact(&self) -> bool {
        match self {
            Self::Exact(_) => true,
            Self::Sequence(elements) => elements
                .iter()
                .all(|element| matches!(element, Element::Words(hole, Repeat::Once) if hole.is_literal())),
        }
    }
}

fn exact_match(exact: &[Vec<u8>], words: &[Word], strictness: Strictness) -> Answer {
    let same =
        exact.len() == words.len() && exact.iter().zip(words).all(|(e, w)| e.as_slice() == w.text.as_bytes());
    let known = words.iter().position(|word| !word.literal);
    match (known, strictness) {
        (None, _) => Answer::from(same),
        (Some(_), Strictness::Suspicious) if same => Answer::Yes,
        (Some(first), Strictness::Suspicious) => {
            let head = exact.iter().zip(words).take(first).all(|(e, w)| e.as_slice() == w.text.as_bytes());
            if head && exact.len() >= first { Answer::Maybe } else { Answer::No }
        }
        (Some(_), Strictness::Certain) => Answer::No,
    }
}

impl Anywhere {
    pub(crate) fn is_empty(&self) -> bool {
        self.any_flag.is_empty()
            && self.any_arg.is_empty()
            && self.no_flag.is_empty()
            && self.no_arg.is_empty()
    }

    /// Whether the words after the program fit.
    pub(crate) fn matches(&self, words: &[Word], reading: Reading<'_>) -> Answer {
        let unknown = words.iter().any(|word| !word.literal);
        let texts = || words.iter().map(|word| word.text.as_bytes());
        let gives =
            |flags: &[String]| texts().any(|w| flags.iter().any(|flag| gives_flag(w, flag.as_bytes())));
        let fills =
            |holes: &[Hole], strictness| {
                Answer::any(texts().flat_map(|word| {
                    holes.iter().map(move |hole| hole.takes(word, reading.folders, strictness))
                }))
            };
        // What is not known yet can be anything.
        let or_maybe = |answer: Answer| if unknown { answer.max(Answer::Maybe) } else { answer };
        let mut answer = Answer::Yes;
        if !self.any_flag.is_empty() {
            answer = answer.min(or_maybe(Answer::from(gives(&self.any_flag))));
        }
        if !self.any_arg.is_empty() {
            answer = answer.min(or_maybe(fills(&self.any_arg, reading.strictness)));
        }
        if !self.no_flag.is_empty() {
            // What lets a rule not count is taken the other way round: a deny rule is not escaped by half an option.
            let excluded = match reading.strictness {
                Strictness::Certain => gives(&self.no_flag),
                Strictness::Suspicious => {
                    texts().any(|word| self.no_flag.iter().any(|flag| is_flag(word, flag.as_bytes())))
                }
            };
            answer = answer.min(not(or_maybe(Answer::from(excluded))));
        }
        if !self.no_arg.is_empty() {
            let opposite = match reading.strictness {
                Strictness::Certain => Strictness::Suspicious,
                Strictness::Suspicious => Strictness::Certain,
            };
            answer = answer.min(not(or_maybe(fills(&self.no_arg, opposite))));
        }
        answer
    }
}

fn not(answer: Answer) -> Answer {
    match answer {
        Answer::No => Answer::Yes,
        Answer::Maybe => Answer::Maybe,
        Answer::Yes => Answer::No,
    }
}

/// Whether a regular expression takes the command. What is not known yet never matches for an allow rule, and is
/// taken as it is written for the others: an expansion cannot be guessed from a regular expression.
pub(crate) fn regex_matches(regex: &Regex, words: &[Word], strictness: Strictness) -> Answer {
    if strictness == Strictness::Certain && words.iter().any(|word| !word.literal) {
        return Answer::No;
    }
    Answer::from(regex.is_match(&quoted(words.iter().map(|word| word.text.as_bytes()))))
}
