//! Paths as bytes, resolved by their text alone: no file system is asked, so a symbolic link keeps its name.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};

use super::answer::Answer;

/// The folders in which a command may run. `None` means that it cannot be told.
pub(crate) type Folders<'a> = Option<&'a [Vec<u8>]>;

/// An absolute path without `.`, `..` and doubled slashes.
pub(crate) fn resolve(folder: &[u8], path: &[u8]) -> Vec<u8> {
    let mut segments: Vec<&[u8]> = Vec::new();
    let start = if path.starts_with(b"/") { &b""[..] } else { folder };
    for segment in start.split(|b| *b == b'/').chain(path.split(|b| *b == b'/')) {
        match segment {
            b"" | b"." => {}
            b".." => {
                segments.pop();
            }
            name => segments.push(name),
        }
    }
    let mut resolved = Vec::with_capacity(folder.len() + path.len() + 1);
    for segment in &segments {
        resolved.push(b'/');
        resolved.extend_from_slice(segment);
    }
    if resolved.is_empty() {
        resolved.push(b'/');
    }
    resolved
}

/// The last segment.
pub(crate) fn file_name(path: &[u8]) -> &[u8] {
    path.rsplit(|b| *b == b'/').next().unwrap_or(path)
}

/// Whether `path`, absolute and resolved, lies strictly below `folder`.
pub(crate) fn is_below(path: &[u8], folder: &[u8]) -> bool {
    let folder = folder.strip_suffix(b"/").unwrap_or(folder);
    path.strip_prefix(folder).is_some_and(|rest| rest.len() > 1 && rest[0] == b'/')
}

/// A glob on whole paths: `*` stays within one segment, `**` does not.
#[derive(Clone, Debug)]
pub(crate) struct PathGlob {
    text: String,
    matcher: GlobMatcher,
}

impl PathGlob {
    pub(crate) fn new(text: &str) -> Result<Self, globset::Error> {
        let matcher = GlobBuilder::new(text.strip_prefix("./").unwrap_or(text))
            .literal_separator(true)
            .backslash_escape(true)
            .build()?
            .compile_matcher();
        Ok(Self { text: text.to_owned(), matcher })
    }

    /// The one path that it matches, where it has no special characters.
    pub(crate) fn literal(&self) -> Option<&str> {
        (!self.text.contains(['*', '?', '[', ']', '{', '}', '\\'])).then_some(&self.text)
    }

    /// Whether an absolute, resolved path matches.
    pub(crate) fn is_match(&self, path: &[u8]) -> bool {
        self.matcher.is_match(Path::new(OsStr::from_bytes(path)))
    }

    /// Whether a word names such a path, seen from one of these folders.
    pub(crate) fn matches_word(&self, word: &[u8], folders: Folders<'_>) -> Answer {
        let frame = match self.text.as_bytes() {
            [b'/', ..] => Frame::Root,
            [b'*', b'*', b'/', ..] => Frame::Anywhere,
            _ => Frame::Folder,
        };
        word_in(frame, word, folders, |path, folder| {
            if frame != Frame::Folder {
                return self.is_match(path);
            }
            let prefix = if folder == b"/" { &b""[..] } else { folder };
            let relative = path.strip_prefix(prefix).and_then(|rest| rest.strip_prefix(b"/"));
            relative.is_some_and(|relative| self.is_match(relative))
        })
    }
}

/// Whether a word names something strictly below `below` (`.` is where the command runs).
pub(crate) fn word_is_below(word: &[u8], below: &[u8], folders: Folders<'_>) -> Answer {
    let frame = if below.starts_with(b"/") { Frame::Root } else { Frame::Folder };
    word_in(frame, word, folders, |path, folder| is_below(path, &resolve(folder, below)))
}

/// What a pattern of paths is relative to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Frame {
    Root,
    Anywhere,
    Folder,
}

fn word_in(frame: Frame, word: &[u8], folders: Folders<'_>, test: impl Fn(&[u8], &[u8]) -> bool) -> Answer {
    if word.is_empty() || word.starts_with(b"-") {
        return Answer::No;
    }
    // Only the shell knows which home that is; below it the path can still be told.
    if word.starts_with(b"~") {
        let below_home = frame == Frame::Anywhere && test(&resolve(b"/", word), b"/");
        return if below_home { Answer::Yes } else { Answer::Maybe };
    }
    let Some(folders) = folders else {
        let guess = test(&resolve(b"/", word), b"/");
        return match (frame, word.starts_with(b"/")) {
            (Frame::Root | Frame::Anywhere, true) => Answer::from(guess),
            (Frame::Anywhere, false) if guess => Answer::Yes,
            (Frame::Root | Frame::Anywhere, false) | (Frame::Folder, _) => Answer::Maybe,
        };
    };
    Answer::in_one_of(folders.iter().map(|folder| Answer::from(test(&resolve(folder, word), folder))))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dots_are_resolved_before_anything_is_compared() {
        for (folder, path, resolved) in [
            ("/work", "src/../../etc/passwd", "/etc/passwd"),
            ("/work", "./a//b/", "/work/a/b"),
            ("/work", "/../..", "/"),
            ("/", "x", "/x"),
        ] {
            assert_eq!(resolve(folder.as_bytes(), path.as_bytes()), resolved.as_bytes());
        }
    }

    #[test]
    fn a_glob_is_seen_from_every_folder_the_command_may_run_in() {
        let glob = PathGlob::new("./target/**").unwrap();
        let work = vec![b"/work".to_vec()];
        let either = vec![b"/work".to_vec(), b"/".to_vec()];
        assert_eq!(glob.matches_word(b"target/debug", Some(&work)), Answer::Yes);
        assert_eq!(glob.matches_word(b"target/../src", Some(&work)), Answer::No);
        assert_eq!(glob.matches_word(b"/work/target/debug", Some(&either)), Answer::Maybe);
        assert_eq!(glob.matches_word(b"target/debug", None), Answer::Maybe);
        assert_eq!(glob.matches_word(b"-target/x", Some(&work)), Answer::No);
        let ssh = PathGlob::new("**/.ssh/*").unwrap();
        assert_eq!(ssh.matches_word(b"/root/.ssh/id", None), Answer::Yes);
        assert_eq!(ssh.matches_word(b"~/.ssh/id", Some(&work)), Answer::Yes);
        assert_eq!(glob.matches_word(b"~/target/x", Some(&work)), Answer::Maybe);
        assert_eq!(word_is_below(b".", b".", Some(&work)), Answer::No, "the folder itself is not below it");
        assert_eq!(word_is_below(b"x", b".", Some(&work)), Answer::Yes);
        assert_eq!(word_is_below(b"/workshop", b"/work", Some(&work)), Answer::No);
    }

    proptest! {
        #[test]
        fn nothing_climbs_out(path: Vec<u8>) {
            let resolved = resolve(b"/a/b", &path);
            prop_assert!(resolved.starts_with(b"/"));
            prop_assert!(!resolved.split(|b| *b == b'/').any(|segment| segment == b".." || segment == b"."));
        }
    }
}
