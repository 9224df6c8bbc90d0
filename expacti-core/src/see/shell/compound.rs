//! Compound commands: loops, branches, `case`, `[[ ]]` and the words that open and close them.

use std::collections::VecDeque;
use std::ops::Range;

use super::loops::{Around, is_many};
use super::repeat::Turns;
use super::variables::Value;
use super::{MAX_NESTING, Reader, Trouble};

/// What is open at some point of the text.
pub(super) struct Block {
    pub(super) kind: Opened,
    /// The pipeline element that the block is, so that a `|` behind it means all of it.
    pub(super) element_start: usize,
    pub(super) upstream: Option<Range<usize>>,
    /// It is the body of a function, which begins here.
    pub(super) function: Option<usize>,
    /// A loop over words that are known.
    pub(super) turns: Option<Turns>,
    /// What is assigned in it may not hold.
    pub(super) uncertain: bool,
    /// What stands around the block itself.
    pub(super) outer: Around,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Opened {
    Parenthesis,
    Brace,
    If,
    Loop,
    Case,
}

impl Reader<'_> {
    /// Takes a reserved word at the place of a command; false if there is none.
    pub(super) fn keyword(
        &mut self,
        blocks: &mut Vec<Block>,
        element_start: &mut usize,
        upstream: &mut Option<Range<usize>>,
    ) -> bool {
        let word = self.bare_word();
        let length = word.len();
        match word {
            "if" => self.open(Opened::If, blocks, element_start, upstream.as_ref()),
            "while" | "until" => self.open(Opened::Loop, blocks, element_start, upstream.as_ref()),
            "{" => self.open(Opened::Brace, blocks, element_start, upstream.as_ref()),
            "for" | "select" => {
                self.for_loop(blocks, element_start, upstream.as_ref());
                return true;
            }
            "case" => {
                self.open(Opened::Case, blocks, element_start, upstream.as_ref());
                self.position += length;
                self.case_head();
                return true;
            }
            "then" | "else" | "elif" | "do" => {
                *element_start = self.commands.len();
                *upstream = blocks.last().and_then(|block| block.upstream.clone());
                if word == "do"
                    && let Some(turns) = blocks.last_mut().and_then(|block| block.turns.as_mut())
                {
                    turns.body = Some((self.position + length, self.commands.len()));
                    turns.changes = self.changes;
                }
            }
            "done" if self.next_turn(blocks.last_mut()) => {
                *element_start = self.commands.len();
                *upstream = blocks.last().and_then(|block| block.upstream.clone());
                return true;
            }
            "!" | "coproc" => {}
            // The keyword's only option is no program.
            "time" => {
                self.position += length;
                self.blanks();
                if self.rest().starts_with("-p ") {
                    self.position += 2;
                }
                return true;
            }
            "fi" | "done" | "esac" | "}" => {
                let kind = match word {
                    "fi" => Opened::If,
                    "done" => Opened::Loop,
                    "esac" => Opened::Case,
                    _ => Opened::Brace,
                };
                if blocks.last().is_none_or(|block| block.kind != kind) {
                    self.trouble(Trouble::Unreadable);
                }
                self.position += length;
                let inside = self.around;
                self.close(blocks, element_start, upstream);
                let collected = if self.around == inside { Around::Nothing } else { inside };
                self.after_compound(upstream.clone(), collected);
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

    /// Opens a block, whose word is still to be taken.
    fn open(
        &mut self,
        kind: Opened,
        blocks: &mut Vec<Block>,
        element_start: &mut usize,
        upstream: Option<&Range<usize>>,
    ) {
        let function = self.begin_body().then_some(self.position);
        let outer = self.around;
        if kind == Opened::Loop {
            let endless = self.always_holds(self.bare_word().len());
            let own = if endless { Around::Endless(self.commands.len()) } else { Around::Loop };
            self.around = outer.and(own);
        }
        let uncertain = kind != Opened::Brace || function.is_some() || self.conditional;
        self.uncertain += usize::from(uncertain);
        blocks.push(Block {
            uncertain,
            kind,
            element_start: *element_start,
            upstream: upstream.cloned(),
            function,
            turns: (kind == Opened::Loop).then(Turns::unnamed),
            outer,
        });
        *element_start = self.commands.len();
        if blocks.len() > MAX_NESTING * 4 {
            self.give_up();
        }
    }

    /// Takes `for` or `select`, and all up to its body.
    fn for_loop(
        &mut self,
        blocks: &mut Vec<Block>,
        element_start: &mut usize,
        upstream: Option<&Range<usize>>,
    ) {
        let outer = self.around;
        self.open(Opened::Loop, blocks, element_start, upstream);
        // What stands in the head runs once.
        self.around = outer;
        self.position += self.bare_word().len();
        let mut own = self.told_by_head();
        let turns = self.for_head(&mut own);
        if let Around::Endless(first) = &mut own {
            *first = self.commands.len();
        }
        self.around = outer.and(own);
        if let Some(block) = blocks.last_mut() {
            block.turns = turns;
        }
    }

    /// Takes what stands between `for` and its body; the turns that follow the first.
    fn for_head(&mut self, own: &mut Around) -> Option<Turns> {
        self.blanks();
        if self.rest().starts_with("((") && self.arithmetic(2) {
            return Some(Turns::unnamed());
        }
        let name = self.bare_word().to_owned();
        self.word();
        self.blanks_and_lines();
        let mut values = VecDeque::new();
        if self.bare_word() == "in" {
            self.position += 2;
            loop {
                self.blanks();
                match self.peek() {
                    None | Some(b';' | b'\n' | b'&' | b'|' | b')' | b'(' | b'<' | b'>') => break,
                    Some(_) => {
                        let words = self.word().into_words();
                        if words.iter().any(|word| is_many(&word.text.to_lossy())) {
                            *own = Around::Many;
                        }
                        values.extend(words);
                    }
                }
            }
        } else {
            values.extend(self.elements_of("@").iter().flat_map(|words| words.iter().cloned()));
        }
        let first = values.pop_front();
        if !values.is_empty() && self.repeated.is_over() {
            self.assign_now(&name, Value::Unknown);
            return None;
        }
        self.assign_now(&name, first.as_ref().map_or(Value::Unknown, Value::of));
        Some(Turns { name, left: values, body: None, changes: 0 })
    }

    fn case_head(&mut self) {
        self.blanks();
        self.word();
        self.blanks_and_lines();
        if self.bare_word() == "in" {
            self.position += 2;
            self.case_pattern();
        } else {
            self.trouble(Trouble::Unreadable);
        }
    }

    /// Takes `(pattern|pattern)` of a `case`, unless its `esac` comes.
    pub(super) fn case_pattern(&mut self) {
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
                    self.trouble(Trouble::Unreadable);
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

    /// Whether a `;;` was just taken inside a `case`.
    pub(super) fn at_case_pattern(&self, blocks: &[Block]) -> bool {
        blocks.last().is_some_and(|block| block.kind == Opened::Case)
            && self.text.get(..self.position).is_some_and(|before| {
                before.ends_with(";;") || before.ends_with(";&") || before.ends_with(";;&")
            })
    }

    /// `[[ ... ]]`: only the substitutions in it run anything.
    fn test_expression(&mut self) {
        loop {
            self.blanks_and_lines();
            match self.peek() {
                None => {
                    self.trouble(Trouble::Unreadable);
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

    /// Redirections behind a compound command become a command of their own without words, which takes what that
    /// `collected`, if it is a loop.
    pub(super) fn after_compound(&mut self, upstream: Option<Range<usize>>, collected: Around) {
        self.blanks();
        if self.redirection_follows() {
            let before = self.commands.len();
            self.simple(upstream);
            if let Some(command) = self.commands.get_mut(before..).and_then(<[_]>::last_mut) {
                command.collected = collected;
            }
        }
    }
}
