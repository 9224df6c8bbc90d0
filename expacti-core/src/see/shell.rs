//! From shell text to every simple command in it.
//!
//! This is a reader, not an interpreter: it wants each command that *could* run, wherever it stands (pipelines, lists,
//! substitutions, here-documents, functions, branches never taken), and says when it could not read on. It goes through
//! the text once, with a bound on nesting, and cannot fail: what it does not understand is [`Trouble`]. Why it is not
//! one of the published parsers: `docs/adr/0020-own-shell-reader.md`.

mod command;
mod compound;
mod escape;
mod expansion;
mod fields;
mod heredoc;
mod loops;
mod output;
mod redirection;
mod repeat;
mod script;
mod substitution;
mod variables;
mod word;

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

pub(crate) use loops::{Around, is_many};
pub(crate) use output::output_of;
use repeat::Repeated;
use variables::Value;

use crate::assessment::{Redirection, Word};

/// Nested substitutions that are followed. Real scripts have three or four.
const MAX_NESTING: usize = 32;
/// Variables that are remembered; more are taken for unknown.
const MAX_VARIABLES: usize = 128;
/// Bytes of values that are put into words; beyond, values are taken for unknown.
const MAX_EXPANDED: usize = 64 * 1024;

/// What was found in a shell text.
#[derive(Debug, Default)]
pub(crate) struct ShellText {
    /// Its simple commands, inner ones before those that use their output.
    pub commands: Vec<ShellCommand>,
    /// Why it may not be all.
    pub trouble: Option<Trouble>,
    /// A function starts itself in the background or through a pipe, or an endless loop starts something at each turn.
    pub multiplies: bool,
}

/// Why a text could not be read in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    /// Not a shell text as we know them: a quote without end, a closing word without an opening one.
    Unreadable,
    /// More nesting or more commands than are followed.
    TooMuch,
}

/// One simple command of a shell text.
#[derive(Debug, Default)]
pub(crate) struct ShellCommand {
    /// Its words after quote removal and expansion of what is known.
    pub words: Vec<Word>,
    /// `NAME=value` in front of it.
    pub assignments: Vec<(String, Word)>,
    /// Its redirections.
    pub redirections: Vec<Redirection>,
    /// Where its standard input comes from.
    pub input: ShellInput,
    /// One of its redirections adds to a file (`>>`).
    pub extends: bool,
    /// What loops it stands in.
    pub around: Around,
    /// It has no words, and its redirections are those of the loop before it.
    pub collected: Around,
    /// Commands whose output is part of its words (`$(..)`, `<(..)`).
    pub substituted: Vec<Range<usize>>,
}

/// Where a command of a shell text reads from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum ShellInput {
    /// From where the shell itself reads.
    #[default]
    Inherited,
    /// From these commands.
    Pipe(Range<usize>),
    /// This text (a here-document or here-string), as far as it is known.
    Text(String),
    /// A file.
    File,
    /// A here-document of this number whose text is not read yet.
    Pending(usize),
}

/// Reads a shell text. `environment` tells the values of variables that are set before it begins; at most
/// `max_commands` commands are taken.
pub(crate) fn read(
    text: &str,
    environment: &dyn Fn(&str) -> Option<String>,
    max_commands: usize,
) -> ShellText {
    let mut reader = Reader::new(text, environment, max_commands);
    reader.list(None);
    reader.finish()
}

