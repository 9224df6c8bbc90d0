//! Words of commands that bring something: addresses, and the names and paths under which it arrives.

use std::borrow::Cow;

use super::MAX_WORDS;
use crate::see::{self, Seen};

/// What a command is given: its words but for options, and the values that are written in one word with theirs.
pub(super) fn texts(seen: &Seen) -> Vec<Cow<'_, str>> {
    let words = seen.words.iter().skip(1).take(MAX_WORDS).map(|word| word.text.to_lossy());
    words
        .filter_map(|word| match word.strip_prefix('-') {
            None => Some(word),
            Some(long) if long.starts_with('-') => {
                long.split_once('=').map(|(_, value)| Cow::Owned(value.to_owned()))
            }
            Some(short) => {
                short.get(1..).filter(|value| !value.is_empty()).map(|value| Cow::Owned(value.to_owned()))
            }
        })
        .collect()
}

/// `https://host/file`, `user@host:file`.
pub(super) fn is_remote(text: &str) -> bool {
    let is_host = |host: &str| {
        host.len() > 1
            && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@' | '$'))
    };
    text.contains("://") || text.split_once(':').is_some_and(|(host, path)| is_host(host) && !path.is_empty())
}

/// The name under which something from elsewhere arrives; what is computed in it may be anything.
pub(super) fn name_of_remote(text: &str) -> Option<String> {
    let path = text.split_once("://").map_or(text, |(_, rest)| rest);
    let path = path.split(['?', '#']).next().unwrap_or(path).trim_end_matches('/');
    let name = path.rsplit(['/', ':']).next().unwrap_or(path);
    let known = name.find(['$', '`']).map_or(name, |at| &name[..at]);
    let has_path = path.contains(['/', ':']);
    (has_path && known.len() > usize::from(known.len() < name.len()))
        .then(|| if known.len() < name.len() { format!("{known}*") } else { known.to_owned() })
}

/// Whether the address says itself what a file from there is called.
pub(super) fn names_file(address: &str) -> bool {
    !ends_with_folder(address) && name_of_remote(address).is_some()
}

pub(super) fn ends_with_folder(address: &str) -> bool {
    address.split(['?', '#']).next().unwrap_or(address).ends_with('/')
}

pub(super) fn last_part(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}

pub(super) fn join(directory: Option<&str>, path: &str) -> String {
    see::join(directory.map(plain), plain(path))
}

pub(super) fn plain(path: &str) -> &str {
    path.trim_start_matches("./").trim_end_matches('/')
}
