//! The grammar above words: lists, pipelines, compound commands, simple commands.

use super::word::Fields;
use super::{MAX_NESTING, Reader, ShellCommand, ShellInput};
use crate::assessment::{Redirection, Word};
use std::ops::Range;

/// Bytes of an array index that are looked through for its end.
const MAX_INDEX: usize = 256;

/// What is open at some point of the text.
struct Block {
    kind: Opened,
    /// The pipeline element that the block is, so that a `|` behind it means all of it.
    element_start: usize,
    upstream: Option<Range<usize>>,
    /// It is the body of a function.
    function: bool,
    /// A loop whose condition always holds.
    endless: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Opened {
    Parenthesis,
    Brace,
    If,
    Loop,
    Case,
}

impl Reader<'_> {
    /// Reads commands to the end of the text, or to the closing `end` of the substitution that this is.
    pub(super) fn list(&mut self, end: Option<u8>) {
        let mut blocks: Vec<Block> = Vec::new();
        let mut element_start = self.commands.len();
        let mut upstream: Option<Range<usize>> = None;
        loop {
            self.blanks();
            let Some(byte) = self.peek() else { break };
            match byte {
                b'#' => self.comment(),
                b'\n' | b';' | b'&' | b'|' => {
                    self.multiplies |= self.goes_to_background() && blocks.iter().any(|block| block.endless);
                    let piped = self.separator(&blocks);
                    let base = blocks.last().and_then(|block| block.upstream.clone());
                    upstream = if piped { Some(element_start..self.commands.len()) } else { base };
                    element_start = self.commands.len();
                    if self.at_case_pattern(&blocks) {
                        self.case_pattern();
                    }
                }
                b')' => {
                    if blocks.last().is_some_and(|block| block.kind == Opened::Parenthesis) {
                        self.position += 1;
                        self.close(&mut blocks, &mut element_start, &mut upstream);
                        self.after_compound(upstream.clone());
                    } else if end == Some(b')') {
                        break;
                    } else {
                        self.unreadable(1);
                    }
                }
                b'(' if self.peek_at(1) == Some(b'(') && self.arithmetic(2) => {}
                b'(' => {
                    self.position += 1;
                    let function = self.begin_body();
                    blocks.push(Block {
                        kind: Opened::Parenthesis,
                        element_start,
                        upstream: upstream.clone(),
                        function,
                        endless: false,
                    });
                    element_start = self.commands.len();
                    if blocks.len() > MAX_NESTING * 4 {
                        self.give_up();
                    }
                }
                _ => {
                    if !self.keyword(&mut blocks, &mut element_start, &mut upstream) {
                        self.simple(upstream.clone());
                    }
                }
            }
        }
        if !blocks.is_empty() {
            self.trouble(super::Trouble::Unreadable);
        }
    }

    /// Whether a function was announced whose body begins here.
    fn begin_body(&mut self) -> bool {
        let announced = self.announced.take();
        let begins = announced.is_some();
        self.functions.extend(announced);
        begins
    }

    /// Whether a lone `&` stands here.
    fn goes_to_background(&self) -> bool {
        self.peek() == Some(b'&') && !matches!(self.peek_at(1), Some(b'&' | b'>'))
    }

    fn close(
        &mut self,
        blocks: &mut Vec<Block>,
        element_start: &mut usize,
        upstream: &mut Option<Range<usize>>,
    ) {
        if let Some(block) = blocks.pop() {
            if block.function {
                self.functions.pop();
            }
            *element_start = block.element_start;
            *upstream = block.upstream;
        }
    }

    fn unreadable(&mut self, skip: usize) {
        self.trouble(super::Trouble::Unreadable);
        self.position += skip;
    }

