//! Reading an argument vector the way its program does: bundled short options, `--name=value`, `--`, shortened names.

use std::borrow::Cow;

use super::description::{Effect, Runs, Tool};
use super::glob::glob;
use crate::assessment::Word;

/// Letters of one word that may be options of their own, although the first of them takes a value elsewhere.
const MAX_BUNDLE: usize = 4;

/// The arguments of one command, told apart.
#[derive(Debug)]
pub(crate) struct Arguments<'a> {
    flags: Vec<Flag<'a>>,
    free: Vec<Free<'a>>,
    abbreviates: bool,
    single_dash: bool,
    has_verbs: bool,
}

/// One option.
#[derive(Debug)]
struct Flag<'a> {
    name: Cow<'a, str>,
    value: Option<Cow<'a, str>>,
    value_literal: bool,
    /// A switch that is not thrown: `--force=false`.
    is_off: bool,
}

/// Values by which a switch is off.
const TAKEN_BACK: [&str; 6] = ["false", "f", "0", "no", "off", "none"];

/// Options that promise that nothing is changed.
const PROMISES: [&str; 12] = [
    "dry-run", "dryrun", "noop", "no-op", "what-if", "whatif", "simulate", "pretend", "preview", "check",
    "help", "version",
];

impl Flag<'_> {
    /// Whether it takes a promise of this name back: `--dry-run=false`, `--no-dry-run`. What one is worth that is computed
    /// when it runs nobody knows.
    fn takes_back(&self, promise: &str) -> bool {
        let name = bare(&self.name);
        if name.strip_prefix("no-").is_some_and(|name| name == promise) {
            return true;
        }
        let Some(value) = self.value.as_deref().filter(|_| name == promise) else { return false };
        !self.value_literal || TAKEN_BACK.iter().any(|word| value.eq_ignore_ascii_case(word))
    }
}

fn bare(option: &str) -> &str {
    option.trim_start_matches('-')
}

/// One argument that is neither an option nor its value.
#[derive(Clone, Debug)]
pub(crate) struct Free<'a> {
    /// Its text.
    pub text: Cow<'a, str>,
    /// It is known now.
    pub literal: bool,
    /// Its place among the words.
    pub index: usize,
    /// It follows an option nobody described, so it may be that option's value.
    doubtful: bool,
}

impl<'a> Arguments<'a> {
    /// Reads the words after the first. With `limit`, options end at the free argument of that number, as they do for
    /// wrappers whose rest is another command's.
    pub(crate) fn read(tool: Option<&Tool>, words: &'a [Word], limit: Option<usize>) -> Self {
        let mut read = Self {
            flags: Vec::new(),
            free: Vec::new(),
            abbreviates: tool.is_some_and(|tool| tool.abbreviates),
            single_dash: tool.is_some_and(|tool| tool.single_dash),
            has_verbs: tool.is_some_and(|tool| tool.has_verbs),
        };
        let takes_value = |name: &str, subcommand: Option<&str>| {
            tool.is_some_and(|tool| {
                tool.values.iter().any(|value| value == name) && !is_plain(tool, name, subcommand)
            })
        };
        let limit = limit.or_else(|| tool.is_some_and(|tool| tool.options_first).then_some(1));
        let mut options_over = false;
        let mut doubtful = false;
        let mut index = 1;
        while let Some(word) = words.get(index) {
            let text = word.text.to_lossy();
            let is_option = !options_over && text.len() > 1 && text.starts_with('-');
            if is_option && text == "--" {
                options_over = true;
                doubtful = false;
                read.flags.push(Flag { name: text, value: None, value_literal: true, is_off: false });
            } else if is_option {
                let subcommand = read.free.last().map(|free| free.text.clone());
                let takes_value = |name: &str| takes_value(name, subcommand.as_deref());
                let whole = tool.filter(|tool| !tool.single_dash).and_then(|tool| named_whole(tool, &text));
                let with_value = whole.is_some_and(&takes_value);
                let pending = read.option(text, with_value, word.literal, &takes_value);
                if let Some(name) = whole.filter(|_| !with_value) {
                    let name = Cow::Owned(name.to_owned());
                    read.flags.push(Flag { name, value: None, value_literal: true, is_off: false });
                }
                doubtful = matches!(pending, Pending::Unknown);
                if matches!(pending, Pending::Value)
                    && let Some(value) = words.get(index + 1)
                    && let Some(flag) = read.flags.last_mut()
                {
                    flag.value = Some(value.text.to_lossy());
                    flag.value_literal = value.literal;
                    // `-r --delete-all`: which option takes a value is not known for every subcommand, so what looks like an
                    // option is read as one too.
                    index += usize::from(!is_long_option(value));
                }
            } else {
                read.free.push(Free { text, literal: word.literal, index, doubtful });
                doubtful = false;
                options_over |= limit.is_some_and(|limit| read.free.len() >= limit);
            }
            index += 1;
        }
        read
    }

