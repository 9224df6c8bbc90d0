//! What a program nobody described is given: disks, secrets, statements for a database.

use super::super::{Candidate, Look, calls, paths, read_once, secrets, statements};
use super::destroys;
use super::words::{is_prose, parts};
use crate::see::Input;
use crate::sql;
use crate::tools::{Category, SqlSource, Tool, Undo};

/// Words of a command that are looked at.
const MAX_WORDS: usize = 64;
/// Bytes of a text that are looked at.
const MAX_TEXT: usize = 16 * 1024;
/// Lines of an input that are looked at.
const MAX_LINES: usize = 256;

pub(super) fn candidates<'t>(look: &Look<'t>, tool: &'t Tool, found: &mut Vec<Candidate<'t>>) {
    let modifiers = &look.known.modifiers;
    let words = || look.seen.words.iter().skip(1).take(MAX_WORDS).map(|word| word.text.to_lossy());
    let behind = |word: &str| word.split_once('=').map_or(word, |(_, value)| value).to_owned();
    let disk = |path: &str| look.known.places.disks.fit(path);
    let only_looks = || look.arguments.free().first().is_some_and(|word| is_look(look, &word.text));
    if words().any(|word| word.contains("/dev/") && disk(&behind(&word))) && !only_looks() {
        let mut candidate = Look::stand_alone(&modifiers.unknown_on_disk, Category::DiskAndDevice);
        candidate.undo = Undo::Hard;
        found.push(candidate);
    }
    if words().any(|word| word.starts_with('/') && paths::is_secret_of_the_system(look, &word))
        || takes_a_secret(look)
    {
        found.push(Look::stand_alone(&modifiers.secret_path, Category::SecretsAndCredentials));
    }
    if words().any(|word| addresses(look, &behind(&word))) {
        found.push(destroys(look, tool, Undo::Hard));
    }
    if secrets::names_one(look) && (goes_out(look) || words().any(|word| is_remote(&word))) {
        found.push(Look::stand_alone(&modifiers.secret_to_network, Category::SecretsAndCredentials));
    }
    statements_in(look, found);
    calls_in(look, found);
}

/// Statements among the arguments, or in what it reads. For programs that reach databases too, where nobody said which of
/// their arguments are statements.
pub(in super::super) fn statements_in<'t>(look: &Look<'t>, found: &mut Vec<Candidate<'t>>) {
    let words = look.seen.words.iter().enumerate().skip(1).take(MAX_WORDS);
    for (index, word) in words {
        let text = word.text.to_lossy();
        if text.contains([' ', '(']) && text.len() <= MAX_TEXT && !is_prose(look, index) {
            add_statements(look, &text, found);
        }
    }
    statements_read(look, found);
}

/// Statements in what it reads: `rails dbconsole <<< 'drop table x'`.
pub(super) fn statements_read<'t>(look: &Look<'t>, found: &mut Vec<Candidate<'t>>) {
    if let Input::Text(text) = &look.seen.input
        && text.len() <= MAX_TEXT
        && look.so_far.read_once.looks_like_sql(text)
    {
        // Many commands may read the same.
        match look.so_far.read_once.given(look, text, SqlSource::Generic) {
            Some(verdict) => statements::of_classes(look, &verdict.classes, found),
            None => found.push(read_once::too_much(look)),
        }
    }
}

/// Program text in what it reads that calls something which destroys: `rails console <<< 'User.delete_all'`.
pub(super) fn calls_read<'t>(look: &Look<'t>, found: &mut Vec<Candidate<'t>>) {
    if let Input::Text(text) = &look.seen.input
        && text.len() <= MAX_TEXT
        && look.so_far.read_once.calls_destroy(look, text)
    {
        let mut candidate = Look::stand_alone(&look.known.modifiers.calls_destroy, Category::CodeExecution);
        candidate.undo = Undo::Hard;
        found.push(candidate);
    }
}

/// Program text among the arguments that calls something which destroys.
pub(in super::super) fn calls_in<'t>(look: &Look<'t>, found: &mut Vec<Candidate<'t>>) {
    let words = look.seen.words.iter().enumerate().skip(1).take(MAX_WORDS);
    let destroys = |text: &str| calls::destroys(text, &look.known.code.words);
    let mut texts = words.filter(|(index, word)| {
        let bytes = word.text.as_bytes();
        bytes.contains(&b'(') && bytes.len() <= MAX_TEXT && !is_prose(look, *index)
    });
    let input = match &look.seen.input {
        Input::Text(text) => text.len() <= MAX_TEXT && look.so_far.read_once.calls_destroy(look, text),
        Input::Request | Input::Pipe | Input::File => false,
    };
    if input || texts.any(|(_, word)| destroys(&word.text.to_lossy())) {
        let mut candidate = Look::stand_alone(&look.known.modifiers.calls_destroy, Category::CodeExecution);
        candidate.undo = Undo::Hard;
        found.push(candidate);
    }
}

