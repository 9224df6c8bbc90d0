//! What commands print that need no running: `echo`, `printf`, and what only passes on or decodes a known text.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::escape::unescape;
use super::variables::MAX_ELEMENTS;
use super::{MAX_EXPANDED, ShellCommand, ShellInput};
use crate::assessment::{Redirection, Word};

/// Commands of one pipeline whose output is told.
const MAX_PIPELINE: usize = 8;

/// What a command prints, where that needs no running: `echo`, `printf` without arguments, `which`, `command -v`, and
/// what only passes on or decodes a known `input`.
pub(crate) fn output_of(words: &[Word], redirections: &[Redirection], input: Option<&str>) -> Option<String> {
    let words: Option<Vec<_>> = words.iter().map(|word| word.literal.then(|| word.text.to_lossy())).collect();
    let words = words?;
    if redirections.iter().any(|redirection| redirection.writes && redirection.target.is_some()) {
        return None;
    }
    let (name, arguments) = words.split_first()?;
    let name = name.rsplit('/').next().unwrap_or(name);
    match (name, arguments) {
        ("echo", [option, rest @ ..])
            if option.starts_with('-') && option.contains('e') && option.len() < 4 =>
        {
            Some(unescape(&rest.join(" ")))
        }
        ("echo", [option, rest @ ..]) if option == "-n" => Some(rest.join(" ")),
        ("echo", rest) => Some(rest.join(" ")),
        ("printf", [format, rest @ ..]) if !format.starts_with('-') => formatted(format, rest),
        ("which", [program]) => Some(program.as_ref().to_owned()),
        ("command", [option, program]) if option == "-v" => Some(program.as_ref().to_owned()),
        ("cat" | "tee", [] | [_]) if arguments.iter().all(|argument| argument == "-") => {
            input.map(str::to_owned)
        }
        ("seq", numbers) => counted(numbers),
        ("rev", []) => input.map(|text| text.trim_end().chars().rev().collect()),
        ("tr", [option, set]) if option == "-d" => {
            let set = character_set(set)?;
            input.map(|text| text.chars().filter(|c| !set.contains(c)).collect())
        }
        ("tr", [from, to]) => translated(input?, from, to),
        ("openssl", [name, options @ ..])
            if matches!(name.as_ref(), "base64" | "enc" | "a")
                && options.iter().any(|option| option == "-d")
                && options.iter().all(|option| matches!(option.as_ref(), "-d" | "-A" | "-a" | "-base64")) =>
        {
            decoded(input?)
        }
        ("base64", [option]) if matches!(option.as_ref(), "-d" | "-D" | "--decode" | "-di") => {
            decoded(input?)
        }
        ("xxd", options) if options.iter().any(|option| option.contains('r')) => unhexed(input?),
        _ => None,
    }
}

/// What `seq` prints, where it is not much.
fn counted(numbers: &[Cow<'_, str>]) -> Option<String> {
    let numbers: Option<Vec<u32>> = numbers.iter().map(|number| number.parse().ok()).collect();
    let (from, step, to) = match numbers?[..] {
        [to] => (1, 1, to),
        [from, to] => (from, 1, to),
        [from, step, to] if step > 0 => (from, step, to),
        _ => return None,
    };
    let count = to.checked_sub(from).map_or(0, |distance| distance as usize / step as usize + 1);
    let numbers = (0..count).map(|number| (from as usize + number * step as usize).to_string());
    (count <= MAX_ELEMENTS).then(|| numbers.collect::<Vec<_>>().join("\n"))
}

/// The output of a pipeline, each command of which reads only from the one before it. `offset` is the first one's number.
pub(super) fn piped_output(commands: &[ShellCommand], offset: usize) -> Option<String> {
    if commands.len() > MAX_PIPELINE {
        return None;
    }
    let mut text: Option<String> = None;
    for (number, command) in commands.iter().enumerate() {
        let before = match &command.input {
            ShellInput::Inherited if number == 0 => None,
            ShellInput::Text(text) if number == 0 => Some(text.clone()),
            ShellInput::Pipe(range) if number > 0 && *range == (offset + number - 1..offset + number) => text,
            ShellInput::Inherited
            | ShellInput::Text(_)
            | ShellInput::Pipe(_)
            | ShellInput::File
            | ShellInput::Pending(_) => return None,
        };
        text = Some(output_of(&command.words, &command.redirections, before.as_deref())?);
    }
    text
}

/// What `printf FORMAT ARGUMENTS` prints, where it only puts texts together.
fn formatted(format: &str, arguments: &[Cow<'_, str>]) -> Option<String> {
    let mut printed = String::new();
    let mut left = arguments.iter();
    loop {
        let before = left.len();
        let mut pieces = format.split('%');
        printed.push_str(&unescape(pieces.next().unwrap_or_default()));
        let mut after_percent = false;
        for piece in pieces {
            if after_percent {
                // The second of `%%`: what follows it is plain.
                printed.push_str(&unescape(piece));
                after_percent = false;
                continue;
            }
            let mut chars = piece.chars();
            match chars.next() {
                None => {
                    printed.push('%');
                    after_percent = true;
                    continue;
                }
                Some('s' | 'd' | 'i' | 'u') => printed.extend(left.next().map(AsRef::as_ref)),
                Some('b') => printed.extend(left.next().map(|text| unescape(text))),
                Some('c') => printed.extend(left.next().and_then(|text| text.chars().next())),
                Some(_) => return None,
            }
            printed.push_str(&unescape(chars.as_str()));
        }
        // The format is used again until all arguments are taken.
        if left.len() == 0 || left.len() == before || printed.len() > MAX_EXPANDED {
            return Some(printed);
        }
    }
}

/// What `tr FROM TO` makes of a text.
fn translated(text: &str, from: &str, to: &str) -> Option<String> {
    let (from, to) = (character_set(from)?, character_set(to)?);
    let last = *to.last()?;
    let map =
        |c: char| from.iter().rposition(|f| *f == c).map_or(c, |at| to.get(at).copied().unwrap_or(last));
    Some(text.chars().map(map).collect())
}

/// The characters of a set of `tr`: single ones and ranges. None where it has classes.
fn character_set(set: &str) -> Option<Vec<char>> {
    if set.contains("[:") || set.contains("[=") || set.len() > 256 {
        return None;
    }
    let chars: Vec<char> = unescape(set).chars().filter(|c| !matches!(c, '[' | ']')).collect();
    let mut found = Vec::new();
    let mut rest = chars.as_slice();
    while let Some((first, after)) = rest.split_first() {
        if let ['-', last, ..] = after {
            if last < first || u32::from(*last) - u32::from(*first) > 256 {
                return None;
            }
            found.extend(*first..=*last);
            rest = &after[2..];
        } else {
            found.push(*first);
            rest = after;
        }
    }
    Some(found)
}

fn decoded(text: &str) -> Option<String> {
    let bare: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let bytes = BASE64.decode(bare).ok()?;
    String::from_utf8(bytes).ok()
}

fn unhexed(text: &str) -> Option<String> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = digits.chunks_exact(2).map(pair).collect();
    String::from_utf8(bytes?).ok()
}