    fn option(
        &mut self,
        text: Cow<'a, str>,
        is_whole: bool,
        value_literal: bool,
        takes_value: &dyn Fn(&str) -> bool,
    ) -> Pending {
        let long = is_whole || text.starts_with("--") || (self.single_dash && text.chars().count() > 2);
        if long {
            let (name, value) = split_value(text);
            let pending = match value {
                Some(_) => Pending::None,
                None if takes_value(&name) => Pending::Value,
                None => Pending::Unknown,
            };
            let is_off = value_literal && value.as_deref() == Some("false") && !takes_value(&name);
            self.flags.push(Flag { name, value, value_literal, is_off });
            return pending;
        }
        let mut pending = Pending::Unknown;
        for (at, letter) in text.char_indices().skip(1) {
            let name = format!("-{letter}");
            let rest = &text[at + letter.len_utf8()..];
            if takes_value(&name) {
                let value = (!rest.is_empty()).then(|| Cow::Owned(rest.trim_start_matches('=').to_owned()));
                pending = if value.is_some() { Pending::None } else { Pending::Value };
                self.flags.push(Flag { name: Cow::Owned(name), value, value_literal, is_off: false });
                // `clean -xdf`: what takes a value under one subcommand is one letter of many under another.
                if self.has_verbs && rest.len() <= MAX_BUNDLE && rest.bytes().all(|b| b.is_ascii_alphabetic())
                {
                    let letters = rest.chars().map(|letter| format!("-{letter}"));
                    self.flags.extend(letters.map(|name| Flag {
                        name: Cow::Owned(name),
                        value: None,
                        value_literal: true,
                        is_off: false,
                    }));
                }
                return pending;
            }
            self.flags.push(Flag { name: Cow::Owned(name), value: None, value_literal, is_off: false });
            if letter == '=' {
                pending = Pending::None;
                break;
            }
        }
        pending
    }

    /// Whether any of these options is given.
    pub(crate) fn has(&self, names: &[String]) -> bool {
        self.given(names, |name, given| self.same(name, given))
    }

    /// Whether any of these options is given, is not switched off, and is no promise that is taken back.
    fn given(&self, names: &[String], same: impl Fn(&str, &str) -> bool) -> bool {
        let mut given = self.flags.iter().filter(|flag| !flag.is_off);
        !names.iter().any(|name| self.takes_it_back(name))
            && given.any(|flag| names.iter().any(|name| same(name, &flag.name)))
    }

    /// Whether the option of this name is a promise that another option takes back, wherever it stands.
    fn takes_it_back(&self, name: &str) -> bool {
        let promise = bare(name);
        PROMISES.contains(&promise) && self.flags.iter().any(|flag| flag.takes_back(promise))
    }

    /// The names of all options but of promises that are taken back.
    pub(crate) fn kept_names(&self) -> impl Iterator<Item = &str> {
        self.flag_names().filter(|name| !self.takes_it_back(name))
    }

    /// Whether any of these options is given under its full name. `--force` is short for `--force-yes` only to those who
    /// know that the program has no `--force`.
    pub(crate) fn has_in_full(&self, names: &[String]) -> bool {
        self.given(names, |name, given| name == given)
    }

    /// Whether this option is given under its full name.
    pub(crate) fn has_exactly_one(&self, name: &str) -> bool {
        self.flags.iter().any(|flag| flag.name == name) && !self.takes_it_back(name)
    }

    /// The names of all options, as they are written.
    pub(crate) fn flag_names(&self) -> impl Iterator<Item = &str> {
        self.flags.iter().map(|flag| flag.name.as_ref())
    }

