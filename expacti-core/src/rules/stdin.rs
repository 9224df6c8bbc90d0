//! Commands that run what comes in on standard input: their argv says nothing about what they will do.

use super::flag::gives_flag;
use super::path::file_name;
use super::scene::Sight;

/// Programs that run what they read, and what tells them to run something else instead.
const READS_ITS_PROGRAM: [(&str, &[&str]); 20] = [
    ("sh", &["-c"]),
    ("bash", &["-c"]),
    ("dash", &["-c"]),
    ("zsh", &["-c"]),
    ("ksh", &["-c"]),
    ("ash", &["-c"]),
    ("fish", &["-c", "--command"]),
    ("python", &["-c", "-m"]),
    ("python3", &["-c", "-m"]),
    ("perl", &["-e", "-E"]),
    ("ruby", &["-e"]),
    ("node", &["-e", "-p", "--eval", "--print", "--test"]),
    ("deno", &[]),
    ("bun", &["-e"]),
    ("php", &["-r"]),
    ("lua", &["-e"]),
    ("psql", &["-c", "-f", "-l", "--command", "--file", "--list"]),
    ("mysql", &["-e", "--execute"]),
    ("mariadb", &["-e", "--execute"]),
    ("mongosh", &["--eval", "--file", "-f"]),
];

/// Tools for which words that are no options say where to connect, not what to run.
const TAKES_A_PLACE: [&str; 4] = ["psql", "mysql", "mariadb", "mongosh"];

/// Whether the command would run what comes in on standard input.
pub(super) fn reads_its_program(sight: Sight<'_>) -> bool {
    let Some(program) = sight.command.words.first() else { return false };
    let name = file_name(program.text.as_bytes());
    let Some((name, instead)) = READS_ITS_PROGRAM.iter().find(|(known, _)| known.as_bytes() == name) else {
        return false;
    };
    let arguments = || sight.command.words[1..].iter().map(|word| word.text.as_bytes());
    let gives = |flag: &str| arguments().any(|word| gives_flag(word, flag.as_bytes()));
    if instead.iter().any(|flag| gives(flag)) {
        return false;
    }
    if arguments()
        .any(|word| matches!(word, b"-" | b"-s" | b"/dev/stdin" | b"/proc/self/fd/0" | b"/dev/fd/0"))
    {
        return true;
    }
    if arguments().any(|word| matches!(word, b"--version" | b"--help" | b"-V")) {
        return false;
    }
    TAKES_A_PLACE.contains(name) || arguments().all(|word| word.starts_with(b"-"))
}
