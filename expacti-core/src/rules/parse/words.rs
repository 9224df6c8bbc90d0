//! Keys about the words of a command.

use regex::bytes::Regex;

use super::element::{element, hole};
use crate::rules::hole::Hole;
use crate::rules::path::PathGlob;
use crate::rules::pattern::{Anywhere, Arguments, CommandPattern, Element, MAX_ELEMENTS, Repeat};
use crate::rules::quote::unquoted;
use crate::rules::read::{Item, Table};
use crate::rules::rule::Covers;

const WAYS: [&str; 4] = ["argv", "command", "glob", "regex"];
const COVERS_KEYS: [&str; 6] = ["env", "expansions", "redirections", "elsewhere", "unseen", "inner"];

/// The one of `argv`, `command`, `glob` and `regex` that is given.
pub(super) fn command(table: &Table<'_>) -> Option<CommandPattern> {
    let mut given = WAYS.iter().filter_map(|key| Some((*key, table.get(key)?)));
    let Some((key, item)) = given.next() else { return Some(CommandPattern::Any) };
    if let Some((second, item)) = given.next() {
        item.problem(format!("the rule has {key} and {second}"), "keep one of them, or make two rules");
        return None;
    }
    match key {
        "argv" => argv(&item),
        "command" => exact(&item),
        "glob" => glob(&item),
        _ => regex(&item).map(CommandPattern::Regex),
    }
}

fn argv(item: &Item<'_>) -> Option<CommandPattern> {
    let Some(items) = item.array() else {
        item.problem(
            "a pattern is a list of words",
            "write each word by itself: [\"git\", \"status\", \"...\"]",
        );
        return None;
    };
    let Some((first, rest)) = items.split_first() else {
        item.problem("the pattern is empty", "begin it with the program");
        return None;
    };
    let Element::Words(program, Repeat::Once) = element(first)? else {
        first.problem("the program has to be one word", "name it, or write {any = true}");
        return None;
    };
    // Every element is read, so that all problems are found at once.
    let elements: Vec<Option<Element>> = rest.iter().map(element).collect();
    let elements: Vec<Element> = elements.into_iter().collect::<Option<_>>()?;
    sequence(item, program, elements)
}

fn sequence(item: &Item<'_>, program: Hole, elements: Vec<Element>) -> Option<CommandPattern> {
    let literal = |element: &Element| match element {
        Element::Words(Hole::Literal(word), Repeat::Once) => Some(word.clone()),
        Element::Words(..) | Element::Rest | Element::Options(_) => None,
    };
    if let Some(words) = elements.iter().map(literal).collect::<Option<Vec<_>>>() {
        return Some(CommandPattern::Argv { program, arguments: Arguments::Exact(words) });
    }
    if elements.len() > MAX_ELEMENTS {
        item.problem(
            format!("{} elements are more than a pattern with holes can have", elements.len()),
            format!("use at most {MAX_ELEMENTS}, or \"...\" for the rest"),
        );
        return None;
    }
    Some(CommandPattern::Argv { program, arguments: Arguments::Sequence(elements) })
}

fn split(item: &Item<'_>) -> Option<(Vec<u8>, Vec<Vec<u8>>)> {
    let mut words = unquoted(item.text()?).unwrap_or_default().into_iter();
    let Some(program) = words.next() else {
        item.problem(
            "this is not one plain command",
            "write words with spaces and quotes; for pipes, variables and redirections use a rule for each command",
        );
        return None;
    };
    Some((program, words.collect()))
}

fn exact(item: &Item<'_>) -> Option<CommandPattern> {
    let (program, words) = split(item)?;
    Some(CommandPattern::Argv { program: Hole::Literal(program), arguments: Arguments::Exact(words) })
}