    /// The values given to any of these options: text and whether it is known now.
    pub(crate) fn values<'s>(&'s self, names: &'s [String]) -> impl Iterator<Item = (&'s str, bool)> + 's {
        self.flags
            .iter()
            .filter(|flag| names.iter().any(|name| self.same(name, &flag.name)))
            .filter_map(|flag| Some((flag.value.as_deref()?, flag.value_literal)))
    }

    /// Every value of every option.
    pub(crate) fn all_values(&self) -> impl Iterator<Item = (&str, &str)> {
        self.flags.iter().filter_map(|flag| Some((flag.name.as_ref(), flag.value.as_deref()?)))
    }

    /// The arguments that are neither options nor their values.
    pub(crate) fn free(&self) -> &[Free<'a>] {
        &self.free
    }

    fn same(&self, described: &str, given: &str) -> bool {
        if described == given {
            return true;
        }
        if self.single_dash {
            return bare(described) == bare(given);
        }
        // GNU getopt and git take any unique beginning of a long option. Uniqueness is not checked: in doubt it is the
        // described one, which is described because it matters.
        self.abbreviates
            && given.len() >= 4
            && given.starts_with("--")
            && described.len() > given.len()
            && described.starts_with(given)
    }

    /// Where the arguments after the subcommand begin, if one of `paths` is the subcommand. The longest fits best.
    pub(crate) fn after_subcommand(&self, paths: &[Vec<String>]) -> Option<usize> {
        if paths.is_empty() {
            return Some(0);
        }
        let best_from = |start: usize| {
            paths.iter().filter(|path| self.subcommand_at(start, path)).map(|path| start + path.len()).max()
        };
        best_from(0).or_else(|| self.free.first().filter(|free| free.doubtful).and_then(|_| best_from(1)))
    }

    /// Whether one of `paths` is the subcommand and has `verb` in it as it is.
    pub(crate) fn subcommand_says(&self, paths: &[Vec<String>], verb: &str) -> bool {
        paths.iter().any(|path| path.iter().any(|word| word == verb) && self.subcommand_at(0, path))
    }

    /// The last word of the longest of `paths` that is the subcommand, where it is no pattern.
    pub(crate) fn verb_of<'p>(&self, paths: &'p [Vec<String>]) -> Option<&'p str> {
        let fitting = paths.iter().filter(|path| self.subcommand_at(0, path));
        let longest = fitting.max_by_key(|path| path.len())?;
        longest.last().map(String::as_str).filter(|word| !word.contains('*'))
    }

    fn subcommand_at(&self, start: usize, path: &[String]) -> bool {
        path.iter().enumerate().all(|(offset, pattern)| {
            self.free.get(start + offset).is_some_and(|free| glob(pattern, &free.text))
        })
    }

    /// Whether `effect`'s conditions hold; then the number of the first argument after the subcommand.
    pub(crate) fn fits(&self, effect: &Effect) -> Option<usize> {
        let rest = self.after_subcommand(&effect.sub_words)?;
        let free = self.free.get(rest..).unwrap_or_default();
        let any_fits = |patterns: &[String]| {
            patterns.iter().any(|pattern| free.iter().any(|word| glob(pattern, &word.text)))
        };
        let holds = (effect.flags.is_empty() || self.has(&effect.flags))
            && (effect.also.is_empty() || self.has(&effect.also))
            && (effect.without.is_empty() || !self.has_exactly(&effect.without))
            && (effect.args.is_empty() || any_fits(&effect.args))
            && (effect.also_args.is_empty() || any_fits(&effect.also_args))
            && (effect.without_args.is_empty() || !any_fits(&effect.without_args))
            && free.len() >= effect.min_args
            && effect.max_args.is_none_or(|max| free.len() <= max)
            && (effect.value_of.is_empty()
                || self
                    .values(&effect.value_of)
                    .any(|(value, _)| effect.value_is.iter().any(|pattern| glob(pattern, value))));
        holds.then_some(rest)
    }

    /// As `has`, but without shortened names: what makes a command harmless must be said in full.
    fn has_exactly(&self, names: &[String]) -> bool {
        self.given(names, |described, given| {
            described == given || (self.single_dash && bare(described) == bare(given))
        })
    }

    /// Where the inner command of a wrapper begins, if this wrapping applies.
    pub(crate) fn after_wrapper(&self, runs: &Runs) -> Option<usize> {
        self.after_subcommand(&runs.sub_words)
    }
}

/// The described option of several letters behind one dash that a word is: `-recurse`, `-url=x`.
fn named_whole<'t>(tool: &'t Tool, text: &str) -> Option<&'t str> {
    let name = text.split_once('=').map_or(text, |(name, _)| name);
    tool.long_behind_one_dash.iter().find(|known| *known == name).map(String::as_str)
}

fn is_long_option(word: &Word) -> bool {
    let bytes = word.text.as_bytes();
    bytes.len() > 4
        && bytes.starts_with(b"--")
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-=".contains(byte))
}

/// Whether the option takes no value behind this subcommand, although it does elsewhere.
fn is_plain(tool: &Tool, option: &str, subcommand: Option<&str>) -> bool {
    let fits = |plain: &String| {
        plain.split_once(' ').is_some_and(|(under, name)| name == option && Some(under) == subcommand)
    };
    tool.plain.iter().any(fits)
}

enum Pending {
    None,
    Value,
    Unknown,
}

fn split_value(text: Cow<'_, str>) -> (Cow<'_, str>, Option<Cow<'_, str>>) {
    match text {
        Cow::Borrowed(text) => match text.split_once('=') {
            Some((name, value)) => (Cow::Borrowed(name), Some(Cow::Borrowed(value))),
            None => (Cow::Borrowed(text), None),
        },
        Cow::Owned(text) => match text.split_once('=') {
            Some((name, value)) => (Cow::Owned(name.to_owned()), Some(Cow::Owned(value.to_owned()))),
            None => (Cow::Owned(text), None),
        },
    }
}
