//! What checks every change, and who has to agree to it: files that an agent's work is judged by.

use std::borrow::Cow;

use super::{Candidate, Look, paths};
use crate::see::{Input, Seen};
use crate::tools::{Category, Effect, PathRole, Patterns, Tool};

/// Words of a command that are looked at.
const MAX_WORDS: usize = 64;
/// Programs that print a text with something in it changed.
const EDITORS: [&str; 8] = ["jq", "gojq", "jaq", "yq", "sed", "gsed", "perl", "awk"];

pub(super) fn candidates<'t>(look: &Look<'t>) -> Option<Candidate<'t>> {
    let places = &look.known.places;
    let (changed, removed) = files(look);
    let all = || changed.iter().chain(&removed);
    let holds_checks = |file: &str| {
        let file = file.trim_start_matches("./").trim_end_matches('/');
        let folders = places.checks.iter().filter_map(|pattern| pattern.strip_suffix("/*"));
        folders.filter(|folder| !folder.contains('*')).any(|folder| paths::is_in(folder, file))
    };
    let weakens = all().any(|file| is_one(&places.owners, file))
        || all().any(|file| is_one(&places.checks, file))
            && writers(look).any(|seen| switches_off(look, seen) || replaces_check(look, seen, true))
        || all().any(|file| is_one(&places.test_settings, file))
            && writers(look).any(|seen| switches_off(look, seen) || replaces_check(look, seen, false))
        || redirected(look).any(|file| is_one(&places.checks, &file)) && prints_nothing_to_do(look)
        || removed.iter().any(|file| {
            holds_checks(file)
                || is_one(&places.guards, file)
                || is_one(&places.checks, file) && paths::has_word(file, &look.known.verbs.guards)
        });
    weakens.then(|| Look::stand_alone(&look.known.modifiers.weakens_protection, Category::PrivilegeAndEscape))
}

fn is_one(patterns: &Patterns, file: &str) -> bool {
    patterns.fit(file.trim_start_matches("./"))
}

/// The files that its output goes to.
fn redirected<'l>(look: &'l Look<'_>) -> impl Iterator<Item = Cow<'l, str>> {
    let writes = look.seen.redirections.iter().filter(|redirection| redirection.writes);
    writes.filter_map(|redirection| redirection.target.as_ref()).map(|target| target.text.to_lossy())
}

/// Whether all that it prints is a step that checks nothing: `echo 'exit 0'`.
fn prints_nothing_to_do(look: &Look<'_>) -> bool {
    let mut words = look.arguments.free().iter().map(|word| word.text.trim()).filter(|text| !text.is_empty());
    let lines = |text: &str| text.lines().filter(|line| !line.starts_with("#!")).all(does_nothing);
    words.next().is_some_and(lines) && words.next().is_none()
}

/// The files that it writes, and those that it takes away.
fn files<'l>(look: &'l Look<'_>) -> (Vec<Cow<'l, str>>, Vec<Cow<'l, str>>) {
    let mut changed: Vec<Cow<'_, str>> = redirected(look).collect();
    // `> .gitleaks.toml` leaves as much of it as `rm` does.
    let mut removed = if look.writes_nothing() { changed.clone() } else { Vec::new() };
    let words = || look.arguments.free().iter().take(MAX_WORDS).map(|word| Cow::Borrowed(word.text.as_ref()));
    let verbs = &look.known.verbs;
    // `git restore .gitleaks.toml` brings back what `git rm` takes away.
    let takes_away = |effect: &Effect| {
        effect.sub.is_empty()
            || look
                .arguments
                .verb_of(&effect.sub_words)
                .is_some_and(|verb| [&verbs.remove, &verbs.destroy].iter().any(|known| known.contains(verb)))
    };
    let effects = look.tool.into_iter().flat_map(|tool| &tool.effects).filter(|effect| !effect.adds);
    // Few effects are of these kinds, and to tell costs less than whether one fits.
    for effect in effects {
        let fits = || look.fits(effect).is_some();
        match effect.paths {
            Some(PathRole::WriteLast) if fits() => changed.extend(words().next_back()),
            Some(PathRole::Write) if fits() => changed.extend(words()),
            Some(PathRole::Delete) if fits() => removed.extend(words()),
            None if effect.categories.contains(&Category::FileMutation) && takes_away(effect) && fits() => {
                removed.extend(words());
            }
            _ => {}
        }
    }
    // `tee` and `sponge` do nothing else, with what others give them.
    let keeps = |tool: &&Tool| tool.effects.is_empty() && tool.otherwise.paths == Some(PathRole::Write);
    if !look.seen.upstream.is_empty() && look.tool.as_ref().is_some_and(keeps) {
        changed.extend(words());
    }
    removed.extend(moved_away(look));
    (changed, removed)
}

