//! What runs more than once with other values: the turns of a loop over words that are known, and the calls of a function.
//!
//! Each turn and each call is read anew with its own values. The bytes that are read again are bounded; where the bound
//! is reached, one turn with a value that nobody knows stands for all that are left.

use std::collections::VecDeque;
use std::rc::Rc;

use super::compound::Block;
use super::variables::Value;
use super::{MAX_NESTING, Reader, ShellCommand};
use crate::assessment::Word;

/// Bytes of loops and functions that are read again for their values.
const MAX_REPEATED: usize = 16 * 1024;
/// Bytes that are read once more, for all values that are left.
const MAX_LAST_TURNS: usize = 64 * 1024;
/// What a turn or a call costs at least.
const LEAST: usize = 64;

/// What was read again so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Repeated {
    turns: usize,
    last_turns: usize,
}

impl Repeated {
    pub(super) const fn is_over(self) -> bool {
        self.turns >= MAX_REPEATED
    }
}

/// The turns of a loop that are still to be read.
pub(super) struct Turns {
    pub(super) name: String,
    pub(super) left: VecDeque<Word>,
    /// Where the body begins, once it has, and how many commands there were.
    pub(super) body: Option<(usize, usize)>,
    /// How many variables had changed where it began.
    pub(super) changes: usize,
}

impl Turns {
    /// Those of a loop without a variable of its own.
    pub(super) fn unnamed() -> Self {
        Self { name: String::new(), left: VecDeque::new(), body: None, changes: 0 }
    }
}

impl Reader<'_> {
    /// Goes back to the beginning of a loop's body if there is another value for it; false if the loop is over. What
    /// closes the loop is `length` bytes ahead.
    pub(super) fn next_turn(&mut self, block: Option<&mut Block>) -> bool {
        let Some(turns) = block.and_then(|block| block.turns.as_mut()) else { return false };
        let Some((start, first)) = turns.body else { return false };
        let body = self.text.get(start..self.position).unwrap_or_default();
        let pending = self.heredocs_read < self.heredocs.len();
        let named = !turns.name.is_empty() && body.contains(turns.name.as_str());
        // What a turn has changed holds in the next one.
        let changed = self.changes > turns.changes;
        if pending || !(named && !turns.left.is_empty() || changed) {
            if !turns.name.is_empty() {
                // It may have ended before its last value.
                self.assign_now(&turns.name, Value::Unknown);
            }
            return false;
        }
        turns.changes = self.changes;
        let cost = body.len().max(LEAST);
        let commands = self.commands.len() - first;
        if self.repeated.turns + cost <= MAX_REPEATED && self.has_room_for(commands) {
            self.repeated.turns += cost;
            let value = turns.left.pop_front().map_or(Value::Unknown, |word| Value::of(&word));
            self.assign_now(&turns.name, value);
        } else {
            // Else a loop inside would go on for its own values, at each of its last turns.
            self.repeated.turns = MAX_REPEATED;
            self.repeated.last_turns += cost;
            if self.repeated.last_turns > MAX_LAST_TURNS {
                self.give_up();
                return false;
            }
            turns.left.clear();
            self.assign_now(&turns.name, Value::Unknown);
        }
        turns.body = Some((start, self.commands.len()));
        self.position = start;
        // Behind this place it says nothing of what lies before.
        self.no_close_before = 0;
        self.unclosed_arithmetic = false;
        true
    }

    /// Whether so many commands more leave enough for the rest of the text.
    fn has_room_for(&self, commands: usize) -> bool {
        (self.commands.len() + commands) * 2 <= self.max_commands
    }

    /// Keeps the body of a function that was just read.
    pub(super) fn define(&mut self, name: String, start: usize) {
        let body = self.text.get(start..self.position).unwrap_or_default();
        Rc::make_mut(&mut self.defined).insert(name, body);
    }

    /// Reads the body of the function that a command calls anew, with the arguments that it is given.
    pub(super) fn call(&mut self, command: &ShellCommand) {
        if self.defined.is_empty() {
            return;
        }
        let Some((name, arguments)) = command.words.split_first() else { return };
        let name = name.text.to_lossy();
        let Some(body) = self.defined.get(name.as_ref()).copied() else { return };
        let runs_already = self.functions.iter().any(|function| *function == name);
        if runs_already || !takes_parameters(body) && !body.contains('=') {
            return;
        }
        if self.depth >= MAX_NESTING || !self.has_room_for(1) {
            self.forget_all();
            return;
        }
        if self.repeated.is_over() {
            self.forget_all();
            return;
        }
        self.repeated.turns += body.len().max(LEAST);
        let mut inner = self.inner(body);
        inner.functions.clone_from(&self.functions);
        inner.functions.push(name.into_owned());
        inner.assign_now("@", Value::several(arguments.to_vec()));
        inner.list(None);
        for (name, value) in inner.variables.iter().filter(|(name, _)| *name != "@") {
            // It may be the function's own, or hold from here on.
            if self.variables.get(name).is_none_or(|before| before != value) {
                let is_new = !self.variables.contains_key(name);
                self.assign_now(name, if is_new { value.clone() } else { Value::Unknown });
            }
        }
        self.absorb(inner);
    }

    /// A function may have changed any of them.
    fn forget_all(&mut self) {
        for value in Rc::make_mut(&mut self.variables).values_mut() {
            *value = Value::Unknown;
        }
    }
}

/// Whether a text mentions parameters: `$1`, `${1`, `$@`, `"$*"`.
fn takes_parameters(text: &str) -> bool {
    let is_parameter = |rest: &str| {
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        rest.starts_with(|c: char| matches!(c, '1'..='9' | '@' | '*'))
    };
    text.split('$').skip(1).any(is_parameter)
}
