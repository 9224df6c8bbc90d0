//! Commands that run what comes in on standard input: their argv says nothing about what they will do.

use super::flag::gives_flag;
use super::path::file_name;
use super::program::without_version;
use super::scene::Sight;

/// For programs that run what they read: the options that tell them to run something else instead.
fn instead_of_reading(program: &[u8]) -> Option<&'static [&'static str]> {
    Some(match program {
        b"sh" | b"bash" | b"dash" | b"zsh" | b"ksh" | b"ash" => &["-c"],
        b"fish" => &["-c", "--command"],
        b"python" => &["-c", "-m"],
        b"perl" => &["-e", "-E"],
        b"ruby" | b"lua" | b"bun" => &["-e"],
        b"node" => &["-e", "-p", "--eval", "--print", "--test"],
        b"deno" => &[],
        b"php" => &["-r"],
        b"psql" => &["-c", "-f", "-l", "--command", "--file", "--list"],
        b"mysql" | b"mariadb" => &["-e", "--execute"],
        b"mongosh" => &["--eval", "--file", "-f"],
        _ => return None,
    })
}

/// Tools for which words that are no options say where to connect, not what to run.
const TAKES_A_PLACE: [&[u8]; 4] = [b"psql", b"mysql", b"mariadb", b"mongosh"];

/// Whether the command would run what comes in on standard input.
pub(super) fn reads_its_program(sight: Sight<'_>) -> bool {
    let Some(program) = sight.command.words.first() else { return false };
    let name = without_version(file_name(program.text.as_bytes()));
    let Some(instead) = instead_of_reading(name) else { return false };
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
    TAKES_A_PLACE.contains(&name) || arguments().all(|word| word.starts_with(b"-"))
}
