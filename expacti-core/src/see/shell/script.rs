//! The grammar above words: lists, pipelines and what separates their commands.

use std::ops::Range;

use super::compound::{Block, Opened};
use super::loops::Around;
use super::{MAX_NESTING, Reader};

impl<'t> Reader<'t> {
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
                    self.multiplies |= self.goes_to_background() && self.is_endless(&blocks);
                    let element = self.commands.get(element_start..).unwrap_or_default();
                    self.multiplies |= !self.functions.is_empty()
                        && self.goes_to_background()
                        && self.start_themselves(element);
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
                        self.after_compound(upstream.clone(), Around::Nothing);
                    } else if end == Some(b')') {
                        break;
                    } else {
                        self.unreadable(1);
                    }
                }
                b'(' if self.peek_at(1) == Some(b'(') && self.arithmetic(2) => {}
                b'(' => {
                    let function = self.begin_body().then_some(self.position);
                    self.position += 1;
                    blocks.push(Block {
                        kind: Opened::Parenthesis,
                        element_start,
                        upstream: upstream.clone(),
                        function,
                        turns: None,
                        uncertain: true,
                        outer: self.around,
                    });
                    self.uncertain += 1;
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
    pub(super) fn begin_body(&mut self) -> bool {
        let announced = self.announced.take();
        let begins = announced.is_some();
        self.functions.extend(announced);
        begins
    }

    /// Whether a loop without end is open.
    fn is_endless(&self, blocks: &[Block]) -> bool {
        !blocks.is_empty() && matches!(self.around, Around::Endless(_))
    }

    /// Whether a lone `&` stands here.
    pub(super) fn goes_to_background(&self) -> bool {
        self.peek() == Some(b'&') && !matches!(self.peek_at(1), Some(b'&' | b'>'))
    }

    pub(super) fn close(
        &mut self,
        blocks: &mut Vec<Block>,
        element_start: &mut usize,
        upstream: &mut Option<Range<usize>>,
    ) {
        if let Some(block) = blocks.pop() {
            self.uncertain -= usize::from(block.uncertain);
            self.around = block.outer;
            self.leave_firsts();
            if let Some(start) = block.function
                && let Some(name) = self.functions.pop()
            {
                self.define(name, start);
            }
            *element_start = block.element_start;
            *upstream = block.upstream;
        }
    }

    pub(super) fn unreadable(&mut self, skip: usize) {
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

    pub(super) fn comment(&mut self) {
        self.position += self.rest().find('\n').unwrap_or(self.rest().len());
    }

    /// Takes a separator; whether it is a pipe.
    fn separator(&mut self, blocks: &[Block]) -> bool {
        let rest = self.rest().as_bytes();
        self.conditional = matches!(rest, [b'|', ..] | [b'&', b'&', ..]);
        self.leave_firsts();
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

    pub(super) fn blanks_and_lines(&mut self) {
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
    pub(super) fn bare_word(&self) -> &'t str {
        let rest = self.rest();
        let end = rest.bytes().position(|b| b" \t\r\n;&|()<>'\"\\`$".contains(&b)).unwrap_or(rest.len());
        if rest.as_bytes().get(end).is_some_and(|b| b"'\"\\`$".contains(b)) { "" } else { &rest[..end] }
    }
}
