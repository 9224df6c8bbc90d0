//! What variables, arrays and parameters hold, as far as the text itself says.

use std::rc::Rc;

use super::{MAX_VARIABLES, Reader, ShellCommand, ShellInput};
use crate::assessment::Word;

/// Elements of an array that are kept; a longer one is unknown.
pub(super) const MAX_ELEMENTS: usize = 64;

/// What is known of a variable.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// Nobody knows it before it runs.
    Unknown,
    /// The best guess: a default, a pattern.
    Guess(String),
    Known(String),
    /// An array, or the parameters.
    Several(Rc<[Word]>),
}

impl Value {
    /// What a word that is put into a variable makes of it. A text that asks for another value is no guess.
    pub(super) fn of(word: &Word) -> Self {
        let text = word.text.to_lossy();
        match word.literal {
            true => Self::Known(text.into_owned()),
            false if text.is_empty() || text.contains(['$', '`']) => Self::Unknown,
            false => Self::Guess(text.into_owned()),
        }
    }

    pub(super) fn several(words: Vec<Word>) -> Self {
        if words.len() > MAX_ELEMENTS { Self::Unknown } else { Self::Several(words.into()) }
    }

    /// As where one text is asked for: the first element of an array.
    fn single(&self) -> Self {
        match self {
            Self::Several(words) => words.first().map_or(Self::Unknown, Self::of),
            Self::Unknown | Self::Guess(_) | Self::Known(_) => self.clone(),
        }
    }

    /// What `+=` makes of it.
    fn appended(&self, more: Self) -> Self {
        match (self, more) {
            (Self::Known(text), Self::Known(more)) => Self::Known(format!("{text}{more}")),
            (Self::Several(words), Self::Several(more)) => {
                Self::several(words.iter().chain(more.iter()).cloned().collect())
            }
            _ => Self::Unknown,
        }
    }
}

impl Reader<'_> {
    /// Keeps a variable's value, or that nobody knows it. One of two values that may hold is no value.
    pub(super) fn assign(&mut self, name: &str, value: Value) {
        if self.uncertain > 0 || self.conditional {
            let before = self.variables.get(name).cloned().unwrap_or_else(|| self.value_of(name));
            let is_new = before == Value::Unknown && !self.variables.contains_key(name);
            if !is_new && before != value {
                self.changes += usize::from(before != Value::Unknown);
                self.assign_now(name, Value::Unknown);
                return;
            }
            if is_new {
                self.firsts.push((self.uncertainty(), name.to_owned()));
            }
        }
        self.assign_now(name, value);
    }

    /// How deep in what may not run the reader is.
    fn uncertainty(&self) -> usize {
        self.uncertain + usize::from(self.conditional)
    }

    /// Behind what may not have run, the first value of a variable is a guess: it may have none.
    pub(super) fn leave_firsts(&mut self) {
        let depth = self.uncertainty();
        while let Some((_, name)) = self.firsts.pop_if(|(first, _)| *first > depth) {
            let guess = match self.variables.get(&name) {
                Some(Value::Known(text)) => Value::Guess(text.clone()),
                Some(Value::Several(_)) => Value::Unknown,
                Some(Value::Guess(_) | Value::Unknown) | None => continue,
            };
            self.assign_now(&name, guess);
        }
    }

    /// Keeps a value that holds from here on whatever was before.
    pub(super) fn assign_now(&mut self, name: &str, value: Value) {
        let variables = Rc::make_mut(&mut self.variables);
        if variables.len() < MAX_VARIABLES || variables.contains_key(name) {
            variables.insert(name.to_owned(), value);
        }
    }

    /// `NAME+=value`
    pub(super) fn append(&mut self, name: &str, value: Value) {
        let before = self.variables.get(name).cloned().unwrap_or_else(|| self.value_of(name));
        let value = before.appended(value);
        let long = matches!(&value, Value::Known(text) if text.len() > super::MAX_EXPANDED);
        self.assign(name, if long { Value::Unknown } else { value });
    }

    /// The value of a variable or a parameter, where one text is asked for.
    pub(super) fn value_of(&self, name: &str) -> Value {
        if self.expanded > super::MAX_EXPANDED {
            return Value::Unknown;
        }
        if let Some(value) = self.variables.get(name) {
            return value.single();
        }
        if let Some(number) = name.parse::<usize>().ok().filter(|number| *number > 0)
            && let Some(Value::Several(words)) = self.variables.get("@")
        {
            return words.get(number - 1).map_or_else(|| Value::Known(String::new()), Value::of);
        }
        if self.variables.len() >= MAX_VARIABLES {
            return Value::Unknown;
        }
        (self.environment)(name).map_or(Value::Unknown, Value::Known)
    }

    /// All elements of an array, or all parameters (`@`).
    pub(super) fn elements_of(&self, name: &str) -> Option<Rc<[Word]>> {
        match self.variables.get(name) {
            Some(Value::Several(words)) if self.expanded <= super::MAX_EXPANDED => Some(Rc::clone(words)),
            _ => None,
        }
    }

    /// `set -- a b`, `shift`, and `read` from a text that is known.
    pub(super) fn remember_builtin(&mut self, name: &str, command: &ShellCommand) {
        let arguments = command.words.get(1..).unwrap_or_default();
        match name {
            "set" => {
                if let Some(at) = arguments.iter().position(|word| word.text.as_bytes() == b"--") {
                    self.assign("@", Value::several(arguments[at + 1..].to_vec()));
                }
            }
            "shift" => {
                let by = arguments.first().map_or(Some(1), |word| word.text.to_lossy().parse().ok());
                let left = self.elements_of("@").zip(by);
                let value = left.map_or(Value::Unknown, |(words, by)| {
                    Value::several(words.iter().skip(by).cloned().collect())
                });
                self.assign("@", value);
            }
            _ => self.remember_read(arguments, &command.input),
        }
    }

    /// `read`, `mapfile` and their like: each name gets its part of a known text, or is unknown.
    fn remember_read(&mut self, arguments: &[Word], input: &ShellInput) {
        let text = match input {
            ShellInput::Text(text) => text.lines().next(),
            ShellInput::Inherited | ShellInput::Pipe(_) | ShellInput::File | ShellInput::Pending(_) => None,
        };
        let into_array = arguments.iter().any(|word| matches!(word.text.as_bytes(), b"-a" | b"-ra"));
        let names = arguments.iter().filter(|word| !word.text.as_bytes().starts_with(b"-"));
        let names: Vec<_> = names.map(|word| word.text.to_lossy()).collect();
        let mut left = text.unwrap_or_default().split_whitespace();
        for (number, name) in names.iter().enumerate() {
            let known = |text: &str| Word { text: text.into(), literal: true };
            let value = if text.is_none() {
                Value::Unknown
            } else if into_array {
                Value::several(left.by_ref().take(MAX_ELEMENTS + 1).map(known).collect())
            } else if number + 1 == names.len() {
                Value::Known(left.by_ref().collect::<Vec<_>>().join(" "))
            } else {
                Value::Known(left.next().unwrap_or_default().to_owned())
            };
            self.assign(name, value);
        }
    }
}
