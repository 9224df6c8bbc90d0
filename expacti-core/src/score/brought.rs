//! Files that an earlier command of the same text brought here: whoever runs one runs what nobody has read.
//!
//! A file is known by the name that its address ends with, by the path it was saved under, and by what it was copied,
//! decoded or unpacked into afterwards.

mod load;
mod put;
mod start;

use std::borrow::Cow;

use memchr::memmem;

use super::{Look, paths, statements};
use crate::see::{self, Input, Seen};
use crate::tools::{PathRole, Reach, Tool, glob};

pub(super) use self::start::starts;

/// Commands before this one that are looked at.
const MAX_BEFORE: usize = 64;
/// Words of each of them.
const MAX_WORDS: usize = 64;
/// Names, paths and folders that are told apart; a text that brings more may run anything of it.
const MAX_BROUGHT: usize = 128;
/// Endings of what is packed.
const PACKED: [&str; 14] = [
    ".tar.gz", ".tar.xz", ".tar.bz2", ".tar.zst", ".tgz", ".txz", ".tbz2", ".tar", ".zip", ".gz", ".xz",
    ".bz2", ".zst", ".7z",
];
/// Folders that hold more than what was brought there.
const COMMON: [&str; 8] = ["", ".", "..", "/", "~", "/tmp", "/var/tmp", "/dev/shm"];

/// Calls in program text that fetch into a file.
const SAVING: [&str; 2] = ["urlretrieve(", "wget.download("];
/// Calls that fetch, and what says that it is written somewhere.
const FETCHING: [&str; 4] = ["urlopen(", "requests.get(", "httpx.get(", "file_get_contents("];
const WRITING: [&str; 5] = [".write(", ".write_bytes(", ".write_text(", "copyfileobj(", "file_put_contents("];

/// What was brought so far.
#[derive(Debug, Default)]
pub(super) struct Brought {
    /// Names of files, wherever they were put; of computed ones what is known, as a pattern.
    names: Vec<String>,
    /// Files by where they were put.
    paths: Vec<String>,
    /// Folders that came as a whole or were filled.
    folders: Vec<String>,
    /// Folders that files were put right into whose names nobody knows.
    flat: Vec<String>,
    /// Something was unpacked where the command stood.
    unpacked_here: bool,
}

/// The commands before this one that are looked at.
fn earlier<'l>(look: &'l Look<'_>) -> &'l [Seen] {
    &look.all[look.at.saturating_sub(MAX_BEFORE)..look.at]
}

/// Whether a command fetches from elsewhere.
pub(super) fn fetches(look: &Look<'_>, seen: &Seen) -> bool {
    let Some(tool) = look.tools.find(&seen.program.name) else { return false };
    let copies = || tool.sends || tool.reach.iter().any(|reach| matches!(reach, Reach::Cloud | Reach::Host));
    let has_source = || {
        let words = texts(seen);
        words.split_last().is_some_and(|(_, sources)| sources.iter().any(|word| is_remote(word)))
    };
    tool.fetches || copies() && has_source() || tool.code.is_some() && saving_text(seen).is_some()
}

/// The program text among its arguments, or on its input, that saves what it fetches.
fn saving_text(seen: &Seen) -> Option<Cow<'_, str>> {
    let saves = |text: &Cow<'_, str>| {
        let calls = |names: &[&str]| names.iter().any(|name| text.contains(name));
        calls(&SAVING) || calls(&FETCHING) && calls(&WRITING)
    };
    // Hardly any text names an address, and each is asked again for each command behind it.
    let names_address = |bytes: &[u8]| memmem::find(bytes, b"://").is_some();
    let input = match &seen.input {
        Input::Text(text) => Some(Cow::Borrowed(text.as_ref())).filter(|text| names_address(text.as_bytes())),
        Input::Request | Input::Pipe | Input::File => None,
    };
    let words = seen.words.iter().skip(1).take(MAX_WORDS).filter(|word| names_address(word.text.as_bytes()));
    words.map(|word| word.text.to_lossy()).chain(input).find(saves)
}

