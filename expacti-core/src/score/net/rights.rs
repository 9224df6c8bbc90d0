//! Words that give all rights to somebody, or something to everybody: `--role=administrator`, `--acl public-read`.

use super::super::{Candidate, Look};
use super::words;
use crate::tools::{Category, Undo};

/// Words of a command that are looked at.
const MAX_WORDS: usize = 64;

pub(super) fn candidates<'t>(look: &Look<'t>, found: &mut Vec<Candidate<'t>>) {
    let known = &look.known.verbs;
    let looks = |word: &str| known.look.contains(word);
    if look.arguments.free().iter().take(3).any(|word| looks(&word.text)) {
        return;
    }
    let words = look.seen.words.get(1..).unwrap_or_default();
    let words = &words[..words.len().min(MAX_WORDS)];
    let grants = words.iter().enumerate().any(|(at, word)| {
        let text = word.text.to_lossy();
        let bare = text.trim_start_matches('-');
        match bare.split_once(['=', ':']) {
            Some((name, "" | "''" | "none" | "off")) if text.starts_with("--") && guards(name) => true,
            Some((name, value)) => is_right(look, name) && is_all(look, value),
            None if text.starts_with("--") => {
                known.opening_options.contains(text.as_ref())
                    || is_right(look, bare)
                        && words.get(at + 1).is_some_and(|value| is_all(look, &value.text.to_lossy()))
            }
            None => false,
        }
    });
    if grants {
        let mut candidate =
            Look::stand_alone(&look.known.modifiers.grants_rights, Category::PrivilegeAndEscape);
        candidate.undo = Undo::Hard;
        found.push(candidate);
    }
}

/// Whether a name is that of what keeps others out: `--ServerApp.token=''`.
fn guards(name: &str) -> bool {
    words::parts(name).last().is_some_and(|last| matches!(last.as_str(), "token" | "auth" | "authentication"))
}

/// Whether a name is that of a right: `role`, `user-role`, `access_level`.
fn is_right(look: &Look<'_>, name: &str) -> bool {
    let last = words::parts(name).skip(1).last();
    let last = last.unwrap_or_else(|| name.to_ascii_lowercase());
    look.known.verbs.rights.contains(last.as_str())
}

/// Whether a value means every right, or everybody.
fn is_all(look: &Look<'_>, value: &str) -> bool {
    let value = value.trim_matches(['"', '\'', ',']);
    look.known.verbs.all_rights.contains(value.to_ascii_lowercase().as_str())
}
