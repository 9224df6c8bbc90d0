//! Program text in other languages: where it is, and the commands it starts.

mod aliases;

use super::unwrap::{Child, Found, Inner, is_standard_input};
use super::{Finding, Input, Seen, carries_program};
use crate::assessment::Word;
use crate::request::{ExecRequest, Stdin};
use crate::tools::{Arguments, CodeReader, RunsKind, Tool, Tools};

/// The longest literal that is taken for a command.
const MAX_LITERAL: usize = 4096;
/// Commands that are taken out of one program text.
const MAX_COMMANDS: usize = 16;

/// Looks at the text of a script that `interpreter` runs.
pub(super) fn script(interpreter: &str, text: &str, tools: &Tools, found: &mut Found) {
    let Some(tool) = tools.find(interpreter) else { return };
    if tool.runs.iter().any(|runs| runs.kind == RunsKind::Script) {
        let command = Inner::Shell { text: text.to_owned(), literal: true };
        found.children.push(plain(format!("{interpreter} script"), command));
    } else if let Some(reader) = &tool.code {
        program_text(&reader.language, text, tools, found);
    }
}

/// Looks for program text in an interpreter's arguments and input.
pub(super) fn code(
    seen: &Seen,
    request: &ExecRequest,
    tool: &Tool,
    reader: &CodeReader,
    tools: &Tools,
    found: &mut Found,
) {
    let arguments = Arguments::read(Some(tool), &seen.words, None);
    let mut given = false;
    for (text, literal) in arguments.values(&reader.options) {
        given = true;
        if !literal {
            found.findings.push(Finding::ComputedProgram);
        }
        program_text(&reader.language, text, tools, found);
    }
    for (module, _) in arguments.values(&reader.modules) {
        given = true;
        // Everything behind the module's name is its own.
        let at = seen.words.iter().position(|word| word.text.to_lossy().ends_with(module));
        let rest = at.and_then(|at| seen.words.get(at + 1..)).unwrap_or_default();
        let mut words = vec![Word { text: module.into(), literal: true }];
        words.extend(rest.iter().cloned());
        found.children.push(plain(format!("{} -m", reader.language), Inner::Words(words)));
    }
    if let Some(unless) = &reader.first_argument_unless {
        if !arguments.has(unless)
            && let Some(text) = arguments.free().first()
        {
            program_text(&reader.language, &text.text, tools, found);
        }
        return;
    }
    if let Some((first, rest)) = arguments.free().split_first()
        && reader.after.iter().any(|subcommand| *subcommand == first.text)
    {
        for word in rest {
            program_text(&reader.language, &word.text, tools, found);
        }
    }
    let console = |first: &str| matches!(first, "c" | "console" | "shell" | "tinker" | "dbconsole" | "iex");
    if let Some(first) = arguments.free().first()
        && !reader.after.is_empty()
        && console(&first.text)
        && let Input::Text(text) = &seen.input
    {
        program_text(&reader.language, text, tools, found);
    }
    if given || !reader.reads_stdin || seen.via.is_empty() && request.script.is_some() {
        return;
    }
    match arguments.free().first() {
        Some(file) if file.text.starts_with("<(") => found.findings.push(Finding::ComputedProgram),
        Some(file) if !is_standard_input(&file.text) => {}
        free => {
            let asks_version = free.is_none() && seen.words.len() > 1;
            if asks_version {
                return;
            }
            match &seen.input {
                Input::Text(text) => {
                    found.program_from_text = true;
                    program_text(&reader.language, text, tools, found);
                }
                Input::Pipe => found.findings.push(Finding::ProgramFromInput),
                Input::File => found.findings.push(Finding::UnreadScript),
                Input::Request => match &request.stdin {
                    Stdin::Socket => found.findings.push(Finding::SocketToShell),
                    Stdin::File { .. } => found.findings.push(Finding::UnreadScript),
                    stdin if carries_program(stdin) => found.findings.push(Finding::ProgramFromInput),
                    Stdin::Unknown
                    | Stdin::Closed
                    | Stdin::Null
                    | Stdin::Terminal
                    | Stdin::Pipe
                    | Stdin::Other => {}
                },
            }
        }
    }
}

