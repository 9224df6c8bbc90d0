//! What a command brings, and what others make of it.

use std::borrow::Cow;

use memchr::memmem;

use super::known::Known;
use super::words::{ends_with_folder, is_remote, join, last_part, name_of_remote, texts};
use super::{COMMON, MAX_WORDS, put};
use crate::score::{Look, statements};
use crate::see::{Input, Seen};
use crate::tools::{PathRole, Reach, Tool};

/// Endings of what is packed.
const PACKED: [&str; 14] = [
    ".tar.gz", ".tar.xz", ".tar.bz2", ".tar.zst", ".tgz", ".txz", ".tbz2", ".tar", ".zip", ".gz", ".xz",
    ".bz2", ".zst", ".7z",
];
/// Calls in program text that fetch into a file.
const SAVING: [&str; 2] = ["urlretrieve(", "wget.download("];
/// Calls that fetch, and what says that it is written somewhere.
const FETCHING: [&str; 4] = ["urlopen(", "requests.get(", "httpx.get(", "file_get_contents("];
const WRITING: [&str; 5] = [".write(", ".write_bytes(", ".write_text(", "copyfileobj(", "file_put_contents("];

/// Whether a command fetches from elsewhere.
pub(in crate::score) fn fetches(look: &Look<'_>, seen: &Seen) -> bool {
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
    // Hardly any text names an address.
    let names_address = |bytes: &[u8]| memmem::find(bytes, b"://").is_some();
    let input = match &seen.input {
        Input::Text(text) => Some(Cow::Borrowed(text.as_ref())).filter(|text| names_address(text.as_bytes())),
        Input::Request | Input::Pipe | Input::File => None,
    };
    let words = seen.words.iter().skip(1).take(MAX_WORDS).filter(|word| names_address(word.text.as_bytes()));
    words.map(|word| word.text.to_lossy()).chain(input).find(saves)
}

impl Known {
    /// It comes with this command.
    pub(super) fn arrives(&mut self, look: &Look<'_>, seen: &Seen) {
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
            // `$BASE/install.sh`
            if let Some(name) = name_of_remote(text).filter(|_| text.starts_with('$')) {
                self.add_name(name);
            }
            self.add_path(join(directory, text));
            return;
        }
        let name = name_of_remote(text);
        if text.starts_with("http") && (name.is_none() || ends_with_folder(text)) {
            self.add_name("index.html".to_owned());
        }
        let Some(name) = name else { return };
        if !text.starts_with("http") {
            // A folder as well as a file.
            self.add_folder(join(directory, &name));
        }
        self.add_name(name);
    }

    /// This command reads it and makes something of it; out of a stream it has no name.
    pub(super) fn is_made_of(&mut self, look: &Look<'_>, seen: &Seen, streamed: bool) {
        let directory = seen.directory.as_deref();
        self.written(seen);
        let Some(tool) = look.tools.find(&seen.program.name) else { return };
        let words = texts(seen);
        let unpacks = tool.bulk || words.iter().any(|word| PACKED.iter().any(|end| word.ends_with(end)));
        if unpacks {
            self.is_unpacked_here();
            for word in &words {
                let plain = PACKED.iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word);
                if COMMON.contains(&plain) || streamed && plain.len() < 3 {
                    continue;
                }
                self.add_folder(join(directory, plain));
                if plain.len() < word.len() {
                    self.add_folder(join(directory, last_part(plain)));
                    self.add_name(last_part(plain).to_owned());
                }
            }
        } else if copies(tool)
            && let [sources @ .., target] = words.as_slice()
        {
            self.add_path(join(directory, target));
            let inside =
                sources.iter().map(|source| join(directory, &format!("{target}/{}", last_part(source))));
            inside.for_each(|path| self.add_path(path));
        }
    }

    fn written(&mut self, seen: &Seen) {
        let targets = seen.redirections.iter().filter(|redirection| redirection.writes);
        let targets = targets.filter_map(|redirection| redirection.target.as_ref());
        let paths = targets.map(|target| join(seen.directory.as_deref(), &target.text.to_lossy()));
        paths.filter(|path| !path.starts_with("/dev/")).for_each(|path| self.add_path(path));
    }
}

fn copies(tool: &Tool) -> bool {
    let roles = tool.effects.iter().chain([&tool.otherwise]).filter_map(|effect| effect.paths);
    roles.into_iter().any(|role| matches!(role, PathRole::Write | PathRole::WriteLast))
}
