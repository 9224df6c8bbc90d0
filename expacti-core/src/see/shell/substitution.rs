//! What commands inside of words are: `$(...)`, backquotes, `<(...)`, and what they print where that can be told.

use std::ops::Range;

use super::fields::Fields;
use super::output::{output_of, piped_output};
use super::{MAX_NESTING, Reader, ShellCommand, ShellInput, Trouble};

impl Reader<'_> {
    /// Reads commands up to the closing parenthesis; which they are.
    pub(super) fn substitution(&mut self) -> Range<usize> {
        let start = self.commands.len();
        if self.depth >= MAX_NESTING {
            self.give_up();
            return start..start;
        }
        self.depth += 1;
        let outer = std::mem::take(&mut self.substituted);
        let conditional = self.conditional;
        // It is a shell of its own: what it assigns does not hold outside.
        self.uncertain += 1;
        self.list(Some(b')'));
        self.uncertain -= 1;
        self.conditional = conditional;
        self.leave_firsts();
        self.substituted = outer;
        self.depth -= 1;
        if self.peek() == Some(b')') {
            self.position += 1;
        } else {
            self.trouble(Trouble::Unreadable);
        }
        let range = start..self.commands.len();
        self.substituted.push(range.clone());
        range
    }

    pub(super) fn backquoted(&mut self, fields: &mut Fields, quoted: bool) {
        let start = self.position;
        self.position += 1;
        let mut text = String::new();
        loop {
            match self.rest().chars().next() {
                None => {
                    self.trouble(Trouble::Unreadable);
                    break;
                }
                Some('`') => {
                    self.position += 1;
                    break;
                }
                Some('\\') => {
                    let escaped = self.rest().chars().nth(1);
                    if !matches!(escaped, Some('`' | '\\' | '$')) {
                        text.push('\\');
                    }
                    text.extend(escaped);
                    self.position += 1 + escaped.map_or(0, char::len_utf8);
                }
                Some(c) => {
                    text.push(c);
                    self.position += c.len_utf8();
                }
            }
        }
        let range = self.nested_text(&text);
        self.substituted.push(range.clone());
        self.substituted_value(fields, quoted, range, start);
    }

    /// Puts the output of commands into the word where it can be told (`$(echo rm)`), else their source.
    pub(super) fn substituted_value(
        &mut self,
        fields: &mut Fields,
        quoted: bool,
        range: Range<usize>,
        start: usize,
    ) {
        match self.output_of_range(range) {
            Some(value) => fields.value(value.trim_end_matches('\n'), quoted),
            None => fields.unknown(self.text.get(start..self.position).unwrap_or_default()),
        }
    }

    /// What these commands print together, where that can be told.
    pub(super) fn output_of_range(&self, range: Range<usize>) -> Option<String> {
        let first = range.start;
        let commands = self.commands.get(range)?;
        let last = commands.last()?;
        match &last.input {
            ShellInput::Inherited if commands.len() == 1 => output_of(&last.words, &last.redirections, None),
            ShellInput::Text(text) if commands.len() == 1 => {
                output_of(&last.words, &last.redirections, Some(text))
            }
            ShellInput::Pipe(_) => piped_output(commands, first),
            ShellInput::Inherited | ShellInput::Text(_) | ShellInput::File | ShellInput::Pending(_) => None,
        }
    }

    /// Takes over commands that a reader of an inner text found.
    pub(super) fn adopt(&mut self, commands: Vec<ShellCommand>) -> Range<usize> {
        let start = self.commands.len();
        for mut command in commands {
            if let ShellInput::Pipe(range) = &mut command.input {
                *range = range.start + start..range.end + start;
            }
            for range in &mut command.substituted {
                *range = range.start + start..range.end + start;
            }
            command.around = command.around.behind(start);
            command.collected = command.collected.behind(start);
            self.commands.push(command);
        }
        start..self.commands.len()
    }
}
