//! What one word may be.

use globset::GlobMatcher;
use regex::bytes::Regex;

use super::answer::Answer;
use super::flag::is_flag;
use super::path::{Folders, PathGlob, word_is_below};
use super::url::url_host;

/// A pattern for one word.
#[derive(Clone, Debug)]
pub(crate) enum Hole {
    /// These bytes.
    Literal(Vec<u8>),
    /// Whatever one of these takes.
    AnyOf(Vec<Hole>),
    /// Anything.
    Any,
    /// Plain characters, and no option.
    Plain,
    /// A whole number within bounds.
    Number { min: u64, max: u64 },
    /// A path that the glob takes.
    Path(PathGlob),
    /// A path strictly below a folder.
    Below(Vec<u8>),
    /// A plain http or https URL whose host one of these takes.
    Url(Vec<GlobMatcher>),
    /// A glob in which `*` takes everything.
    Glob(GlobMatcher),
    /// A regular expression on the whole word.
    Regex(Regex),
    /// One of these options, long ones with or without `=value`.
    Flag(Vec<String>),
}

/// Which way to err.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strictness {
    /// For allow rules: only what is certain matches.
    Certain,
    /// For deny and review rules: what could be meant matches too.
    Suspicious,
}

impl Hole {
    /// Whether these bytes fill it.
    pub(crate) fn takes(&self, word: &[u8], folders: Folders<'_>, strictness: Strictness) -> Answer {
        match self {
            Self::Literal(literal) => Answer::from(literal == word),
            Self::AnyOf(holes) => Answer::any(holes.iter().map(|h| h.takes(word, folders, strictness))),
            Self::Any => Answer::Yes,
            Self::Plain => Answer::from(is_plain(word)),
            Self::Number { min, max } => {
                Answer::from(number(word).is_some_and(|n| (*min..=*max).contains(&n)))
            }
            Self::Path(glob) => glob.matches_word(word, folders),
            Self::Below(folder) => word_is_below(word, folder, folders),
            Self::Url(hosts) => Answer::from(url_host(word).is_some_and(|url| {
                (url.plain || strictness == Strictness::Suspicious)
                    && hosts.iter().any(|host| host.is_match(url.host.to_ascii_lowercase()))
            })),
            Self::Glob(glob) => Answer::from(is_glob_match(glob, word)),
            Self::Regex(regex) => Answer::from(regex.is_match(word)),
            Self::Flag(flags) => Answer::from(flags.iter().any(|flag| is_flag(word, flag.as_bytes()))),
        }
    }

    /// Whether it takes a few certain words only.
    pub(crate) fn is_literal(&self) -> bool {
        self.each_literal(&mut |_| {})
    }

    /// Whether one of the certain words that it takes passes.
    pub(crate) fn any_literal(&self, test: &dyn Fn(&[u8]) -> bool) -> bool {
        let mut any = false;
        self.each_literal(&mut |literal| any |= test(literal));
        any
    }

    /// The words it takes, where those are few and certain.
    pub(crate) fn literals(&self) -> Option<Vec<&[u8]>> {
        let mut all = Vec::new();
        self.each_literal(&mut |literal| all.push(literal)).then_some(all)
    }

    /// Visits the certain words that it takes. Whether it takes no others.
    fn each_literal<'h>(&'h self, visit: &mut dyn FnMut(&'h [u8])) -> bool {
        match self {
            Self::Literal(literal) => {
                visit(literal);
                true
            }
            Self::AnyOf(holes) => {
                let mut all = true;
                for hole in holes {
                    all &= hole.each_literal(visit);
                }
                all
            }
            Self::Any
            | Self::Plain
            | Self::Number { .. }
            | Self::Path(_)
            | Self::Below(_)
            | Self::Url(_)
            | Self::Glob(_)
            | Self::Regex(_)
            | Self::Flag(_) => false,
        }
    }
}

pub(crate) fn is_glob_match(glob: &GlobMatcher, text: &[u8]) -> bool {
    use std::os::unix::ffi::OsStrExt as _;
    glob.is_match(std::path::Path::new(std::ffi::OsStr::from_bytes(text)))
}

fn is_plain(word: &[u8]) -> bool {
    !word.is_empty()
        && !word.starts_with(b"-")
        && word.iter().all(|b| b.is_ascii_alphanumeric() || b"._/@:+,=%".contains(b) || *b == b'-')
}

fn number(word: &[u8]) -> Option<u64> {
    if !word.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(word).ok()?.parse().ok()
}
