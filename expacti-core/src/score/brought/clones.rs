//! Repositories that were cloned: whatever lies in one was brought with it.

use std::collections::HashSet;

use crate::see::Seen;

/// The folders that repositories were cloned into, one of each command at most.
#[derive(Debug, Default)]
pub(super) struct Clones(HashSet<String>);

impl Clones {
    pub(super) fn pass(&mut self, seen: &Seen) {
        self.0.extend(cloned_by(seen));
    }

    /// `git clone ADDRESS [FOLDER] && FOLDER/install.sh`: whether the file that runs lies in what was cloned.
    pub(super) fn have(&self, file: &str, directory: Option<&str>) -> bool {
        if self.0.is_empty() {
            return false;
        }
        // `git clone X && cd X && ./install.sh`
        let file = match directory {
            Some(directory) if !file.starts_with(['/', '~']) => format!("{directory}/{file}"),
            _ => file.to_owned(),
        };
        let file = file.trim_start_matches("./");
        self.0.iter().any(|folder| {
            file.strip_prefix(folder.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}

/// The folder that a command clones a repository into.
fn cloned_by(seen: &Seen) -> Option<String> {
    let word = |at: usize| {
        let words = seen.words.iter().take(8).map(|word| word.text.to_lossy());
        words.filter(|word| !word.starts_with('-')).nth(at)
    };
    let is_word = |at: usize, known: &[&str]| word(at).is_some_and(|word| known.contains(&word.as_ref()));
    let clones = match seen.program.name.as_str() {
        "git" => is_word(1, &["clone"]) || is_word(1, &["submodule", "subtree"]) && is_word(2, &["add"]),
        "gh" | "glab" => is_word(1, &["repo", "gist"]) && is_word(2, &["clone"]),
        "hg" | "jj" | "sl" | "fossil" => is_word(1, &["clone"]) || is_word(2, &["clone"]),
        "svn" => is_word(1, &["checkout", "co", "export"]),
        "ansible-galaxy" => is_word(1, &["install"]) || is_word(2, &["install"]),
        "degit" | "tiged" => true,
        _ => false,
    };
    if !clones {
        return None;
    }
    let mut words = seen.words.iter().take(8).map(|word| word.text.to_lossy());
    let last = words.rfind(|word| !word.starts_with('-'))?;
    let name = last.trim_end_matches('/').trim_end_matches(".git");
    let is_address = last.contains("://") || last.contains('@');
    let name = if is_address { name.rsplit('/').next()? } else { name };
    Some(name.trim_start_matches("./")).filter(|name| !name.is_empty()).map(str::to_owned)
}
