//! Where rules come from, and what is wrong in it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One file of rules, or the rules of the store written as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// How it is called in messages: the path of the file.
    pub name: String,
    /// Its TOML.
    pub text: String,
    /// Who keeps it.
    pub origin: Origin,
}

/// Who keeps a rule. Of two rules that say the same, the one that comes first here is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Operators, in a file.
    Static,
    /// Reviewers, in the store.
    Stored,
}

/// A place in a source, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The source's name.
    pub file: String,
    /// Line.
    pub line: usize,
    /// Column, in characters.
    pub column: usize,
}

/// One thing that is wrong: where, what, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Problem {
    /// Where.
    pub at: Place,
    /// The key, such as `rule[2].argv[1].number`; empty where the file is no TOML at all.
    pub key: String,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub help: String,
}

/// Why a set of sources was refused. Everything that is wrong in all of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct LoadError {
    /// At least one.
    pub problems: Vec<Problem>,
}

impl Source {
    /// A file of operators.
    pub fn file(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into(), origin: Origin::Static }
    }

    /// Rules that reviewers made.
    pub fn stored(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into(), origin: Origin::Stored }
    }

    pub(super) fn place(&self, offset: usize) -> Place {
        Lines::of(self).place(self, offset)
    }
}

/// Where the lines of a source begin, so that places in a long one are found at once.
pub(super) struct Lines(Vec<usize>);

impl Lines {
    pub(super) fn of(source: &Source) -> Self {
        let ends = source.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self(std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect())
    }

    pub(super) fn place(&self, source: &Source, offset: usize) -> Place {
        let line = self.0.partition_point(|start| *start <= offset);
        let start = self.0.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let before = source.text.get(start..offset.min(source.text.len())).unwrap_or_default();
        Place { file: source.name.clone(), line, column: before.chars().count() + 1 }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Static => "static",
            Self::Stored => "stored",
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.at)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{}; {}", self.what, self.help)
    }
}
