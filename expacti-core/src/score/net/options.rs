//! What the names and values of options say.

use super::super::{Candidate, Look, paths};
use super::words::{is_prose, parts};
use super::{categories, destroys, is_infrastructure};
use crate::tools::{Category, PathRole, Tool, Undo};

/// Below this, what a path adds to a written file says nothing.
const SENSITIVE: i16 = 40;
/// Words of a command among which options are looked for.
const MAX_WORDS: usize = 256;
/// Bytes of a text that are looked at.
const MAX_TEXT: usize = 16 * 1024;

/// Files that options name as the place of the output, where they are more than a result of the work at hand.
pub(super) fn written_files<'t>(look: &Look<'t>, found: &mut Vec<Candidate<'t>>) {
    let known = &look.known.verbs.writing_options;
    let words = look.seen.words.get(1..).unwrap_or_default();
    for (at, word) in words.iter().take(MAX_WORDS).enumerate() {
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

/// Programs from temporary folders that options, settings and variables put in the place of others: `-toolexec /tmp/x`,
/// `CC=/tmp/x`, `--config build.rustc-wrapper="/tmp/x"`.
pub(super) fn helpers<'t>(look: &Look<'t>, found: &mut Vec<Candidate<'t>>) {
    let words = look.seen.words.get(1..).unwrap_or_default();
    let words = &words[..words.len().min(MAX_WORDS)];
    let stands = |name: &str, value: &str| {
        // One that is handed on: `-plugin-opt=-fresolution=/tmp/x` says what is resolved there, and not which plugin.
        let name = name.rfind("=-").map_or(name, |at| &name[at + 1..]);
        if name.contains("-replace") || name.contains("patch.") {
            // Sources that are put in the place of others: `-replace x=/tmp/y`, `patch.crates-io.x.path=/tmp/y`.
            return lies_in_temporary(
                look,
                value.rsplit('=').next().unwrap_or(value).trim_matches(['"', '\'']),
            );
        }
        let value = value.rsplit_once(':').map_or(value, |(_, path)| path).trim_start_matches(['"', '\'']);
        lies_in_temporary(look, value) && parts(name).any(|part| look.known.verbs.helpers.contains(&part))
    };
    let by_word = words.iter().enumerate().any(|(at, word)| {
        let text = word.text.to_lossy();
        match text.rsplit_once('=').or_else(|| text.split_once(':')) {
            Some((name, value)) => stands(name.trim_start_matches("-D"), value),
            None if text.starts_with('-') => {
                words.get(at + 1).is_some_and(|value| stands(&text, &value.text.to_lossy()))
            }
            None => false,
        }
    });
    let by_variable = || {
        let mut set = look.seen.assignments.iter().take(MAX_WORDS);
        set.any(|(name, value)| stands(name, value.text.to_lossy().rsplit('=').next().unwrap_or_default()))
    };
    if by_word || by_variable() {
        found.push(Look::stand_alone(&look.known.modifiers.temporary_helper, Category::CodeExecution));
    }
}

fn lies_in_temporary(look: &Look<'_>, path: &str) -> bool {
    let below = |root: &String| path.strip_prefix(root.as_str()).is_some_and(|rest| rest.starts_with('/'));
    path.starts_with(['/', '$']) && look.known.places.temporary.iter().any(below)
}

/// A command line that destroys, inside of an argument that no description understood: `puppet apply -e 'exec { "rm -rf /x": }'`.
pub(super) fn command_marks<'t>(look: &Look<'t>, tool: &'t Tool, found: &mut Vec<Candidate<'t>>) {
    let words = look.seen.words.iter().enumerate().skip(1).take(MAX_WORDS);
    let mut texts = words.filter(|(index, word)| {
        let bytes = word.text.as_bytes();
        bytes.contains(&b' ') && bytes.len() <= MAX_TEXT && !is_prose(look, *index)
    });
    let marked = |text: &str| look.known.verbs.command_marks.iter().any(|mark| text.contains(mark.as_str()));
    if !look.seen.wraps && texts.any(|(_, word)| marked(&word.text.to_lossy())) {
        let mut candidate = Look::stand_alone(&look.known.modifiers.command_in_argument, Category::Unknown);
        candidate.undo = Undo::Hard;
        candidate.categories = categories(tool);
        found.push(candidate);
    }
}