impl Brought {
    /// By the commands before this one, where those count that `bring`.
    pub(super) fn before(look: &Look<'_>, bring: impl Fn(&Seen) -> bool) -> Self {
        let window = earlier(look);
        let first = look.at - window.len();
        let brings: Vec<bool> = window.iter().map(bring).collect();
        let mut brought = Self::default();
        if !brings.contains(&true) {
            return brought;
        }
        for (seen, brings_it) in window.iter().zip(&brings) {
            let mut above = seen.upstream.iter().filter_map(|number| number.checked_sub(first));
            if *brings_it {
                brought.arrives(look, seen);
            } else if above.clone().any(|number| brings.get(number) == Some(&true)) {
                brought.is_made_of(look, seen, true);
            } else if !brought.is_empty()
                && (brought.is_named_by(seen)
                    || above.any(|number| window.get(number).is_some_and(|seen| brought.is_named_by(seen))))
            {
                brought.is_made_of(look, seen, false);
            }
        }
        brought
    }

    /// Whether a file that runs in `directory` is one of those.
    pub(super) fn has(&self, file: &str, directory: Option<&str>) -> bool {
        let full = join(directory, file);
        let is_relative = !file.starts_with(['/', '~', '$']);
        self.has_file(file, directory)
            || self.folders.iter().any(|folder| is_below(&full, folder))
            || self.unpacked_here && is_relative && file.contains('/')
            || self.flat.iter().any(|folder| full.rsplit_once('/').map_or("", |(above, _)| above) == folder)
    }

    /// Whether a program that is started by its name alone was put among the programs.
    pub(super) fn has_program(&self, name: &str) -> bool {
        self.paths.iter().any(|path| path.strip_suffix(name).is_some_and(|folder| folder.ends_with("bin/")))
    }

    pub(super) fn is_empty(&self) -> bool {
        [&self.names, &self.paths, &self.folders, &self.flat].iter().all(|known| known.is_empty())
    }

    /// Whether a file is one of those by its name or by where it was put; it may be a pattern.
    pub(super) fn has_file(&self, file: &str, directory: Option<&str>) -> bool {
        let (name, full) = (last_part(file), join(directory, file));
        let too_many = [&self.names, &self.paths].iter().any(|known| known.len() >= MAX_BROUGHT);
        !name.is_empty()
            && (too_many
                || self
                    .names
                    .iter()
                    .any(|known| glob(known, name) || name.contains('*') && glob(name, known))
                || self.paths.iter().any(|path| *path == full || name.contains('*') && glob(&full, path)))
    }

    /// Whether a text may name one of those, with its ending or without. To tell costs little.
    pub(super) fn may_be_named_in(&self, text: &str) -> bool {
        let is_in = |known: &String| {
            let stem = last_part(known).split(['.', '*']).next().unwrap_or_default();
            memmem::find(text.as_bytes(), stem.as_bytes()).is_some()
        };
        [&self.names, &self.paths].iter().any(|known| known.len() >= MAX_BROUGHT || known.iter().any(is_in))
    }

    fn is_named_by(&self, seen: &Seen) -> bool {
        texts(seen).iter().any(|text| self.has_file(text, seen.directory.as_deref()))
    }

    /// It comes with this command.
    fn arrives(&mut self, look: &Look<'_>, seen: &Seen) {
        let tool = look.tools.find(&seen.program.name);
        match tool.filter(|tool| tool.code.is_some()).and_then(|_| saving_text(seen)) {
            Some(text) => {
                let strings = statements::strings(&text).take(MAX_WORDS);
                strings.filter(|string| !string.is_empty()).for_each(|string| self.is_given(seen, string));
            }
            None => texts(seen).iter().for_each(|text| self.is_given(seen, text)),
        }
        if let Some(tool) = tool.filter(|tool| put::says_where(tool, seen)) {
            self.is_put(tool, seen);
        }
        self.written(seen);
    }

    /// An address or a place that the command that brings it is given.
    fn is_given(&mut self, seen: &Seen, text: &str) {
        let directory = seen.directory.as_deref();
        if !is_remote(text) {
            add(&mut self.paths, join(directory, text));
            return;
        }
        let name = name_of_remote(text);
        if text.starts_with("http") && (name.is_none() || ends_with_folder(text)) {
            add(&mut self.names, "index.html".to_owned());
        }
        let Some(name) = name else { return };
        if !text.starts_with("http") {
            // A folder as well as a file.
            add(&mut self.folders, join(directory, &name));
        }
        add(&mut self.names, name);
    }

