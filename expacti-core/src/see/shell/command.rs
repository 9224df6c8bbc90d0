//! Simple commands: assignments, words and redirections, up to what separates them from the next.

use std::ops::Range;

use super::variables::{MAX_ELEMENTS, Value};
use super::{Reader, ShellCommand, ShellInput, Trouble};
use crate::assessment::Word;

/// Bytes of an array index that are looked through for its end.
const MAX_INDEX: usize = 256;

impl Reader<'_> {
    pub(super) fn simple(&mut self, upstream: Option<Range<usize>>) {
        let outer = std::mem::take(&mut self.substituted);
        let start = self.position;
        let mut command = ShellCommand {
            input: upstream.map_or(ShellInput::Inherited, ShellInput::Pipe),
            around: self.around,
            ..ShellCommand::default()
        };
        // What the assignments in front say: it holds from the next command on, unless they are this command's own.
        let mut set = Vec::new();
        loop {
            self.blanks();
            if self.redirection_follows() {
                self.redirection(&mut command);
                continue;
            }
            match self.peek() {
                None | Some(b'\n' | b';' | b'&' | b'|' | b')') => break,
                Some(b'#') if self.position == 0 || self.blank_before() => self.comment(),
                Some(b'(') => {
                    if self.rest().starts_with("()") || command.words.len() == 1 && self.empty_parentheses() {
                        // A function: its body follows as commands that may run.
                        self.position += self.rest().find(')').map_or(1, |at| at + 1);
                        self.substituted = outer;
                        self.announced = command.words.first().map(|word| word.text.to_lossy().into_owned());
                        self.blanks_and_lines();
                        return;
                    }
                    self.unreadable(1);
                }
                Some(_) if command.words.is_empty() && self.assignment(&mut command, &mut set) => {}
                Some(_) if self.declared_array(&mut command) => {}
                Some(b'<') if self.peek_at(1) == Some(b'(') => self.process_word(&mut command),
                Some(_) => command.words.extend(self.word().into_words()),
            }
        }
        command.substituted = std::mem::replace(&mut self.substituted, outer);
        if self.position == start {
            // Nothing was taken: never stay in place.
            self.unreadable(1);
        }
        let beside = self.goes_to_background() || self.peek() == Some(b'|') && self.peek_at(1) != Some(b'|');
        self.conditional |= beside;
        self.remember(&command, set);
        self.call(&command);
        self.multiplies |= self.starts_itself(&command);
        if !(command.words.is_empty() && command.redirections.is_empty() && command.assignments.is_empty()) {
            self.push(command);
        }
    }

    /// `<(...)` as a word. Where its text is known, that is what the command reads, and the word names its input.
    fn process_word(&mut self, command: &mut ShellCommand) {
        let start = self.position;
        self.position += 2;
        let range = self.substitution();
        let alone =
            matches!(self.peek(), None | Some(b' ' | b'\t' | b'\r' | b'\n' | b';' | b'&' | b'|' | b')'));
        let known = self.output_of_range(range);
        if let Some(text) = known.filter(|_| alone && command.input == ShellInput::Inherited) {
            command.input = ShellInput::Text(text);
            command.words.push(Word { text: "/dev/stdin".into(), literal: true });
            return;
        }
        let source = self.text.get(start..self.position).unwrap_or_default();
        command.words.push(Word { text: source.into(), literal: false });
        if !alone {
            command.words.extend(self.word().into_words());
        }
    }

    /// Whether this command is the function it stands in, and more than one of it will run at a time.
    fn starts_itself(&self, command: &ShellCommand) -> bool {
        let Some(name) = command.words.first().map(|word| word.text.to_lossy()) else { return false };
        let piped = matches!(command.input, ShellInput::Pipe(_))
            || self.peek() == Some(b'|') && self.peek_at(1) != Some(b'|');
        (piped || self.goes_to_background()) && self.functions.iter().any(|function| *function == name)
    }

    /// Whether one of these commands is the function it stands in, by itself or in a shell of its own.
    pub(super) fn start_themselves(&self, commands: &[ShellCommand]) -> bool {
        let is_open = |word: &Word| {
            let text = word.text.to_lossy();
            self.functions.iter().any(|function| *function == text)
        };
        let is_shell = |word: &Word| matches!(word.text.as_bytes(), b"sh" | b"bash" | b"zsh" | b"eval");
        commands.iter().any(|command| {
            command.words.split_first().is_some_and(|(first, rest)| {
                is_open(first) || is_shell(first) && rest.iter().take(4).any(is_open)
            })
        })
    }

    fn blank_before(&self) -> bool {
        self.text.as_bytes().get(self.position.wrapping_sub(1)).is_none_or(u8::is_ascii_whitespace)
    }

    fn empty_parentheses(&self) -> bool {
        self.rest()
            .strip_prefix('(')
            .is_some_and(|rest| rest.trim_start_matches([' ', '\t']).starts_with(')'))
    }

    /// Keeps what assignments, `export` and `alias` say about the commands after them.
    fn remember(&mut self, command: &ShellCommand, set: Vec<(String, Value)>) {
        let name = command.words.first().map(|word| word.text.to_lossy().into_owned());
        match name.as_deref() {
            None => {
                for (name, value) in set {
                    self.assign(&name, value);
                }
            }
            Some("export" | "declare" | "typeset" | "local" | "readonly") => {
                for word in &command.words[1..] {
                    let text = word.text.to_lossy();
                    if let Some((name, value)) = text.split_once('=')
                        && !value.starts_with('(')
                    {
                        self.assign(name, Value::of(&Word { text: value.into(), literal: word.literal }));
                    }
                }
            }
            Some(name @ ("read" | "unset" | "mapfile" | "readarray" | "getopts" | "set" | "shift")) => {
                self.remember_builtin(name, command);
            }
            Some("alias") => {
                for word in &command.words[1..] {
                    if let Some((_, body)) = word.text.to_lossy().split_once('=') {
                        self.nested_text(body);
                    }
                }
            }
            Some(_) => {}
        }
    }

    /// Takes `NAME=value`, `NAME+=value` or `NAME=(values)`; false if there is none.
    fn assignment(&mut self, command: &mut ShellCommand, set: &mut Vec<(String, Value)>) -> bool {
        let rest = self.rest();
        let name_length = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        if name_length == 0 || rest.as_bytes()[0].is_ascii_digit() {
            return false;
        }
        let name = &rest[..name_length];
        let mut after = &rest[name_length..];
        let mut indexed = false;
        if after.starts_with('[')
            && let Some(close) = after.bytes().take(MAX_INDEX).position(|b| b == b']')
            && after[close + 1..].starts_with(['=', '+'])
            && !after[..close].contains(['\n', ';', ' '])
        {
            after = &after[close + 1..];
            indexed = true;
        }
        let mut appends = false;
        if let Some(stripped) = after.strip_prefix("+=") {
            after = stripped;
            appends = true;
        } else if let Some(stripped) = after.strip_prefix('=') {
            after = stripped;
        } else {
            return false;
        }
        self.position = self.text.len() - after.len();
        let (mut word, value) = if self.peek() == Some(b'(') {
            self.array()
        } else {
            let word = self.value_word();
            let value = Value::of(&word);
            (word, value)
        };
        word.literal &= !appends && !indexed;
        match (indexed, appends) {
            (true, _) => self.assign(name, Value::Unknown),
            (false, true) => self.append(name, value),
            (false, false) => set.push((name.to_owned(), value)),
        }
        command.assignments.push((name.to_owned(), word));
        true
    }

    /// `NAME=(values)` behind `declare` and its like; false (nothing taken) for all else.
    fn declared_array(&mut self, command: &mut ShellCommand) -> bool {
        let declares = |word: &Word| {
            matches!(word.text.as_bytes(), b"declare" | b"local" | b"typeset" | b"readonly" | b"export")
        };
        if !command.words.first().is_some_and(declares) {
            return false;
        }
        let (start, rest) = (self.position, self.rest());
        let length = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        if length == 0 || !rest[length..].starts_with("=(") {
            return false;
        }
        self.position += length + 1;
        let (_, value) = self.array();
        self.assign(&rest[..length], value);
        let source = self.text.get(start..self.position).unwrap_or_default();
        command.words.push(Word { text: source.into(), literal: false });
        true
    }

    /// `(values)`: its source, and what is in it.
    fn array(&mut self) -> (Word, Value) {
        let start = self.position;
        self.position += 1;
        let mut elements = Vec::new();
        let mut keyed = false;
        loop {
            self.blanks_and_lines();
            match self.peek() {
                None => {
                    self.trouble(Trouble::Unreadable);
                    break;
                }
                Some(b')') => {
                    self.position += 1;
                    break;
                }
                Some(b';' | b'&' | b'|' | b'(' | b'<' | b'>') => self.position += 1,
                Some(byte) => {
                    keyed |= byte == b'[';
                    let words = self.word().into_words();
                    if elements.len() <= MAX_ELEMENTS {
                        elements.extend(words);
                    }
                }
            }
        }
        let source = self.text.get(start..self.position).unwrap_or_default();
        // An element behind a key (`[x]=y`) is no word by itself.
        let value = if keyed { Value::Unknown } else { Value::several(elements) };
        (Word { text: source.into(), literal: false }, value)
    }

    fn value_word(&mut self) -> Word {
        match self.peek() {
            None | Some(b' ' | b'\t' | b'\r' | b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>') => {
                Word { text: "".into(), literal: true }
            }
            Some(_) => self.word().into_one(),
        }
    }
}
