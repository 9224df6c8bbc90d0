//! A TOML table read key by key. Problems are collected, so that one look at a file shows them all.

use std::cell::RefCell;

use serde_spanned::Spanned;
use toml::de::{DeTable, DeValue};

use super::nearest::nearest;
use crate::rules::source::{Lines, Place, Problem, Source};

/// What was found wrong so far in one source.
pub struct Problems<'a> {
    source: &'a Source,
    lines: Lines,
    found: RefCell<Vec<Problem>>,
}

/// A value and how to name it.
#[derive(Clone)]
pub struct Item<'a> {
    /// What was written.
    pub value: &'a DeValue<'a>,
    /// Where, in bytes.
    pub offset: usize,
    /// Its path, such as `rule[2].argv`.
    pub key: String,
    /// Where problems go.
    pub problems: &'a Problems<'a>,
}

/// A table whose keys are taken one after the other; those that are left over are mistakes.
pub struct Table<'a> {
    entries: &'a DeTable<'a>,
    offset: usize,
    /// Its path, such as `rule[2].argv`.
    pub key: String,
    /// Where problems go.
    pub problems: &'a Problems<'a>,
}

impl<'a> Problems<'a> {
    /// Nothing is wrong yet.
    pub fn new(source: &'a Source) -> Self {
        Self { source, lines: Lines::of(source), found: RefCell::default() }
    }

    /// Notes a problem at an offset of the source.
    pub fn add(&self, offset: usize, key: &str, what: impl Into<String>, help: impl Into<String>) {
        let problem =
            Problem { at: self.place(offset), key: key.to_owned(), what: what.into(), help: help.into() };
        self.found.borrow_mut().push(problem);
    }

    /// The place of an offset, for people.
    pub fn place(&self, offset: usize) -> Place {
        self.lines.place(self.source, offset)
    }

    /// All that was found, in the order in which it was.
    pub fn into_found(self) -> Vec<Problem> {
        self.found.into_inner()
    }
}

impl<'a> Table<'a> {
    /// A table at an offset, with its path.
    pub fn new(
        entries: &'a DeTable<'a>,
        offset: usize,
        key: impl Into<String>,
        problems: &'a Problems<'a>,
    ) -> Self {
        Self { entries, offset, key: key.into(), problems }
    }

    /// Complains about every key that is not `known`.
    pub fn only(&self, known: &[&str]) {
        for (name, _) in self.entries {
            let text = name.get_ref().as_ref();
            if known.contains(&text) {
                continue;
            }
            let help = match nearest(text, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known here: {}", known.join(", ")),
            };
            self.problems.add(name.span().start, &self.name_of(text), "unknown key", help);
        }
    }

    /// The value of a key.
    pub fn get(&self, name: &str) -> Option<Item<'a>> {
        self.entries.get(name).map(|value| self.item(name, value))
    }

    /// Every entry, in the order of the keys.
    pub fn items(&self) -> impl Iterator<Item = (&'a str, Item<'a>)> {
        self.entries.iter().map(|(name, value)| {
            let name = name.get_ref().as_ref();
            (name, self.item(name, value))
        })
    }

    /// Notes a problem with the table as a whole.
    pub fn problem(&self, what: impl Into<String>, help: impl Into<String>) {
        self.problems.add(self.offset, &self.key, what, help);
    }

    fn item(&self, name: &str, value: &'a Spanned<DeValue<'a>>) -> Item<'a> {
        Item {
            value: value.get_ref(),
            offset: value.span().start,
            key: self.name_of(name),
            problems: self.problems,
        }
    }

    fn name_of(&self, name: &str) -> String {
        if self.key.is_empty() { name.to_owned() } else { format!("{}.{name}", self.key) }
    }
}
