//! Which program a command runs. A name in argv is a claim of the caller; an executable is not.

use super::answer::Answer;
use super::hole::{Hole, Strictness};
use super::path::{file_name, is_below, resolve};
use super::scene::Sight;
use crate::request::Executable;

/// Names of one program whose file is called otherwise: what distributions link them to.
const CALLED_OTHERWISE: [(&str, &[&str]); 11] = [
    ("sh", &["dash", "bash", "ash", "ksh"]),
    ("awk", &["mawk", "gawk", "original-awk"]),
    ("vi", &["vim.basic", "vim.tiny", "nvi"]),
    ("vim", &["vim.basic", "vim.tiny", "vim.gtk3"]),
    ("nc", &["nc.openbsd", "nc.traditional", "ncat"]),
    ("node", &["nodejs"]),
    ("npm", &["npm-cli.js"]),
    ("npx", &["npx-cli.js"]),
    ("yarn", &["yarn.js"]),
    ("pnpm", &["pnpm.cjs"]),
    ("cc", &["gcc", "clang"]),
];

/// Files that are many programs, chosen by argv\[0\].
const MANY_IN_ONE: [&str; 4] = ["busybox", "toybox", "coreutils", "uutils"];

/// Whether a file of this name is many programs.
pub(crate) fn is_many_in_one(name: &[u8]) -> bool {
    MANY_IN_ONE.iter().any(|many| many.as_bytes() == name)
}

/// Commands that shells carry out themselves, so that no exec follows.
const SHELLS_OWN: [&[u8]; 51] = [
    b".",
    b":",
    b"[",
    b"alias",
    b"bg",
    b"bind",
    b"break",
    b"builtin",
    b"caller",
    b"cd",
    b"command",
    b"compgen",
    b"complete",
    b"continue",
    b"declare",
    b"dirs",
    b"disown",
    b"echo",
    b"enable",
    b"eval",
    b"exec",
    b"exit",
    b"export",
    b"false",
    b"fc",
    b"fg",
    b"getopts",
    b"hash",
    b"history",
    b"jobs",
    b"kill",
    b"let",
    b"local",
    b"mapfile",
    b"popd",
    b"printf",
    b"print",
    b"pushd",
    b"read",
    b"readonly",
    b"return",
    b"set",
    b"shopt",
    b"source",
    b"test",
    b"trap",
    b"typeset",
    b"ulimit",
    b"umask",
    b"unset",
    b"wait",
];

/// Whether a shell carries out a command of this name itself.
pub(crate) fn is_shells_own(name: &[u8]) -> bool {
    SHELLS_OWN.contains(&name)
}

/// Whether the command's program is one that `hole` names. `identified` says that the rule also names the
/// executable, so that the name alone need not carry the decision.
pub(crate) fn program_matches(
    hole: &Hole,
    sight: Sight<'_>,
    identified: bool,
    strictness: Strictness,
) -> Answer {
    match strictness {
        Strictness::Suspicious => could_be(hole, sight),
        Strictness::Certain => Answer::from(is_certainly(hole, sight, identified)),
    }
}

/// Every file name under which a rule may know the program, each once.
#[derive(Default)]
pub(crate) struct Names<'a> {
    names: [&'a [u8]; MAX_NAMES],
    count: usize,
}

/// Two for what argv claims, two for the file and for each interpreter that a kernel follows (five), and some more.
const MAX_NAMES: usize = 16;

impl<'a> Names<'a> {
    pub(crate) fn of(sight: Sight<'a>) -> Self {
        let mut names = Self::default();
        if let Some(word) = sight.command.words.first() {
            let claimed = word.text.as_bytes();
            names.add(file_name(claimed));
            if let Some(login) = claimed.strip_prefix(b"-") {
                names.add(login);
            }
        }
        if sight.is_own() {
            for exe in [&sight.scene.request.exe].into_iter().chain(&sight.scene.request.interpreters) {
                let name = file_name(exe.path.as_bytes());
                names.add(name);
                names.add(without_version(name));
            }
        }
        names
    }

    pub(crate) fn as_slice(&self) -> &[&'a [u8]] {
        &self.names[..self.count]
    }

    /// More names than there can be are more interpreters than a kernel follows.
    fn add(&mut self, name: &'a [u8]) {
        if !self.as_slice().contains(&name)
            && let Some(place) = self.names.get_mut(self.count)
        {
            *place = name;
            self.count += 1;
        }
    }
}