/// Each word is a glob for one word; `**` alone is any words.
fn glob(item: &Item<'_>) -> Option<CommandPattern> {
    let (program, words) = split(item)?;
    let one = |word: Vec<u8>| {
        let text = String::from_utf8_lossy(&word).into_owned();
        if text.contains(['*', '?', '[', '{', '\\']) {
            text_glob(item, &text).map(Hole::Glob)
        } else {
            Some(Hole::Literal(word))
        }
    };
    let program = one(program)?;
    let elements: Option<Vec<Element>> = words
        .into_iter()
        .map(|word| {
            if word == b"**" {
                Some(Element::Rest)
            } else {
                one(word).map(|h| Element::Words(h, Repeat::Once))
            }
        })
        .collect();
    sequence(item, program, elements?)
}

/// A regular expression that has to take the whole text.
pub(super) fn regex(item: &Item<'_>) -> Option<Regex> {
    let text = item.text()?;
    match regex::bytes::RegexBuilder::new(&format!("\\A(?:{text})\\z"))
        .unicode(false)
        .dot_matches_new_line(true)
        .size_limit(1 << 20)
        .build()
    {
        Ok(regex) => Some(regex),
        Err(error) => {
            let why = error.to_string();
            let last = why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            item.problem(
                format!("this is no regular expression: {last}"),
                "see docs/rules.md for the syntax",
            );
            None
        }
    }
}

/// A glob in which `*` takes everything.
pub(super) fn text_glob(item: &Item<'_>, text: &str) -> Option<globset::GlobMatcher> {
    match globset::GlobBuilder::new(text).backslash_escape(true).build() {
        Ok(glob) => Some(glob.compile_matcher()),
        Err(error) => {
            item.problem(
                format!("this is no glob: {}", error.kind()),
                "put special characters in brackets: [*]",
            );
            None
        }
    }
}

pub(super) fn path_glob(item: &Item<'_>, text: &str) -> Option<PathGlob> {
    match PathGlob::new(text) {
        Ok(glob) => Some(glob),
        Err(error) => {
            item.problem(
                format!("this is no glob: {}", error.kind()),
                "put special characters in brackets: [*]",
            );
            None
        }
    }
}

/// `any_flag`, `any_arg`, `no_flag`, `no_arg`.
pub(super) fn anywhere(table: &Table<'_>) -> Option<Anywhere> {
    let flags = |key| match table.get(key) {
        None => Some(Vec::new()),
        Some(item) => flags(&item),
    };
    let holes = |key| match table.get(key) {
        None => Some(Vec::new()),
        Some(item) => {
            let holes: Vec<Option<Hole>> = item.list().iter().map(hole).collect();
            holes.into_iter().collect()
        }
    };
    let (any_flag, any_arg, no_flag, no_arg) =
        (flags("any_flag"), holes("any_arg"), flags("no_flag"), holes("no_arg"));
    Some(Anywhere { any_flag: any_flag?, any_arg: any_arg?, no_flag: no_flag?, no_arg: no_arg? })
}

/// Options, each with its dash.
pub(super) fn flags(item: &Item<'_>) -> Option<Vec<String>> {
    let texts = item.texts()?;
    if let Some(wrong) = texts.iter().find(|text| !text.starts_with(['-', '+']) || text.len() < 2) {
        item.problem(format!("{wrong:?} is no option"), "write it with its dash: \"-f\", \"--force\"");
        return None;
    }
    Some(texts.into_iter().map(str::to_owned).collect())
}

/// What an allow rule vouches for.
pub(super) fn covers(table: &Table<'_>) -> Option<Covers> {
    table.only(&COVERS_KEYS);
    let flag = |key| table.get(key).map_or(Some(false), |item| item.boolean());
    let env = table
        .get("env")
        .map_or(Some(Vec::new()), |item| Some(item.texts()?.into_iter().map(str::to_owned).collect()));
    let redirections = table.get("redirections").map_or(Some(Vec::new()), |item| {
        item.list().iter().map(|item| path_glob(item, item.text()?)).collect()
    });
    let (expansions, elsewhere, unseen, inner) =
        (flag("expansions"), flag("elsewhere"), flag("unseen"), flag("inner"));
    Some(Covers {
        env: env?,
        expansions: expansions?,
        redirections: redirections?,
        elsewhere: elsewhere?,
        unseen: unseen?,
        inner: inner?,
    })
}
