//! The net below the descriptions: what the words of a command say by themselves.
//!
//! Descriptions will never be complete. A subcommand nobody described whose verb means delete, an option whose value
//! is a file of the system, a script called `drop_tables.py`: these speak for themselves, whatever the program is.

use std::borrow::Cow;

use super::{Candidate, Look, paths};
use crate::tools::{Category, PathRole, Reach, Tool, Undo};

/// Words of a command in which its verb is looked for.
const MAX_VERBS: usize = 5;
/// A word longer than this is no verb.
const MAX_VERB: usize = 48;
/// Below this, what a path adds to a written file says nothing.
const SENSITIVE: i16 = 40;

/// How much of a command's words its description has understood.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Covered {
    /// Words of the longest subcommand that fitted.
    pub words: usize,
    /// All that fitted only reads.
    pub harmless: bool,
}

/// Whether a command only asks its program for help. Not where the word may be another command's.
pub(super) fn asks_for_help(look: &Look<'_>) -> bool {
    let Some(tool) = look.tool else { return false };
    if tool.is_unknown() || look.seen.wraps || tool.code.is_some() || tool.http {
        return false;
    }
    if tool.sql.as_ref().is_some_and(|sql| !sql.options_only) {
        return false;
    }
    let by_option = look.arguments.has_exactly_one("--help")
        || tool.single_dash && look.arguments.has_exactly_one("-help");
    let by_word = tool.help_word && look.arguments.free().last().is_some_and(|word| word.text == "help");
    (by_option || by_word) && tool.has_verbs
}

pub(super) fn candidates<'t>(look: &Look<'t>, covered: &Covered) -> Vec<Candidate<'t>> {
    let mut found = Vec::new();
    let Some(tool) = look.tool else { return found };
    written_files(look, &mut found);
    if look.arguments.flag_names().any(|name| look.known.verbs.tries.contains(name)) {
        return found;
    }
    verbs(look, tool, covered, &mut found);
    names(look, tool, &mut found);
    found
}

/// Files that options name as the place of the output, where they are more than a result of the work at hand.
fn written_files<'t>(look: &Look<'t>, found: &mut Vec<Candidate<'t>>) {
    let known = &look.known.verbs.writing_options;
    let words = look.seen.words.get(1..).unwrap_or_default();
    for (at, word) in words.iter().take(256).enumerate() {
        let bytes = word.text.as_bytes();
        if bytes.len() < 2 || !(bytes[0] == b'-' || bytes.starts_with(b"of=")) {
            continue;
        }
        let text = word.text.to_lossy();
        let named = match text.split_once('=') {
            Some(("of", value)) => Some((value.to_owned(), word.literal)),
            Some((name, value)) if known.contains(name) => Some((value.to_owned(), word.literal)),
            None if known.contains(text.as_ref()) => {
                words.get(at + 1).map(|value| (value.text.to_lossy().into_owned(), value.literal))
            }
            _ => None,
        };
        let Some((target, literal)) = named else { continue };
        if !target.contains(['/', '~', '.']) || target.contains("://") || target.contains('@') {
            continue;
        }
        let mut candidate =
            Look::stand_alone(&look.known.modifiers.writes_named_file, Category::FileMutation);
        paths::judge(look, PathRole::Write, std::iter::once((target.as_str(), literal)), &mut candidate);
        let weight: i16 = candidate.with.iter().map(|(_, points)| *points).sum();
        if weight >= SENSITIVE || candidate.points >= SENSITIVE {
            candidate.undo = Undo::Hard;
            found.push(candidate);
        }
    }
}

