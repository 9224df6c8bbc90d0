//! Other ways to write the same dangerous command. Pure and deterministic: the same entry gives the same variants.
//!
//! Every variant means what its original means (see `equivalence.rs`, which runs them over a harmless one), or is meant to
//! be taken for it (look-alikes). So it has to be judged at least as strictly.

mod everyday;
mod flags;
mod nest;
pub(crate) mod quote;
mod reading;
mod spell;
mod synonyms;
pub(crate) mod wrap;

use crate::entry::{Command, Entry};

/// One other way to write a command.
#[derive(Clone, Debug)]
pub(crate) struct Variant {
    /// `family/kind`.
    pub(crate) kind: String,
    pub(crate) command: Command,
}

impl Variant {
    fn shell(kind: &str, text: String) -> Self {
        Self { kind: kind.into(), command: Command::Shell(text) }
    }

    pub(crate) fn family(&self) -> &str {
        self.kind.split('/').next().unwrap_or_default()
    }
}

/// Every variant of an entry.
pub(crate) fn of_entry(entry: &Entry) -> Vec<Variant> {
    if entry.needs_its_stdin() { wrap::of(&entry.command) } else { of_command(&entry.command) }
}

/// An ordinary entry in the wrappings that agents give to everything.
pub(crate) fn wrapped(entry: &Entry) -> Vec<Variant> {
    everyday::of(&entry.command, &entry.cwd())
}

/// Every variant of a command whose standard input does not matter.
pub(crate) fn of_command(command: &Command) -> Vec<Variant> {
    let text = match command {
        Command::Shell(text) => text.clone(),
        Command::Argv(words) => quote::join(words),
    };
    let mut variants = nest::of(&text);
    variants.extend(spell::of(&text));
    variants.extend(wrap::of(command));
    variants.extend(flags::of(command));
    variants.retain(|variant| variant.command != *command);
    variants
}
