//! Verbs among the words of a command.

use std::collections::HashSet;

use super::super::{Candidate, Look};
use super::{Covered, categories, destroys, is_infrastructure};
use crate::tools::{Category, Tool, Undo};

/// Words of a command in which its verb is looked for.
const MAX_VERBS: usize = 8;
/// Of these the first, where a part of a word is enough (`wipe-disk`).
const MAX_PARTS: usize = 5;
/// A word longer than this is no verb.
const MAX_VERB: usize = 48;

/// The first verb among the words that no description has understood.
pub(super) fn verbs<'t>(look: &Look<'t>, tool: &'t Tool, covered: &Covered, found: &mut Vec<Candidate<'t>>) {
    if !(tool.has_verbs || tool.is_unknown()) {
        return;
    }
    if look.seen.wraps && covered.nothing {
        // What it runs is judged by itself.
        return;
    }
    let infrastructure = is_infrastructure(look, tool);
    let understood = covered.words > 1 || covered.words == 1 && !covered.harmless;
    if understood {
        if infrastructure && !covered.harmless {
            overlooked(look, tool, found);
        }
        return;
    }
    if covered.words > 0 && !infrastructure {
        return;
    }
    let known = &look.known.verbs;
    let modifiers = &look.known.modifiers;
    let (mut secret, mut shows) = (false, false);
    // A tool that can destroy is asked for something that nobody described.
    let mut unheard = covered.nothing
        && infrastructure
        && tool.sql.is_none()
        && !look.seen.wraps
        && look.arguments.free().first().is_some_and(|word| is_verb(&word.text));
    // From some word on a verb only counts where it stands by itself.
    let mut exact = covered.words > 0;
    for (number, word) in look.arguments.free().iter().skip(covered.words).take(MAX_VERBS).enumerate() {
        let text = word.text.as_ref();
        if is_prose(look, word.index) {
            continue;
        }
        if !is_verb(text) {
            if !tool.is_unknown() {
                break;
            }
            exact = true;
            continue;
        }
        let exact_only = exact || number >= MAX_PARTS;
        let any = |words: &HashSet<String>| {
            if exact_only { words.contains(text) } else { parts(text).any(|part| words.contains(&part)) }
        };
        if any(&known.destroy)
            || !exact_only && (infrastructure || tool.is_unknown()) && begins_with_one(text)
            || infrastructure && covered.words == 0 && any(&known.remove)
        {
            found.push(destroys(look, tool, Undo::Never));
            return;
        }
        if infrastructure && covered.words == 0 && any(&known.stop) {
            let mut candidate = Look::stand_alone(&modifiers.name_stops, Category::Unknown);
            candidate.undo = Undo::Hard;
            candidate.categories = categories(tool);
            found.push(candidate);
            return;
        }
        if tool.is_unknown()
            && let Some(candidate) = of_unknown(look, text, number)
        {
            found.push(candidate);
            return;
        }
        // `deploys cancel`: the description knows the list, but not what is done with one of it.
        let of_a_list = covered.words == 1 && number == 0 && is_list(look);
        if of_a_list && infrastructure && (known.stop.contains(text) || known.remove.contains(text)) {
            let mut candidate = Look::stand_alone(&modifiers.name_stops, Category::Unknown);
            candidate.undo = Undo::Hard;
            candidate.categories = categories(tool);
            found.push(candidate);
            return;
        }
        secret |= any(&known.secret) && (infrastructure || !known.weak_secret.contains(text));
        shows |= any(&known.show);
        if secret && shows && (infrastructure || tool.is_unknown()) && covered.words == 0 {
            found.push(Look::stand_alone(&modifiers.name_shows_secrets, Category::SecretsAndCredentials));
            return;
        }
        unheard &=
            number > 2 || !(any(&known.look) || known.make.contains(text) || number == 0 && any(&known.make));
        if any(&known.look) {
            // `config delete` is no look at a configuration.
            if !parts(text).any(|part| known.nouns.contains(&part)) {
                return;
            }
            exact = true;
        }
    }
    if unheard {
        let mut candidate = Look::stand_alone(&modifiers.unheard_verb, Category::Unknown);
        candidate.undo = Undo::Hard;
        candidate.categories = categories(tool);
        found.push(candidate);
    }
}