/// Keeps a program text for the table of dangerous calls, and takes out the commands that it starts.
pub(super) fn program_text(language: &str, text: &str, tools: &Tools, found: &mut Found) {
    let resolved = aliases::resolved(text);
    let text = resolved.as_deref().unwrap_or(text);
    let mut taken = 0;
    let mut computed = false;
    for call in tools.knowledge().code.calls.iter().filter(|call| call.runs) {
        if !call.languages.is_empty() && !call.languages.iter().any(|l| l == language) {
            continue;
        }
        for needle in &call.texts {
            let mut from = 0;
            while let Some(at) = text.get(from..).and_then(|rest| rest.find(needle.as_str())) {
                let after = from + at + needle.len();
                from = after;
                taken += 1;
                if taken > MAX_COMMANDS {
                    found.findings.push(Finding::TooDeep);
                    found.code.push((language.to_owned(), text.to_owned()));
                    return;
                }
                // A needle that ends with the quote itself stands before the text.
                let start = if needle.ends_with(['"', '\'', '`']) { after - 1 } else { after };
                // A name without its parenthesis: what it is called with stands further on, if it is called at all.
                if needle.ends_with(char::is_alphanumeric) {
                    continue;
                }
                match text.get(start..).and_then(command_literal) {
                    Some(inner) => found.children.push(plain(language.to_owned(), inner)),
                    None if needle.ends_with('(') => computed = true,
                    None => {}
                }
            }
        }
    }
    if tools.knowledge().code.words.backquote_languages.contains(language) {
        for inside in text.split('`').skip(1).step_by(2).take(MAX_COMMANDS) {
            let shell = Inner::Shell { text: inside.to_owned(), literal: true };
            found.children.push(plain(language.to_owned(), shell));
        }
    }
    if computed {
        found.findings.push(Finding::ComputedStart);
    }
    found.code.push((language.to_owned(), text.to_owned()));
}

/// `"text"`, `['a', 'b']` or `'a', ['b']` right behind a call.
fn command_literal(rest: &str) -> Option<Inner> {
    let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '(');
    if let Some(list) = rest.strip_prefix('[') {
        let words = strings(list, ']');
        return (!words.is_empty()).then_some(Inner::Words(words));
    }
    let (text, after) = string(rest)?;
    let after = after.trim_start();
    if let Some(list) = after.strip_prefix(',').map(str::trim_start) {
        // spawn("rm", ["-rf", "/"]) and system("rm", "-rf", "/")
        let (list, end) = list.strip_prefix('[').map_or((list, ')'), |list| (list, ']'));
        let arguments = strings(list, end);
        if !arguments.is_empty() {
            let mut words = vec![Word { text: text.into(), literal: true }];
            words.extend(arguments);
            return Some(Inner::Words(words));
        }
    }
    Some(Inner::Shell { text, literal: true })
}

fn strings(mut rest: &str, end: char) -> Vec<Word> {
    let mut words = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        if rest.starts_with(end) || words.len() > 64 {
            return words;
        }
        let Some((text, after)) = string(rest) else { return words };
        words.push(Word { text: text.into(), literal: true });
        rest = after;
    }
}

/// A quoted string of whichever language: its text and what follows.
fn string(rest: &str) -> Option<(String, &str)> {
    let mut chars = rest.char_indices();
    let (_, quote) = chars.next()?;
    if !matches!(quote, '"' | '\'' | '`') {
        return None;
    }
    let mut text = String::new();
    while let Some((at, c)) = chars.next() {
        if at > MAX_LITERAL {
            return None;
        }
        if c == quote {
            return Some((text, &rest[at + c.len_utf8()..]));
        }
        if c == '\\' {
            let (_, escaped) = chars.next()?;
            text.push(if escaped == 'n' { '\n' } else { escaped });
        } else {
            text.push(c);
        }
    }
    None
}

fn plain(label: String, command: Inner) -> Child {
    Child { label, command, assignments: Vec::new(), elsewhere: false, privileged: false, appends: false }
}