/// The state of reading: one pass over the text.
struct Reader<'t> {
    text: &'t str,
    position: usize,
    depth: usize,
    commands: Vec<ShellCommand>,
    max_commands: usize,
    trouble: Option<Trouble>,
    variables: Rc<HashMap<String, Value>>,
    /// The functions that were read, and their bodies.
    defined: Rc<HashMap<String, &'t str>>,
    /// How many branches, loops, subshells and bodies of functions are open: what is assigned there may not hold.
    uncertain: usize,
    /// Whether the command being read runs only if another one did, or beside others.
    conditional: bool,
    /// Variables that got another value where nobody knows whether it holds.
    changes: usize,
    /// Variables that got their first value there, and how deep that was. It holds up to its end.
    firsts: Vec<(usize, String)>,
    /// What was read more than once.
    repeated: Repeated,
    /// Bytes that variables put into words, so that variables made of variables cannot grow without bound.
    expanded: usize,
    /// Up to here there is no closing parenthesis.
    no_close_before: usize,
    /// A `((` was seen that nothing closes.
    unclosed_arithmetic: bool,
    environment: &'t dyn Fn(&str) -> Option<String>,
    heredocs: Vec<heredoc::Heredoc>,
    heredocs_read: usize,
    /// Ranges of commands whose output goes into the words being read.
    substituted: Vec<Range<usize>>,
    /// The name of a function whose body is to follow.
    announced: Option<String>,
    /// The functions whose bodies are being read.
    functions: Vec<String>,
    /// The loops that are open.
    around: Around,
    multiplies: bool,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str, environment: &'t dyn Fn(&str) -> Option<String>, max_commands: usize) -> Self {
        Self {
            text,
            position: 0,
            depth: 0,
            commands: Vec::new(),
            max_commands,
            trouble: None,
            variables: Rc::default(),
            defined: Rc::default(),
            uncertain: 0,
            conditional: false,
            changes: 0,
            firsts: Vec::new(),
            repeated: Repeated::default(),
            expanded: 0,
            no_close_before: 0,
            unclosed_arithmetic: false,
            environment,
            heredocs: Vec::new(),
            heredocs_read: 0,
            substituted: Vec::new(),
            announced: None,
            functions: Vec::new(),
            around: Around::Nothing,
            multiplies: false,
        }
    }

    fn finish(mut self) -> ShellText {
        if self.heredocs_read < self.heredocs.len() {
            self.trouble(Trouble::Unreadable);
        }
        for command in &mut self.commands {
            if let ShellInput::Pending(number) = command.input {
                let text = self.heredocs.get_mut(number).map(|doc| doc.text.clone()).unwrap_or_default();
                command.input = ShellInput::Text(text);
            }
        }
        ShellText { commands: self.commands, trouble: self.trouble, multiplies: self.multiplies }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    fn peek_at(&self, offset: usize) -> Option<u8> {
        self.text.as_bytes().get(self.position + offset).copied()
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.position..).unwrap_or_default()
    }

    fn trouble(&mut self, trouble: Trouble) {
        self.trouble = self.trouble.max(Some(trouble));
    }

    /// Gives up on the rest of the text.
    fn give_up(&mut self) {
        self.trouble(Trouble::TooMuch);
        self.position = self.text.len();
    }

    fn push(&mut self, command: ShellCommand) {
        if self.commands.len() >= self.max_commands {
            self.give_up();
        } else {
            self.commands.push(command);
        }
    }

    /// Reads a text that lies inside this one but is written differently (backquotes, an alias), in place.
    fn nested_text(&mut self, text: &str) -> Range<usize> {
        let start = self.commands.len();
        if self.depth >= MAX_NESTING {
            self.give_up();
            return start..start;
        }
        let mut inner = self.inner(text);
        inner.list(None);
        self.absorb(inner)
    }

    /// A reader of a text that lies inside this one. It knows what this one knows.
    fn inner<'i>(&self, text: &'i str) -> Reader<'i>
    where
        't: 'i,
    {
        let left = self.max_commands.saturating_sub(self.commands.len());
        let mut inner = Reader::new(text, self.environment, left);
        inner.depth = self.depth + 1;
        inner.variables = Rc::clone(&self.variables);
        inner.defined = self.defined.clone();
        inner.expanded = self.expanded;
        inner.repeated = self.repeated;
        inner.around = self.around.for_inner_text();
        inner
    }

    /// Takes over what a reader of an inner text has found.
    fn absorb(&mut self, inner: Reader<'_>) -> Range<usize> {
        self.expanded = inner.expanded;
        self.repeated = inner.repeated;
        let found = inner.finish();
        self.multiplies |= found.multiplies;
        if let Some(trouble) = found.trouble {
            self.trouble(trouble);
        }
        self.adopt(found.commands)
    }
}

#[cfg(test)]
mod tests;