/// An option that switches off a protection: `--no-deletion-protection`, `--backup-retention-period 0`.
pub(super) fn weakening<'t>(look: &Look<'t>, tool: &'t Tool, found: &mut Vec<Candidate<'t>>) {
    let known = &look.known.verbs;
    let words = look.seen.words.get(1..).unwrap_or_default();
    let words = &words[..words.len().min(MAX_WORDS)];
    let weakens = words.iter().enumerate().any(|(at, word)| {
        let text = word.text.to_lossy();
        let Some(option) = text.strip_prefix("--") else { return false };
        let (name, value) =
            option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value)));
        let protects = || parts(name).any(|part| known.protections.contains(&part));
        let denied = ["no-", "disable-", "skip-", "without-", "bypass-", "override-", "suspend-"]
            .iter()
            .any(|no| name.starts_with(no));
        let off = match value {
            Some(value) => known.off.contains(value),
            None => words.get(at + 1).is_some_and(|next| known.off.contains(next.text.to_lossy().as_ref())),
        };
        (denied && value != Some("false") || off) && protects() && !is_described(tool, &format!("--{name}"))
    });
    if weakens {
        let mut candidate = Look::stand_alone(&look.known.modifiers.weakens_protection, Category::Unknown);
        candidate.undo = Undo::Hard;
        candidate.categories = categories(tool);
        found.push(candidate);
    }
}

/// An option that shows what is kept secret: `--reveal`.
pub(super) fn showing<'t>(look: &Look<'t>, tool: &'t Tool, found: &mut Vec<Candidate<'t>>) {
    let shows = |name: &str| {
        let known = &look.known.verbs.showing_options;
        known.contains(name) && !is_described(tool, name)
    };
    if look.arguments.kept_names().any(shows) {
        found.push(Look::stand_alone(
            &look.known.modifiers.name_shows_secrets,
            Category::SecretsAndCredentials,
        ));
    }
}

/// An option whose name says that it destroys (`--purge-all`), or one that names what to do (`--action=delete`).
pub(super) fn destroying<'t>(look: &Look<'t>, tool: &'t Tool, found: &mut Vec<Candidate<'t>>) {
    let known = &look.known.verbs;
    let meant = tool.is_unknown() || is_infrastructure(look, tool) && tool.has_verbs;
    let by_name = |name: &str| {
        meant && known.destroying_options.contains(name) || says(look, name) && !is_described(tool, name)
    };
    let by_value = |(name, value): (&str, &str)| does(look, name, value);
    let assigned = || {
        let words = look.seen.words.iter().skip(1).take(MAX_WORDS).map(|word| word.text.to_lossy());
        words
            .filter_map(|word| word.split_once('=').map(|(name, value)| does(look, name, value)))
            .any(|does| does)
    };
    if look.arguments.flag_names().any(by_name)
        || meant && (look.arguments.all_values().any(by_value) || assigned())
    {
        found.push(destroys(look, tool, Undo::Hard));
    }
}

/// Whether a word behind a script is an option or a verb that destroys.
pub(super) fn tells_to_destroy(look: &Look<'_>, word: &str) -> bool {
    let known = &look.known.verbs;
    if word.starts_with("--") {
        let name = word.split('=').next().unwrap_or(word);
        return known.destroying_options.contains(name) || says(look, name);
    }
    known.destroy.contains(word)
        || word
            .split_once(['-', '_', ':'])
            .is_some_and(|(verb, _)| known.destroying_beginnings.contains(verb))
            && !word.contains(['.', '/', ' '])
}

/// Whether a long option begins with a verb that destroys.
fn says(look: &Look<'_>, name: &str) -> bool {
    let Some(words) = name.strip_prefix("--") else { return false };
    let end = words.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(words.len());
    let known = &look.known.verbs;
    known.destroying_beginnings.contains(&words[..end]) && !known.harmless_options.contains(name)
}

/// Whether a description says something of the option, so that it says enough.
fn is_described(tool: &Tool, name: &str) -> bool {
    let lists = tool.effects.iter().flat_map(|effect| [&effect.flags, &effect.also, &effect.without]);
    lists.chain([&tool.values]).flatten().any(|known| known == name)
}

/// Whether `name=value` names an action that destroys.
fn does(look: &Look<'_>, name: &str, value: &str) -> bool {
    let known = &look.known.verbs;
    // `release x erase=true`
    if known.destroying_beginnings.contains(name) && matches!(value, "true" | "yes" | "1" | "all") {
        return true;
    }
    known.action_options.contains(name.trim_start_matches('-'))
        && known.destroy.contains(value.to_ascii_lowercase().as_str())
}