/// What `mv` and `git mv` take from where it is looked for; `mv .husky/pre-push .husky/pre-commit` leaves it there.
fn moved_away<'l>(look: &'l Look<'_>) -> impl Iterator<Item = Cow<'l, str>> {
    let moved = match (look.seen.program.name.as_str(), look.arguments.free()) {
        ("mv" | "gmv", moved) => moved,
        ("git", [verb, moved @ ..]) if verb.text == "mv" => moved,
        _ => &[],
    };
    let places = &look.known.places;
    let leaves = |target: &str| !is_one(&places.checks, target) && !is_one(&places.guards, target);
    let sources = moved.split_last().filter(|(target, _)| leaves(&target.text)).map(|(_, sources)| sources);
    sources.unwrap_or_default().iter().take(MAX_WORDS).map(|word| Cow::Borrowed(word.text.as_ref()))
}

/// The command itself, and those that edit the text that it writes: `jq ... | sponge f`, `jq ... > t && mv t f`.
fn writers<'l>(look: &'l Look<'_>) -> impl Iterator<Item = &'l Seen> {
    let edits = |seen: &&Seen| EDITORS.contains(&seen.program.name.as_str());
    let upstream = look.seen.upstream.iter().filter_map(|number| look.all.get(*number));
    let moved = match (look.seen.program.name.as_str(), look.arguments.free()) {
        ("mv" | "gmv" | "cp" | "gcp", [source, _]) => Some(source.text.as_ref()),
        _ => None,
    };
    let before = look.all.get(..look.at).unwrap_or_default().iter().rev().take(MAX_WORDS);
    let writes = |seen: &&Seen, file: &str| {
        let mut written = seen.redirections.iter().filter(|redirection| redirection.writes);
        written.any(|redirection| {
            redirection.target.as_ref().is_some_and(|target| target.text.to_lossy() == file)
        })
    };
    let wrote = moved.into_iter().flat_map(move |file| before.clone().filter(move |seen| writes(seen, file)));
    std::iter::once(look.seen).chain(upstream.chain(wrote).filter(edits))
}

/// Whether what it writes says that a check no longer stops anything.
fn switches_off(look: &Look<'_>, seen: &Seen) -> bool {
    let says = |text: &str| {
        let squeezed: String = text.chars().filter(|c| !c.is_whitespace()).take(4096).collect();
        look.known.verbs.disabled_checks.iter().any(|mark| squeezed.contains(mark.as_str()))
    };
    let by_input = match &seen.input {
        Input::Text(text) => says(text),
        Input::Request | Input::Pipe | Input::File => false,
    };
    // `s/allow_failure: true/allow_failure: false/` takes it back.
    let written = |text: &str| match substitution(text) {
        Some((_, new)) => says(new),
        None => says(text),
    };
    by_input || seen.words.iter().skip(1).take(MAX_WORDS).any(|word| written(&word.text.to_lossy()))
}

/// `s/run: npm test/run: true/`; whether nothing at all in its place counts too.
fn replaces_check(look: &Look<'_>, seen: &Seen, or_nothing: bool) -> bool {
    seen.words.iter().skip(1).take(MAX_WORDS).any(|word| {
        let text = word.text.to_lossy();
        substitution(&text).is_some_and(|(old, new)| {
            (or_nothing || !new.is_empty())
                && does_nothing(new)
                && paths::has_word(old, &look.known.verbs.checks)
        })
    })
}

/// What sed, perl and vi put in the place of what.
fn substitution(text: &str) -> Option<(&str, &str)> {
    let (_, rest) = text.split_once('s').filter(|(before, _)| !before.contains(char::is_alphabetic))?;
    let mark = rest.chars().next().filter(|c| !c.is_alphanumeric() && !c.is_whitespace())?;
    let mut parts = rest.split(mark).skip(1);
    let (old, new) = (parts.next()?, parts.next()?);
    parts.next().map(|_| (old, new))
}

/// What stands in a step that checks nothing.
fn does_nothing(step: &str) -> bool {
    let command =
        ["run:", "\":"].iter().find_map(|key| step.rsplit_once(key)).map_or(step, |(_, command)| command);
    let command = command.trim().trim_start_matches("- ").trim_start_matches(['"', '\'']);
    let first = command.split_whitespace().next().unwrap_or_default();
    matches!(first.trim_end_matches(['"', '\'']), "" | "true" | ":" | "echo" | "#" | "/bin/true")
        || command.starts_with('#')
        || command == "exit 0"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn substitutions_are_read_as_sed_reads_them() {
        for (text, parts) in [
            ("s/a/b/", Some(("a", "b"))),
            ("s|npm test|true|g", Some(("npm test", "true"))),
            ("3,7s#x##", Some(("x", ""))),
            ("src/a/b", None),
            ("s/a/b", None),
            (".github/workflows/ci.yml", None),
        ] {
            assert_eq!(substitution(text), parts, "{text}");
        }
    }

    #[test]
    fn a_step_that_checks_nothing_is_known() {
        for (step, nothing) in [
            ("", true),
            ("run: true", true),
            ("run: echo skipped", true),
            ("exit 0", true),
            ("# npm test", true),
            ("\"test\": \"true\"", true),
            ("\"test\": \"vitest\"", false),
            ("npm run test:unit", false),
            ("run: exit 1", false),
        ] {
            assert_eq!(does_nothing(step), nothing, "{step}");
        }
    }
}