    pub(super) fn blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r') => self.position += 1,
                Some(b'\\') if self.peek_at(1) == Some(b'\n') => self.position += 2,
                _ => break,
            }
        }
    }

    fn comment(&mut self) {
        self.position += self.rest().find('\n').unwrap_or(self.rest().len());
    }

    /// Takes a separator; whether it is a pipe.
    fn separator(&mut self, blocks: &[Block]) -> bool {
        let rest = self.rest().as_bytes();
        let (length, piped) = match rest {
            [b'\n', ..] => {
                self.position += 1;
                self.read_heredocs();
                return false;
            }
            [b'|', b'|', ..] | [b'&', b'&', ..] => (2, false),
            [b'|', b'&', ..] => (2, true),
            [b'|', ..] => (1, true),
            [b'&', b'>', ..] => {
                self.simple(None);
                return false;
            }
            [b';', b';', b'&', ..] => (3, false),
            [b';', b';' | b'&', ..] => (2, false),
            _ => (1, false),
        };
        if length > 1 && rest.first() == Some(&b';') && !blocks.iter().any(|block| block.kind == Opened::Case)
        {
            self.trouble(super::Trouble::Unreadable);
        }
        self.position += length;
        piped
    }

    /// Whether a `;;` was just taken inside a `case`.
    fn at_case_pattern(&self, blocks: &[Block]) -> bool {
        blocks.last().is_some_and(|block| block.kind == Opened::Case)
            && self.text.get(..self.position).is_some_and(|before| {
                before.ends_with(";;") || before.ends_with(";&") || before.ends_with(";;&")
            })
    }

    /// Takes `(pattern|pattern)` of a `case`, unless its `esac` comes.
    fn case_pattern(&mut self) {
        self.blanks_and_lines();
        if self.bare_word() == "esac" {
            return;
        }
        if self.peek() == Some(b'(') {
            self.position += 1;
        }
        loop {
            self.blanks();
            match self.peek() {
                None | Some(b'\n' | b';' | b'&') => {
                    self.trouble(super::Trouble::Unreadable);
                    return;
                }
                Some(b')') => {
                    self.position += 1;
                    return;
                }
                Some(b'|' | b'(' | b'<' | b'>') => self.position += 1,
                Some(_) => {
                    self.word();
                }
            }
        }
    }

    fn blanks_and_lines(&mut self) {
        loop {
            self.blanks();
            match self.peek() {
                Some(b'\n') => {
                    self.position += 1;
                    self.read_heredocs();
                }
                Some(b'#') => self.comment(),
                _ => return,
            }
        }
    }

    /// The next word if it is plain text, without taking it.
    fn bare_word(&self) -> &str {
        let rest = self.rest();
        let end = rest.bytes().position(|b| b" \t\r\n;&|()<>'\"\\`$".contains(&b)).unwrap_or(rest.len());
        if rest.as_bytes().get(end).is_some_and(|b| b"'\"\\`$".contains(b)) { "" } else { &rest[..end] }
    }

    /// Takes a reserved word at the place of a command; false if there is none.
    fn keyword(
        &mut self,
        blocks: &mut Vec<Block>,
        element_start: &mut usize,
        upstream: &mut Option<Range<usize>>,
    ) -> bool {
        let word = self.bare_word();
        let length = word.len();
        let mut open = |reader: &mut Self, kind, element_start: &mut usize| {
            let function = reader.begin_body();
            let endless = kind == Opened::Loop && reader.always_holds(length);
            blocks.push(Block {
                kind,
                element_start: *element_start,
                upstream: upstream.clone(),
                function,
                endless,
            });
            *element_start = reader.commands.len();
            if blocks.len() > MAX_NESTING * 4 {
                reader.give_up();
            }
        };
        match word {
            "if" => open(self, Opened::If, element_start),
            "while" | "until" => open(self, Opened::Loop, element_start),
            "{" => open(self, Opened::Brace, element_start),
            "for" | "select" => {
                open(self, Opened::Loop, element_start);
                self.position += length;
                self.for_head();
                return true;
            }
            "case" => {
                open(self, Opened::Case, element_start);
                self.position += length;
                self.case_head();
                return true;
            }
            "then" | "else" | "elif" | "do" => {
                *element_start = self.commands.len();
                *upstream = blocks.last().and_then(|block| block.upstream.clone());
            }
            "!" | "time" | "coproc" => {}
            "fi" | "done" | "esac" | "}" => {
                let kind = match word {
                    "fi" => Opened::If,
                    "done" => Opened::Loop,
                    "esac" => Opened::Case,
                    _ => Opened::Brace,
                };
                if blocks.last().is_none_or(|block| block.kind != kind) {
                    self.trouble(super::Trouble::Unreadable);
                }
                self.position += length;
                self.close(blocks, element_start, upstream);
                self.after_compound(upstream.clone());
                return true;
            }
            "function" => {
                self.position += length;
                self.blanks();
                self.announced = Some(self.bare_word().to_owned());
                self.word();
                self.blanks();
                if self.rest().starts_with("()") {
                    self.position += 2;
                }
                return true;
            }
            "[[" => {
                self.position += length;
                self.test_expression();
                return true;
            }
            _ => return false,
        }
        self.position += length;
        true
    }

    fn for_head(&mut self) {
        self.blanks();
        if self.rest().starts_with("((") && self.arithmetic(2) {
            return;
        }
        let name = self.bare_word().to_owned();
        self.word();
        self.blanks_and_lines();
        let mut values = Vec::new();
        if self.bare_word() == "in" {
            self.position += 2;
            loop {
                self.blanks();
                match self.peek() {
                    None | Some(b';' | b'\n' | b'&' | b'|' | b')' | b'(' | b'<' | b'>') => break,
                    Some(_) => values.extend(self.word().into_words()),
                }
            }
        }
        let value = match values.as_slice() {
            [only] if only.literal => Some(only.text.to_lossy().into_owned()),
            _ => None,
        };
        self.assign(&name, value);
    }

    fn case_head(&mut self) {
        self.blanks();
        self.word();
        self.blanks_and_lines();
        if self.bare_word() == "in" {
            self.position += 2;
            self.case_pattern();
        } else {
            self.trouble(super::Trouble::Unreadable);
        }
    }

    /// `[[ ... ]]`: only the substitutions in it run anything.
    fn test_expression(&mut self) {
        loop {
            self.blanks_and_lines();
            match self.peek() {
                None => {
                    self.trouble(super::Trouble::Unreadable);
                    return;
                }
                Some(b'&' | b'|' | b'(' | b')' | b'<' | b'>' | b';') => self.position += 1,
                Some(_) => {
                    let closes = self.bare_word() == "]]";
                    self.word();
                    if closes {
                        return;
                    }
                }
            }
        }
    }

    /// Redirections behind a compound command become a command of their own without words.
    fn after_compound(&mut self, upstream: Option<Range<usize>>) {
        self.blanks();
        if self.redirection_follows() {
            self.simple(upstream);
        }
    }

    fn simple(&mut self, upstream: Option<Range<usize>>) {
        let outer = std::mem::take(&mut self.substituted);
        let start = self.position;
        let mut command = ShellCommand {
            input: upstream.map_or(ShellInput::Inherited, ShellInput::Pipe),
            ..ShellCommand::default()
        };
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
                Some(_) if command.words.is_empty() && self.assignment(&mut command) => {}
                Some(b'<') if self.peek_at(1) == Some(b'(') => self.process_word(&mut command),
                Some(_) => command.words.extend(self.word().into_words()),
            }
        }
        command.substituted = std::mem::replace(&mut self.substituted, outer);
        if self.position == start {
            // Nothing was taken: never stay in place.
            self.unreadable(1);
        }
        self.remember(&command);
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

    /// Whether the condition behind a `while` or `until` of `length` bytes can never end the loop.
    fn always_holds(&self, length: usize) -> bool {
        let condition = self.rest().get(length..).unwrap_or_default().trim_start_matches([' ', '\t']);
        let until = self.rest().starts_with("until");
        let forms: &[&str] = if until {
            &["false", "! true"]
        } else {
            &["true", ":", "[ 1", "((1", "(( 1", "[[ 1", "! false"]
        };
        forms.iter().any(|form| {
            condition
                .strip_prefix(form)
                .is_some_and(|rest| rest.trim_start_matches([' ', ']', ')']).starts_with([';', '\n']))
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
    fn remember(&mut self, command: &ShellCommand) {
        let name = command.words.first().map(|word| word.text.to_lossy().into_owned());
        match name.as_deref() {
            None => {
                for (name, value) in &command.assignments {
                    self.set(name, value);
                }
            }
            Some("export" | "declare" | "typeset" | "local" | "readonly") => {
                for word in &command.words[1..] {
                    let text = word.text.to_lossy();
                    if let Some((name, value)) = text.split_once('=') {
                        let value = Word { text: value.into(), literal: word.literal };
                        self.set(name, &value);
                    }
                }
            }
            Some("read" | "unset" | "mapfile" | "readarray" | "getopts") => {
                for word in &command.words[1..] {
                    self.assign(&word.text.to_lossy(), None);
                }
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

    fn set(&mut self, name: &str, value: &Word) {
        let value = value.literal.then(|| value.text.to_lossy().into_owned());
        self.assign(name, value);
    }

    /// Takes `NAME=value`, `NAME+=value` or `NAME=(values)`; false if there is none.
    fn assignment(&mut self, command: &mut ShellCommand) -> bool {
        let rest = self.rest();
        let name_length = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        if name_length == 0 || rest.as_bytes()[0].is_ascii_digit() {
            return false;
        }
        let name = &rest[..name_length];
        let mut after = &rest[name_length..];
        let mut appends = false;
        if after.starts_with('[')
            && let Some(close) = after.bytes().take(MAX_INDEX).position(|b| b == b']')
            && after[close + 1..].starts_with(['=', '+'])
            && !after[..close].contains(['\n', ';', ' '])
        {
            after = &after[close + 1..];
            appends = true;
        }
        if let Some(stripped) = after.strip_prefix("+=") {
            after = stripped;
            appends = true;
        } else if let Some(stripped) = after.strip_prefix('=') {
            after = stripped;
        } else {
            return false;
        }
        let name = name.to_owned();
        self.position = self.text.len() - after.len();
        let mut value = if self.peek() == Some(b'(') { self.array() } else { self.value_word() };
        value.literal &= !appends;
        command.assignments.push((name, value));
        true
    }

    fn array(&mut self) -> Word {
        let start = self.position;
        self.position += 1;
        loop {
            self.blanks_and_lines();
            match self.peek() {
                None => {
                    self.trouble(super::Trouble::Unreadable);
                    break;
                }
                Some(b')') => {
                    self.position += 1;
                    break;
                }
                Some(b';' | b'&' | b'|' | b'(' | b'<' | b'>') => self.position += 1,
                Some(_) => {
                    self.word();
                }
            }
        }
        let source = self.text.get(start..self.position).unwrap_or_default();
        Word { text: source.into(), literal: false }
    }

    fn value_word(&mut self) -> Word {
        match self.peek() {
            None | Some(b' ' | b'\t' | b'\r' | b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>') => {
                Word { text: "".into(), literal: true }
            }
            Some(_) => self.word().into_one(),
        }
    }

    fn redirection_follows(&self) -> bool {
        let rest = self.rest();
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        match rest.as_bytes().get(digits..) {
            Some([b'<' | b'>', b'(', ..]) => false,
            Some([b'<' | b'>', ..]) => true,
            Some([b'&', b'>', ..]) => digits == 0,
            _ => false,
        }
    }

    fn redirection(&mut self, command: &mut ShellCommand) {
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        let descriptor = self.rest().get(..digits).unwrap_or_default();
        let reads_input = descriptor.is_empty() || descriptor == "0";
        self.position += digits;
        let operators = ["<<<", "<<-", "<<", "<>", "<&", ">>", ">|", ">&", "&>>", "&>", "<", ">"];
        let Some(operator) = operators.into_iter().find(|op| self.rest().starts_with(op)) else {
            self.unreadable(1);
            return;
        };
        self.position += operator.len();
        self.blanks();
        if matches!(operator, "<<" | "<<-") {
            let number = self.open_heredoc(operator == "<<-");
            command.redirections.push(Redirection { writes: false, target: None });
            if reads_input {
                command.input = ShellInput::Pending(number);
            }
            return;
        }
        if matches!(self.peek(), None | Some(b'\n' | b';' | b'|' | b')' | b'&')) {
            self.trouble(super::Trouble::Unreadable);
            return;
        }
        let process = operator == "<" && self.rest().starts_with("<(");
        if process {
            self.position += 2;
            let range = self.substitution();
            command.input = match self.output_of_range(range.clone()) {
                Some(text) => ShellInput::Text(text),
                None => ShellInput::Pipe(range),
            };
            command.redirections.push(Redirection { writes: false, target: None });
            return;
        }
        let fields: Fields = self.word();
        let target = fields.into_one();
        let text = target.text.to_lossy().into_owned();
        let copies = matches!(operator, ">&" | "<&")
            && (text == "-" || text.trim_end_matches('-').bytes().all(|b| b.is_ascii_digit()));
        if copies {
            command.redirections.push(Redirection { writes: operator == ">&", target: None });
        } else if operator == "<<<" {
            command.redirections.push(Redirection { writes: false, target: None });
            command.input = ShellInput::Text(text);
        } else {
            let writes = operator != "<" && operator != "<&";
            if !writes && reads_input {
                command.input = ShellInput::File;
            }
            command.redirections.push(Redirection { writes, target: Some(target) });
        }
    }
}