/// What a verb says of a program that nobody described, where it would say nothing of others.
fn of_unknown<'t>(look: &Look<'t>, text: &str, number: usize) -> Option<Candidate<'t>> {
    let known = &look.known.verbs;
    let modifiers = &look.known.modifiers;
    // `force-leave`
    let takes = |verb| known.stop.contains(verb) || known.remove.contains(verb);
    let forces = text.strip_prefix("force-").is_some_and(takes);
    // `users deactivate`
    let bars = number == 1 && known.bars.contains(text) && is_list(look);
    if forces || bars {
        let mut candidate = Look::stand_alone(&modifiers.name_stops, Category::Unknown);
        candidate.undo = Undo::Hard;
        return Some(candidate);
    }
    // `decrypt file.age`
    let reveals = number < 2 && known.reveals.contains(text);
    reveals.then(|| Look::stand_alone(&modifiers.name_shows_secrets, Category::SecretsAndCredentials))
}

/// Verbs that may stand before what they take away in one word: `deletetable`, `destroyall`.
const GLUED: [&str; 8] =
    ["delete", "destroy", "purge", "erase", "truncate", "terminate", "deregister", "obliterate"];

fn begins_with_one(text: &str) -> bool {
    GLUED.iter().filter_map(|verb| text.strip_prefix(verb)).any(|rest| {
        // `deletes`, `deleted`, `destroyer` are no verbs with something behind them.
        rest.len() > 2 && rest.bytes().all(|byte| byte.is_ascii_lowercase())
    })
}

/// A verb by itself behind what a description has understood, which no description names: `database * wipe`.
fn overlooked<'t>(look: &Look<'t>, tool: &'t Tool, found: &mut Vec<Candidate<'t>>) {
    let known = &look.known.verbs;
    let is_named = |verb: &str| {
        tool.effects.iter().any(|effect| look.arguments.subcommand_says(&effect.sub_words, verb))
    };
    let words = look.arguments.free().iter().take(MAX_VERBS).take_while(|word| is_verb(&word.text));
    let mut verbs = words.map(|word| word.text.as_ref()).filter(|text| known.destroy.contains(*text));
    if verbs.next().is_some_and(|verb| !is_named(verb)) {
        found.push(destroys(look, tool, Undo::Never));
    }
}

/// Whether the first word is the name of several things, and no verb of looking.
fn is_list(look: &Look<'_>) -> bool {
    let first = look.arguments.free().first().map(|word| word.text.as_ref()).unwrap_or_default();
    first.ends_with('s') && !look.known.verbs.look.contains(first)
}

/// Whether a word is a message for humans.
pub(super) fn is_prose(look: &Look<'_>, index: usize) -> bool {
    let before = index.checked_sub(1).filter(|at| *at > 0).and_then(|at| look.seen.words.get(at));
    before.is_some_and(|option| {
        option.text.as_bytes().first() == Some(&b'-')
            && look.known.verbs.prose_options.contains(option.text.to_lossy().as_ref())
    })
}

/// Whether a file is called after taking something away. Tests of that take nothing away.
pub(in super::super) fn names_destruction(look: &Look<'_>, path: &str) -> bool {
    let known = &look.known.verbs;
    let file = path.rsplit('/').next().unwrap_or(path);
    let stem = file.split('.').next().unwrap_or(file);
    let says = |part: String| known.destroy.contains(&part) || part == "rollback" || part == "reset";
    let tests = |part: String| matches!(part.as_str(), "test" | "tests" | "spec" | "specs");
    stem.len() <= MAX_VERB && parts(stem).any(says) && !parts(file).any(tests)
}

/// Letters with separators, as subcommands are.
fn is_verb(text: &str) -> bool {
    let shape = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':');
    !text.is_empty()
        && text.len() <= MAX_VERB
        && text.as_bytes()[0].is_ascii_alphabetic()
        && text.bytes().all(shape)
}

/// A word in lower case, and its parts between separators and at capitals.
pub(in super::super) fn parts(text: &str) -> impl Iterator<Item = String> + '_ {
    let mut ends: Vec<(usize, usize)> = vec![(0, text.len())];
    let bytes = text.as_bytes();
    let mut start = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let separator = !byte.is_ascii_alphanumeric();
        let capital = byte.is_ascii_uppercase() && at > 0 && bytes[at - 1].is_ascii_lowercase();
        if separator || capital {
            ends.push((start, at));
            start = if separator { at + 1 } else { at };
        }
    }
    if start > 0 {
        ends.push((start, text.len()));
    }
    let parts = ends.into_iter().filter_map(|(from, to)| text.get(from..to));
    parts.filter(|part| !part.is_empty()).map(str::to_ascii_lowercase)
}