/// The first verb among the words that no description has understood.
fn verbs<'t>(look: &Look<'t>, tool: &'t Tool, covered: &Covered, found: &mut Vec<Candidate<'t>>) {
    if !(tool.has_verbs || tool.is_unknown()) || covered.words > 1 || covered.words == 1 && !covered.harmless
    {
        return;
    }
    let known = &look.known.verbs;
    let infrastructure =
        tool.otherwise.categories.iter().any(|category| known.infrastructure.contains(category));
    if covered.words > 0 && !infrastructure {
        return;
    }
    let modifiers = &look.known.modifiers;
    let mut secret = false;
    let mut shows = false;
    for word in look.arguments.free().iter().skip(covered.words).take(MAX_VERBS) {
        let text = word.text.as_ref();
        if !is_verb(text) {
            break;
        }
        let any = |words: &std::collections::HashSet<String>| {
            if covered.words > 0 {
                words.contains(text)
            } else {
                parts(text).any(|part| words.contains(&part))
            }
        };
        let destroys = any(&known.destroy) || infrastructure && covered.words == 0 && any(&known.remove);
        if destroys {
            let mut candidate = Look::stand_alone(&modifiers.name_destroys, Category::Unknown);
            candidate.undo = Undo::Never;
            candidate.categories = categories(tool);
            found.push(candidate);
            return;
        }
        if infrastructure && covered.words == 0 && any(&known.stop) {
            let mut candidate = Look::stand_alone(&modifiers.name_stops, Category::Unknown);
            candidate.undo = Undo::Hard;
            candidate.categories = categories(tool);
            found.push(candidate);
            return;
        }
        secret |= any(&known.secret);
        shows |= any(&known.show);
        if secret && shows && infrastructure && covered.words == 0 {
            found.push(Look::stand_alone(&modifiers.name_shows_secrets, Category::SecretsAndCredentials));
            return;
        }
        if any(&known.look) {
            return;
        }
    }
}

/// The kind of work of a program, whose verb is not one that only reads.
fn categories(tool: &Tool) -> Cow<'_, [Category]> {
    if tool.otherwise.categories.iter().all(|category| category.reads_only()) {
        return Cow::Borrowed(&[Category::Unknown]);
    }
    Cow::Borrowed(&tool.otherwise.categories)
}

/// What programs and scripts are called, and options of programs nobody described.
fn names<'t>(look: &Look<'t>, tool: &Tool, found: &mut Vec<Candidate<'t>>) {
    let known = &look.known.verbs;
    // What a shell is given as a script is a command of its own, and is looked at as one.
    let script = tool.code.as_ref().filter(|code| code.reads_stdin && !look.arguments.has(&code.options));
    let script = script.and_then(|_| look.arguments.free().first()).map(|word| word.text.as_ref());
    let script = script.filter(|name| !name.contains([' ', '=', '(']));
    let named = if tool.is_unknown() { Some(look.seen.program.name.as_str()) } else { script };
    let destroys = named.is_some_and(|name| names_destruction(look, name));
    let infrastructure =
        tool.otherwise.categories.iter().any(|category| known.infrastructure.contains(category));
    let by_option = (tool.is_unknown() || infrastructure && tool.has_verbs)
        && look.arguments.flag_names().any(|name| known.destroying_options.contains(name));
    // `dbshell < drop_tables.sql`, `db execute --file drop.sql`
    let reaches = tool.reach.contains(&Reach::Database);
    let targets = look.seen.redirections.iter().filter(|r| !r.writes).filter_map(|r| r.target.as_ref());
    let mut files = look.seen.words.iter().skip(1).take(32).chain(targets).map(|word| word.text.to_lossy());
    let by_file = reaches && files.any(|file| file.ends_with(".sql") && names_destruction(look, &file));
    if destroys || by_option || by_file {
        let mut candidate = Look::stand_alone(&look.known.modifiers.name_destroys, Category::Unknown);
        candidate.undo = Undo::Hard;
        found.push(candidate);
    }
}

/// Whether a file is called after taking something away.
pub(super) fn names_destruction(look: &Look<'_>, path: &str) -> bool {
    let known = &look.known.verbs;
    let file = path.rsplit('/').next().unwrap_or(path);
    let stem = file.split('.').next().unwrap_or(file);
    stem.len() <= MAX_VERB
        && parts(stem).any(|part| known.destroy.contains(&part) || part == "rollback" || part == "reset")
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
fn parts(text: &str) -> impl Iterator<Item = String> + '_ {
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
    ends.into_iter().filter_map(|(from, to)| text.get(from..to)).map(str::to_ascii_lowercase)
}