fn add_statements<'t>(look: &Look<'t>, text: &str, found: &mut Vec<Candidate<'t>>) {
    if !sql::looks_like_sql(text) {
        return;
    }
    statements::of_classes(look, &sql::classes(text, SqlSource::Generic, &look.known.sql), found);
}

/// Lines that it reads and that begin with a verb that destroys: `delete x`, `update delete x`, `flush_all`.
pub(in super::super) fn orders_in<'t>(look: &Look<'t>, tool: &'t Tool, found: &mut Vec<Candidate<'t>>) {
    let known = &look.known.verbs.code_options;
    // `console -c 'purge volume=x'`
    let mut given =
        look.seen.words.windows(2).take(MAX_WORDS).filter(|pair| {
            pair.first().is_some_and(|option| known.contains(option.text.to_lossy().as_ref()))
        });
    let by_option = given.any(|pair| {
        let text = pair.last().map(|word| word.text.to_lossy()).unwrap_or_default();
        text.contains(' ') && text.len() <= MAX_TEXT && orders(look, tool, &text)
    });
    let by_input =
        matches!(&look.seen.input, Input::Text(text) if text.len() <= MAX_TEXT && orders(look, tool, text));
    if by_input || by_option {
        found.push(destroys(look, tool, Undo::Hard));
    }
}

fn orders(look: &Look<'_>, tool: &Tool, text: &str) -> bool {
    let known = &look.known.verbs.destroy;
    // What `sftp` and its like take away on the other side.
    let takes = |word: &str| {
        !tool.is_unknown() && matches!(word, "rm" | "rmdir" | "mrm" | "mdelete" | "mdel" | "rd" | "deltree")
    };
    let mirrors = |line: &str| !tool.is_unknown() && line.contains("mirror ") && line.contains(" --delete");
    let says = |word: &str| known.contains(word.to_ascii_lowercase().as_str());
    let begins = |word: &str| parts(word).any(|part| known.contains(&part));
    text.split(['\n', ';']).take(MAX_LINES).any(|line| {
        let mut words = line.split_whitespace();
        let first = words.next();
        first.is_some_and(|word| begins(word) || takes(word))
            || words.next().is_some_and(says)
            || mirrors(line)
    })
}

/// Whether an absolute path that is no file ends with a verb that destroys: `/apps/definitions/delete`.
fn addresses(look: &Look<'_>, path: &str) -> bool {
    let Some((folders, last)) = path.rsplit_once('/') else { return false };
    let called =
        folders.starts_with('/') && folders.len() > 1 || folders.contains('.') && !folders.starts_with('.');
    called && !last.contains('.') && parts(last).any(|part| look.known.verbs.destroy.contains(&part))
}

/// Whether it reads a file of secrets, or is handed one that lies outside of the work tree. What an option names as a key
/// is used, not read.
fn takes_a_secret(look: &Look<'_>) -> bool {
    let is_own = |text: &str| ["~/", "$HOME/", "/home/", "/root/"].iter().any(|home| text.starts_with(home));
    let is_key = |index: usize| {
        let option = look.seen.words.get(index - 1).map(|word| word.text.to_lossy()).unwrap_or_default();
        option.starts_with('-')
            && parts(&option).any(|part| {
                matches!(part.as_str(), "key" | "identity" | "cert" | "i" | "kubeconfig" | "config")
            })
    };
    let mut free = look.arguments.free().iter().take(MAX_WORDS);
    secrets::reads_one(look)
        || free.any(|word| {
            word.index > 0
                && is_own(&word.text)
                && !is_key(word.index)
                && secrets::names_secret(look, &word.text)
        })
}

fn is_look(look: &Look<'_>, word: &str) -> bool {
    look.known.verbs.look.contains(word)
}

/// Whether a verb says that what it is given leaves the machine.
fn goes_out(look: &Look<'_>) -> bool {
    let known = &look.known.verbs.sends;
    look.arguments.free().iter().take(4).any(|word| known.contains(word.text.as_ref()))
}

/// `https://host/`, `s3://bucket/`, `user@host:`
fn is_remote(word: &str) -> bool {
    let by_scheme = word.split_once("://").is_some_and(|(scheme, rest)| {
        scheme != "file" && !rest.starts_with("localhost") && !rest.starts_with("127.")
    });
    let by_user = word.split_once('@').is_some_and(|(user, rest)| !user.is_empty() && rest.contains(':'));
    by_scheme || by_user
}