fn could_be(hole: &Hole, sight: Sight<'_>) -> Answer {
    let takes = |name: &[u8]| hole.takes(name, sight.folders(), Strictness::Suspicious);
    let named = sight.command.words.first().map_or(Answer::No, |word| {
        let text = word.text.as_bytes();
        let claimed = takes(text).max(takes(file_name(text)));
        // A login shell has a dash in front of its name.
        let claimed = claimed.max(text.strip_prefix(b"-").map_or(Answer::No, takes));
        // A script's `"$@"` may be any program, and each is asked about when it starts. What a shell does itself is not.
        let later = || sight.is_asked_again() && !SHELLS_OWN.iter().any(|name| takes(name) != Answer::No);
        if word.literal || later() { claimed } else { claimed.max(Answer::Maybe) }
    });
    if !sight.is_own() {
        return named;
    }
    let files = [&sight.scene.request.exe].into_iter().chain(&sight.scene.request.interpreters).map(|exe| {
        let path = exe.path.as_bytes();
        let name = file_name(path);
        takes(path).max(takes(name)).max(takes(without_version(name)))
    });
    Answer::any([named].into_iter().chain(files))
}

fn is_certainly(hole: &Hole, sight: Sight<'_>, identified: bool) -> bool {
    let Some(word) = sight.command.words.first().filter(|word| word.literal) else { return false };
    let claimed = word.text.as_bytes();
    let takes = |name: &[u8]| hole.takes(name, sight.folders(), Strictness::Certain) == Answer::Yes;
    if sight.command.elsewhere {
        return takes(claimed) || takes(file_name(claimed));
    }
    if identified {
        return sight.is_own() && (takes(claimed) || takes(file_name(claimed)));
    }
    if !hole.is_literal() {
        return false;
    }
    if !sight.is_own() {
        // Whatever file it turns out to be, it is asked about when it starts.
        let by_trusted_path = is_trusted(claimed, sight) && takes(file_name(claimed));
        return takes(claimed) || by_trusted_path;
    }
    hole.any_literal(&|name| if name.contains(&b'/') { is_file(name, sight) } else { is_bare(name, sight) })
}

/// The executable is the one file that `path` names.
fn is_file(path: &[u8], sight: Sight<'_>) -> bool {
    let exe = &sight.scene.request.exe;
    let claimed = sight.command.words.first().is_some_and(|word| word.text.as_bytes() == path);
    let Some(folders) = (if path.starts_with(b"/") { Some(&[][..]) } else { sight.folders() }) else {
        return false;
    };
    let resolved = resolve(folders.first().map_or(&b"/"[..], Vec::as_slice), path);
    let linked = is_trusted(&resolved, sight)
        && is_trusted(exe.path.as_bytes(), sight)
        && is_same_program(file_name(&resolved), file_name(exe.path.as_bytes()));
    claimed && !exe.unlinked && (exe.path.as_bytes() == resolved || linked)
}

/// The executable is the program that a bare name stands for in the trusted folders.
fn is_bare(name: &[u8], sight: Sight<'_>) -> bool {
    let request = sight.scene.request;
    let claims = sight.command.words.first().is_some_and(|word| file_name(word.text.as_bytes()) == name);
    let is_sound =
        |file: &Executable| !file.unlinked && !file.unstable && is_trusted(file.path.as_bytes(), sight);
    claims
        && is_same_program(name, file_name(request.exe.path.as_bytes()))
        && !request.exe.privileged
        && is_sound(&request.exe)
        && request.interpreters.iter().all(is_sound)
}

fn is_trusted(path: &[u8], sight: Sight<'_>) -> bool {
    // A path that climbs is not below the folder it starts with.
    let straight = !path.split(|b| *b == b'/').any(|segment| segment == b"..");
    straight && sight.scene.policy.trusted_folders.iter().any(|folder| is_below(path, folder.as_bytes()))
}

fn is_same_program(name: &[u8], file: &[u8]) -> bool {
    let called_otherwise = |(known, files): &(&str, &[&str])| {
        known.as_bytes() == name && files.iter().any(|other| other.as_bytes() == file)
    };
    name == file
        || file.strip_prefix(name).is_some_and(is_version)
        || is_many_in_one(file)
        || CALLED_OTHERWISE.iter().any(called_otherwise)
}

/// `.11`, `-12`, `3.11`
fn is_version(text: &[u8]) -> bool {
    text.iter().any(u8::is_ascii_digit) && text.iter().all(|b| b.is_ascii_digit() || b".-".contains(b))
}

/// `python3.11` without its number.
pub(super) fn without_version(file: &[u8]) -> &[u8] {
    let end =
        file.iter().rposition(|b| !(b.is_ascii_digit() || b".-".contains(b))).map_or(0, |last| last + 1);
    &file[..end]
}
