//! What was brought so far, and whether a file is one of it.

use std::collections::HashSet;

use memchr::memmem;

use super::COMMON;
use super::words::{join, last_part, texts};
use crate::score::paths;
use crate::see::Seen;
use crate::tools::{MAX_NAME, glob};

/// Names, paths and folders that are told apart; a text that brings more may run anything of it.
const MAX_BROUGHT: usize = 128;

/// What was brought so far.
#[derive(Debug, Default)]
pub(super) struct Known {
    names: Names,
    /// Files by where they were put.
    paths: HashSet<String>,
    /// Of these such as were put among the programs, by their names.
    programs: HashSet<String>,
    /// Folders that came as a whole or were filled.
    folders: HashSet<String>,
    /// Folders that files were put right into whose names nobody knows.
    flat: HashSet<String>,
    /// Something was unpacked where the command stood.
    unpacked_here: bool,
}

/// Names of files, wherever they were put; of computed ones what is known, as a pattern.
#[derive(Debug, Default)]
struct Names {
    written: HashSet<String>,
    /// Those that are no patterns, in small letters: no case is told from another.
    whole: HashSet<String>,
    patterns: Vec<String>,
}

impl Names {
    fn add(&mut self, name: String) {
        if name.contains(['*', '?']) {
            if !self.written.contains(&name) {
                self.patterns.push(name.clone());
            }
        } else {
            self.whole.insert(name.to_ascii_lowercase());
        }
        self.written.insert(name);
    }

    fn has(&self, name: &str) -> bool {
        self.whole.contains(&name.to_ascii_lowercase()) || self.patterns.iter().any(|known| glob(known, name))
    }
}

impl Known {
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How much is known; it only grows.
    pub(super) fn len(&self) -> usize {
        self.names.written.len() + self.paths.len() + self.folders.len() + self.flat.len()
    }

    fn is_too_much(&self) -> bool {
        [&self.names.written, &self.paths, &self.folders, &self.flat]
            .iter()
            .any(|known| known.len() >= MAX_BROUGHT)
    }

    /// Whether a file that runs in `directory` is one of those.
    pub(super) fn has(&self, file: &str, directory: Option<&str>) -> bool {
        let full = join(directory, file);
        let is_relative = !file.starts_with(['/', '~', '$']);
        self.has_file(file, directory)
            || self.folders.iter().any(|folder| is_below(&full, folder))
            || self.unpacked_here && is_relative && file.contains('/')
            || self.flat.contains(full.rsplit_once('/').map_or("", |(above, _)| above))
    }

    /// Whether a program that is started by its name alone was put among the programs.
    pub(super) fn has_program(&self, name: &str) -> bool {
        self.programs.contains(name) || self.programs.len() >= MAX_BROUGHT
    }

    /// Whether a file is one of those by its name or by where it was put; it may be a pattern.
    pub(super) fn has_file(&self, file: &str, directory: Option<&str>) -> bool {
        let name = last_part(file);
        if name.is_empty() {
            return false;
        }
        if self.is_too_much() || self.names.has(name) {
            return true;
        }
        let full = join(directory, file);
        self.paths.contains(&full)
            || name.contains('*') && (fits_one(name, &self.names.written) || fits_one(&full, &self.paths))
    }

    /// Whether a text may name one of those, with its ending or without. To tell costs little.
    pub(super) fn may_be_named_in(&self, text: &str) -> bool {
        let is_in = |known: &String| {
            let stem = last_part(known).split(['.', '*']).next().unwrap_or_default();
            memmem::find(text.as_bytes(), stem.as_bytes()).is_some()
        };
        self.is_too_much() || self.names.written.iter().chain(&self.paths).any(is_in)
    }

    pub(super) fn is_named_by(&self, seen: &Seen) -> bool {
        texts(seen).iter().any(|text| self.has_file(text, seen.directory.as_deref()))
    }

    pub(super) fn add_name(&mut self, name: String) {
        if self.names.written.len() < MAX_BROUGHT {
            self.names.add(name);
        }
    }

    pub(super) fn add_path(&mut self, path: String) {
        if let Some((folder, name)) = path.rsplit_once('/')
            && folder.ends_with("bin")
        {
            add(&mut self.programs, name.to_owned());
        }
        add(&mut self.paths, path);
    }

    pub(super) fn add_folder(&mut self, folder: String) {
        add(&mut self.folders, folder);
    }

    pub(super) fn add_flat(&mut self, folder: String) {
        add(&mut self.flat, folder);
    }

    pub(super) fn is_unpacked_here(&mut self) {
        self.unpacked_here = true;
    }
}

fn add(known: &mut HashSet<String>, new: String) {
    if known.len() < MAX_BROUGHT {
        known.insert(new);
    }
}

/// Whether a pattern fits one of many. Hardly any ends and begins as it does.
fn fits_one(pattern: &str, known: &HashSet<String>) -> bool {
    let is_open = |byte: &u8| matches!(byte, b'*' | b'?');
    let bytes = pattern.as_bytes();
    let begin = bytes.split(is_open).next().unwrap_or_default();
    let end = bytes.rsplit(is_open).next().unwrap_or_default();
    let may_fit = |text: &[u8]| {
        let last = text.len().checked_sub(end.len()).and_then(|at| text.get(at..));
        last.is_some_and(|last| last.eq_ignore_ascii_case(end))
            && text.get(..begin.len()).is_some_and(|first| first.eq_ignore_ascii_case(begin))
    };
    // Of what is longer than any name only the beginning is compared.
    known.iter().any(|text| (text.len() > MAX_NAME || may_fit(text.as_bytes())) && glob(pattern, text))
}

fn is_below(path: &str, folder: &str) -> bool {
    !COMMON.contains(&folder) && paths::is_in(path, folder)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_pattern_fits_many_if_it_fits_one(pattern in "[aB*?]{0,5}", known in prop::collection::hash_set("[Ab]{0,4}", 0..5)) {
            prop_assert_eq!(fits_one(&pattern, &known), known.iter().any(|text| glob(&pattern, text)));
        }
    }
}