    /// This command reads it and makes something of it; out of a stream it has no name.
    fn is_made_of(&mut self, look: &Look<'_>, seen: &Seen, streamed: bool) {
        let directory = seen.directory.as_deref();
        self.written(seen);
        let Some(tool) = look.tools.find(&seen.program.name) else { return };
        let words = texts(seen);
        let unpacks = tool.bulk || words.iter().any(|word| PACKED.iter().any(|end| word.ends_with(end)));
        if unpacks {
            self.unpacked_here = true;
            for word in &words {
                let plain = PACKED.iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word);
                if COMMON.contains(&plain) || streamed && plain.len() < 3 {
                    continue;
                }
                add(&mut self.folders, join(directory, plain));
                if plain.len() < word.len() {
                    add(&mut self.folders, join(directory, last_part(plain)));
                    add(&mut self.names, last_part(plain).to_owned());
                }
            }
        } else if copies(tool)
            && let [sources @ .., target] = words.as_slice()
        {
            add(&mut self.paths, join(directory, target));
            let inside =
                sources.iter().map(|source| join(directory, &format!("{target}/{}", last_part(source))));
            inside.for_each(|path| add(&mut self.paths, path));
        }
    }

    fn written(&mut self, seen: &Seen) {
        let targets = seen.redirections.iter().filter(|redirection| redirection.writes);
        let targets = targets.filter_map(|redirection| redirection.target.as_ref());
        let paths = targets.map(|target| join(seen.directory.as_deref(), &target.text.to_lossy()));
        paths.filter(|path| !path.starts_with("/dev/")).for_each(|path| add(&mut self.paths, path));
    }
}

fn add(known: &mut Vec<String>, new: String) {
    if known.len() < MAX_BROUGHT && !known.contains(&new) {
        known.push(new);
    }
}

fn copies(tool: &Tool) -> bool {
    let roles = tool.effects.iter().chain([&tool.otherwise]).filter_map(|effect| effect.paths);
    roles.into_iter().any(|role| matches!(role, PathRole::Write | PathRole::WriteLast))
}

/// What a command is given: its words but for options, and the values that are written in one word with theirs.
fn texts(seen: &Seen) -> Vec<Cow<'_, str>> {
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
fn is_remote(text: &str) -> bool {
    let is_host = |host: &str| {
        host.len() > 1
            && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@' | '$'))
    };
    text.contains("://") || text.split_once(':').is_some_and(|(host, path)| is_host(host) && !path.is_empty())
}

/// The name under which something from elsewhere arrives; what is computed in it may be anything.
fn name_of_remote(text: &str) -> Option<String> {
    let path = text.split_once("://").map_or(text, |(_, rest)| rest);
    let path = path.split(['?', '#']).next().unwrap_or(path).trim_end_matches('/');
    let name = path.rsplit(['/', ':']).next().unwrap_or(path);
    let known = name.find(['$', '`']).map_or(name, |at| &name[..at]);
    let has_path = path.contains(['/', ':']);
    (has_path && known.len() > usize::from(known.len() < name.len()))
        .then(|| if known.len() < name.len() { format!("{known}*") } else { known.to_owned() })
}

/// Whether the address says itself what a file from there is called.
fn names_file(address: &str) -> bool {
    !ends_with_folder(address) && name_of_remote(address).is_some()
}

fn ends_with_folder(address: &str) -> bool {
    address.split(['?', '#']).next().unwrap_or(address).ends_with('/')
}

fn last_part(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}

fn join(directory: Option<&str>, path: &str) -> String {
    see::join(directory.map(plain), plain(path))
}

fn plain(path: &str) -> &str {
    path.trim_start_matches("./").trim_end_matches('/')
}

fn is_below(path: &str, folder: &str) -> bool {
    !COMMON.contains(&folder) && paths::is_in(path, folder)
}
