//! The text that an interpreter will run: which file that is, and what it says.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::time::Instant;

use expacti_core::request::{ExecRequest, Script, Stdin};
use expacti_core::untrusted::Untrusted;

use super::hash::Hashes;

/// Bytes of a script that are kept and shown.
const SHOWN: u64 = 64 * 1024;

/// Where a program comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// From this file.
    File(Untrusted),
    /// From standard input, which is a file.
    Stdin(Untrusted),
}

/// Programs that run text, and how they are told which.
struct Family {
    /// Their names; digits and dots may follow.
    names: &'static [&'static str],
    /// Letters of short options that say the program is in the arguments, or is no file.
    inline: &'static str,
    /// Letters of short options that say it is read from standard input.
    input: &'static str,
    /// Long options that say it is in the arguments.
    inline_long: &'static [&'static str],
    /// Options that take the next word.
    takes_next: &'static [&'static str],
}

const FAMILIES: [Family; 6] = [
    Family {
        names: &["sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "fish"],
        inline: "c",
        input: "s",
        inline_long: &["--command"],
        takes_next: &["-o", "+o", "-O", "+O", "--rcfile", "--init-file"],
    },
    Family {
        names: &["python", "pypy"],
        inline: "cm",
        input: "",
        inline_long: &[],
        takes_next: &["-W", "-X"],
    },
    Family { names: &["perl"], inline: "eE", input: "", inline_long: &[], takes_next: &[] },
    Family { names: &["ruby"], inline: "e", input: "", inline_long: &[], takes_next: &["-I", "-r", "-C"] },
    Family {
        names: &["node", "nodejs", "bun"],
        inline: "ep",
        input: "",
        inline_long: &["--eval", "--print"],
        takes_next: &["-r", "--require", "--import", "--loader", "-C", "--conditions"],
    },
    Family {
        names: &["php", "lua", "luajit", "tclsh", "Rscript"],
        inline: "re",
        input: "",
        inline_long: &[],
        takes_next: &["-l", "-d"],
    },
];

/// Which text will run, if any does that is not in the arguments.
pub(super) fn source(request: &ExecRequest) -> Option<Source> {
    if !request.interpreters.is_empty() {
        return Some(Source::File(request.exe.path.clone()));
    }
    let family = family_of(&request.exe.path)?;
    let mut words = request.argv.iter().skip(1);
    let mut options = true;
    while let Some(word) = words.next() {
        let text = word.to_lossy();
        match &*text {
            "-" => break,
            "--" if options => options = false,
            option if options && (option.starts_with('-') || option.starts_with('+')) => {
                let letters = option.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
                let is_inline =
                    letters.is_some_and(|letters| letters.contains(|c| family.inline.contains(c)));
                if is_inline || family.inline_long.iter().any(|long| option.starts_with(long)) {
                    return None;
                }
                if letters.is_some_and(|letters| letters.contains(|c| family.input.contains(c))) {
                    break;
                }
                if family.takes_next.contains(&option) {
                    words.next();
                }
            }
            _ => return Some(Source::File(word.clone())),
        }
    }
    match &request.stdin {
        Stdin::File { path } => Some(Source::Stdin(path.clone())),
        Stdin::Unknown
        | Stdin::Closed
        | Stdin::Null
        | Stdin::Terminal
        | Stdin::Pipe
        | Stdin::Socket
        | Stdin::Other => None,
    }
}

/// Whether text from a file will run, which the kernel's digest does not cover.
pub(crate) fn runs_text(request: &ExecRequest) -> bool {
    source(request).is_some()
}

fn family_of(path: &Untrusted) -> Option<&'static Family> {
    let path = path.to_lossy();
    let name = path.rsplit('/').next().unwrap_or_default();
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    FAMILIES.iter().find(|family| family.names.contains(&stem))
}

/// Reads a script: its hash, and its text as far as that is shown.
pub(super) fn read(mut file: File, path: Untrusted, hashes: &Hashes, until: Instant) -> io::Result<Script> {
    let sha256 = hashes.of(&file, until)?;
    file.rewind()?;
    let mut text = Vec::new();
    file.take(SHOWN + 1).read_to_end(&mut text)?;
    let truncated = text.len() as u64 > SHOWN;
    text.truncate(usize::try_from(SHOWN).unwrap_or(usize::MAX));
    Ok(Script { path, sha256, text: text.into(), truncated })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn of(exe: &str, argv: &[&str]) -> Option<Source> {
        let mut request =
            ExecRequest { argv: argv.iter().map(|word| (*word).into()).collect(), ..ExecRequest::default() };
        request.exe.path = exe.into();
        request.stdin = Stdin::File { path: "/in".into() };
        source(&request)
    }

    #[test]
    fn the_program_is_found_where_the_interpreter_will_look() {
        let file = |path: &str| Some(Source::File(path.into()));
        let stdin = Some(Source::Stdin("/in".into()));
        assert_eq!(of("/bin/bash", &["bash", "x.sh", "-c"]), file("x.sh"));
        assert_eq!(of("/bin/bash", &["bash", "-eu", "-o", "pipefail", "x.sh"]), file("x.sh"));
        assert_eq!(of("/bin/bash", &["bash", "-ec", "ls"]), None);
        assert_eq!(of("/bin/bash", &["bash", "-s", "arg"]), stdin);
        assert_eq!(of("/bin/sh", &["sh"]), stdin);
        assert_eq!(of("/usr/bin/python3.11", &["python", "-u", "-W", "ignore", "x.py"]), file("x.py"));
        assert_eq!(of("/usr/bin/python3", &["python3", "-m", "pip"]), None);
        assert_eq!(of("/usr/bin/python3", &["python3", "-"]), stdin);
        assert_eq!(of("/usr/bin/node", &["node", "--eval=1"]), None);
        assert_eq!(of("/bin/ls", &["ls", "x.sh"]), None);
    }

    #[test]
    fn a_long_script_is_cut_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.sh");
        std::fs::write(&path, vec![b'a'; 70_000]).unwrap();
        let until = Instant::now() + Duration::from_mins(1);
        let script = read(File::open(&path).unwrap(), "x".into(), &Hashes::default(), until).unwrap();
        assert_eq!((script.text.len(), script.truncated), (65_536, true));
    }
}
