//! Taking commands out of commands, as the descriptions of their programs say.

mod joined;
mod search;

use joined::joined;
pub(crate) use search::search_targets;

use super::{Finding, Input, ProgramName, Seen, carries_program, interpreters, unknown};
use crate::assessment::Word;
use crate::request::{ExecRequest, Stdin};
use crate::tools::{Arguments, CodeReader, Reach, Runs, RunsKind, Tool, Tools};

/// What was found in one command.
#[derive(Default)]
pub(super) struct Found {
    pub children: Vec<Child>,
    pub findings: Vec<Finding>,
    pub code: Vec<(String, String)>,
    pub program_from_text: bool,
}

/// A command inside another.
pub(super) struct Child {
    /// How the outer one is called in `via`.
    pub label: String,
    pub command: Inner,
    pub assignments: Vec<(String, Word)>,
    pub elsewhere: bool,
    pub privileged: bool,
    pub appends: bool,
}

/// The form of an inner command.
pub(super) enum Inner {
    /// An argument vector.
    Words(Vec<Word>),
    /// Shell text, and whether all of it is known now.
    Shell { text: String, literal: bool },
}

/// Looks for commands and program text in a command's arguments.
pub(super) fn look_inside(
    seen: &Seen,
    program: &ProgramName,
    request: &ExecRequest,
    tools: &Tools,
    found: &mut Found,
) {
    let Some(first) = seen.words.first() else {
        if seen.redirections.is_empty() && seen.assignments.is_empty() {
            // Not the same: no words, and words that nobody could read.
            let is_the_exec = seen.via.is_empty() && request.argv.is_empty();
            let unread = is_the_exec && !request.missing.is_empty();
            found.findings.push(if unread { Finding::UnreadArguments } else { Finding::Empty });
        }
        return;
    };
    if !first.literal
        && !program.name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+-".contains(&b))
        && !is_any_of_a_folder(&first.text.to_lossy())
        && !prints_settings(&first.text.to_lossy(), tools)
    {
        found.findings.push(Finding::ComputedCommand);
    }
    if seen.via.is_empty()
        && let Some(script) = &request.script
    {
        let text = script.text.to_lossy().into_owned();
        let interpreter = request.interpreters.last().map_or_else(
            || program.name.clone(),
            |interpreter| interpreter.path.to_lossy().rsplit('/').next().unwrap_or_default().to_owned(),
        );
        interpreters::script(&interpreter, &text, tools, found);
        if script.truncated {
            found.findings.push(Finding::ScriptCut);
        }
    }
    let Some(tool) = tools.find(&program.name) else {
        unknown::look_inside(seen, program, tools, found);
        return;
    };
    for runs in &tool.runs {
        look_at(seen, program, request, tools, tool, runs, found);
    }
    if let Some(reader) = &tool.code {
        interpreters::code(seen, request, tool, reader, tools, found);
    }
}

#[expect(clippy::too_many_lines, reason = "one arm for each way in which a command lies inside another")]
fn look_at(
    seen: &Seen,
    program: &ProgramName,
    request: &ExecRequest,
    tools: &Tools,
    tool: &Tool,
    runs: &Runs,
    found: &mut Found,
) {
    let depth = runs.sub_words.iter().map(Vec::len).max().unwrap_or_default();
    let limit = matches!(
        runs.kind,
        RunsKind::Argv | RunsKind::KnownScript | RunsKind::Joined | RunsKind::ShellText | RunsKind::Script
    )
    .then_some(depth + runs.skip + 1)
    .or_else(|| {
        // Options of a wrapper end where the command begins that it runs.
        let same =
            |other: &&Runs| other.kind == RunsKind::Argv && other.sub == runs.sub && other.options.is_empty();
        tool.runs.iter().find(same).map(|other| depth + other.skip + 1)
    });
    let arguments = Arguments::read(Some(tool), &seen.words, limit);
    let Some(after) = arguments.after_wrapper(runs) else { return };
    if arguments.has(&runs.unless) {
        return;
    }
    let free = arguments.free().get(after + runs.skip..).unwrap_or_default();
    let child = |label: String, command: Inner| Child {
        label,
        command,
        assignments: Vec::new(),
        elsewhere: runs.elsewhere,
        privileged: runs.privileged,
        appends: runs.appends,
    };
    let name = &program.name;
    match runs.kind {
        RunsKind::Argv => {
            if !runs.options.is_empty() && !arguments.has(&runs.options) {
                return;
            }
            if tool.mixed
                && let Some(words) = taken_for_a_value(seen, free.first().map(|word| word.index), tools)
            {
                found.children.push(child(name.clone(), Inner::Words(words)));
            }
            let Some(start) = free.first().map(|word| word.index) else { return };
            let mut words = seen.words.get(start..).unwrap_or_default();
            let mut assignments = Vec::new();
            while runs.assignments
                && let Some((first, rest)) = words.split_first()
                && let Some(assignment) = as_assignment(first)
            {
                assignments.push(assignment);
                words = rest;
            }
            if words.first().is_some_and(|word| word.text.as_bytes() == b"--") {
                words = &words[1..];
            }
            // `yarn exec 'rm -rf x'`: one word that holds a whole line is no program's name.
            if let [line] = words
                && line.text.as_bytes().contains(&b' ')
                && !line.text.as_bytes().starts_with(b"/")
            {
                let shell = Inner::Shell { text: line.text.to_lossy().into_owned(), literal: line.literal };
                found.children.push(child(name.clone(), shell));
            }
            if !words.is_empty() {
                let inner = child(name.clone(), Inner::Words(words.to_vec()));
                found.children.push(Child { assignments, ..inner });
            }
        }
        RunsKind::KnownScript => {
            let inline = tool
                .code
                .as_ref()
                .is_some_and(|code| arguments.has(&code.options) || arguments.has(&code.modules));
            if let Some(script) = free.first().filter(|_| !inline) {
                let name = script.text.rsplit('/').next().unwrap_or_default();
                // `deno eval CODE` has nothing to do with the shell's `eval`.
                let is_verb = |code: &CodeReader| code.after.iter().any(|verb| *verb == script.text);
                let fits = |described: &Tool| {
                    !tool.code.as_ref().is_some_and(is_verb)
                        && described.names != tool.names
                        && (!runs.reaches || described.reach.iter().any(|reach| *reach != Reach::Application))
                };
                if tools.find(name).is_some_and(fits) {
                    let words = seen.words.get(script.index..).unwrap_or_default().to_vec();
                    found.children.push(child(program.name.clone(), Inner::Words(words)));
                }
            }
        }
        RunsKind::ShellText => {
            if (runs.options.is_empty() || arguments.has(&runs.options))
                && let Some(text) = free.first()
            {
                let option = runs.options.first().map_or("", String::as_str);
                let label = format!("{name} {option}").trim_end().to_owned();
                let shell = Inner::Shell { text: text.text.clone().into_owned(), literal: text.literal };
                if runs_its_input(seen, &text.text) {
                    found.findings.push(Finding::ComputedProgram);
                }
                // The first argument behind the text is $0, then come $1 and so on.
                let parameters = free.iter().skip(2).take(9).enumerate().map(|(number, word)| {
                    let value = Word { text: word.text.as_ref().into(), literal: word.literal };
                    ((number + 1).to_string(), value)
                });
                let assignments = parameters.collect();
                found.children.push(Child { assignments, ..child(label, shell) });
            } else if seen.appends && free.is_empty() && arguments.has(&runs.options) {
                // `xargs sh -c`: the text comes from standard input.
                from_input(seen, request, name, found);
            }
        }
        RunsKind::ShellOption => {
            for (text, literal) in arguments.values(&runs.options) {
                let option = runs.options.first().map_or("", String::as_str);
                let shell = Inner::Shell { text: text.to_owned(), literal };
                found.children.push(child(format!("{name} {option}"), shell));
            }
        }
        RunsKind::Joined => {
            if !free.is_empty() {
                let (text, template) = joined(free);
                let literal = template.iter().all(|word| word.literal);
                let literal = literal || prints_settings(&text, tools);
                found.children.push(child(name.clone(), Inner::Shell { text, literal }));
            } else if runs.elsewhere
                && let Input::Text(text) = &seen.input
            {
                // A session whose commands stand in a here-document.
                let shell = Inner::Shell { text: text.as_ref().to_owned(), literal: true };
                found.children.push(child(name.clone(), shell));
            }
        }
        RunsKind::Between => {
            let targets = search_targets(tool, &arguments, &seen.words);
            for words in between(&seen.words, &runs.options, targets.first().map_or("{}", String::as_str)) {
                found.children.push(child(format!("{name} -exec"), Inner::Words(words)));
            }
        }
        RunsKind::Script => {
            if arguments.has(&runs.options) {
                return;
            }
            if arguments.has(&runs.input_options) {
                from_input(seen, request, name, found);
                return;
            }
            match free.first() {
                Some(_) if seen.via.is_empty() && request.script.is_some() => {}
                Some(file) if is_standard_input(&file.text) => from_input(seen, request, name, found),
                Some(file) if file.text.starts_with("<(") => {
                    if !prints_settings(&file.text, tools) {
                        found.findings.push(Finding::ComputedProgram);
                    }
                }
                Some(file) => {
                    found.findings.push(Finding::UnreadScript);
                    let words = seen.words.get(file.index..).unwrap_or_default().to_vec();
                    found.children.push(child(name.clone(), Inner::Words(words)));
                }
                None => from_input(seen, request, name, found),
            }
        }
    }
}

/// `setsid -f rm -rf x`, where another program of the same description has an option `-f` with a value: the command from the
/// first known program on that stands before `start`, right behind an option.
fn taken_for_a_value(seen: &Seen, start: Option<usize>, tools: &Tools) -> Option<Vec<Word>> {
    let end = start.unwrap_or(seen.words.len()).min(seen.words.len());
    let is_program = |word: &Word| {
        let text = word.text.to_lossy();
        let name = text.rsplit('/').next().unwrap_or(&text);
        word.literal && tools.find(name).is_some_and(|tool| !tool.is_unknown())
    };
    let pairs = seen.words.get(1..end)?.windows(2);
    let at = pairs
        .into_iter()
        .position(|pair| pair[0].text.as_bytes().starts_with(b"-") && is_program(&pair[1]))?;
    seen.words.get(at + 2..).map(<[Word]>::to_vec)
}

/// `tests/*.sh`: whichever it is, it is a script that lies in a folder of the project.
fn is_any_of_a_folder(text: &str) -> bool {
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/*".contains(&b));
    let Some((folder, name)) = text.rsplit_once('/') else { return false };
    let ending = name.rsplit_once('.').map(|(_, ending)| ending).unwrap_or_default();
    plain(text)
        && !folder.starts_with('/')
        && !folder.contains(['*', '~'])
        && !folder.contains("..")
        && ending.len() > 1
        && ending.bytes().all(|b| b.is_ascii_alphabetic())
}

/// `xargs -I{} sh -c '{}'`: each line of the input is a command.
fn runs_its_input(seen: &Seen, text: &str) -> bool {
    let text = text.trim_start().trim_start_matches(['"', '\'']);
    // `xargs -I% sh -c '%'`
    let is_placeholder = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_punctuation());
    let begins = || ["{}", "$0", "$1", "$@", "$*", "eval "].iter().any(|input| text.starts_with(input));
    seen.appends && (is_placeholder || begins())
}

/// A shell that reads its commands from standard input.
fn from_input(seen: &Seen, request: &ExecRequest, name: &str, found: &mut Found) {
    match &seen.input {
        Input::Text(text) => {
            found.program_from_text = true;
            // `xargs -0` takes what stands between NULs.
            let text = text.replace('\0', "\n");
            found.children.push(Child {
                label: name.to_owned(),
                command: Inner::Shell { text, literal: true },
                assignments: Vec::new(),
                elsewhere: false,
                privileged: false,
                appends: false,
            });
        }
        Input::File => found.findings.push(Finding::UnreadScript),
        Input::Pipe => found.findings.push(Finding::ShellFromInput),
        Input::Request => match &request.stdin {
            Stdin::Socket => found.findings.push(Finding::SocketToShell),
            Stdin::File { .. } => found.findings.push(Finding::UnreadScript),
            stdin if carries_program(stdin) => found.findings.push(Finding::ShellFromInput),
            Stdin::Unknown | Stdin::Closed | Stdin::Null | Stdin::Terminal | Stdin::Pipe | Stdin::Other => {}
        },
    }
}

pub(crate) fn is_standard_input(path: &str) -> bool {
    matches!(path, "-" | "/dev/stdin" | "/dev/fd/0" | "/proc/self/fd/0")
}

/// Whether a text is nothing but the output of one known program that prints settings for the shell which asks:
/// `$(ssh-agent -s)`, `<(kubectl completion bash)`.
fn prints_settings(text: &str, tools: &Tools) -> bool {
    let inside =
        text.strip_prefix("$(").or_else(|| text.strip_prefix("<(")).and_then(|rest| rest.strip_suffix(')'));
    let Some(inside) =
        inside.filter(|inside| !inside.contains(['$', '`', ';', '|', '&', '(', '<', '>', '\n']))
    else {
        return false;
    };
    let mut words = inside.split_whitespace();
    let name = words.next().unwrap_or_default();
    let name = name.rsplit('/').next().unwrap_or(name);
    let known = &tools.knowledge().verbs.settings;
    tools
        .find(name)
        .is_some_and(|tool| tool.prints_settings || words.next().is_some_and(|word| known.contains(word)))
}

fn as_assignment(word: &Word) -> Option<(String, Word)> {
    let text = word.text.to_lossy();
    let (name, value) = text.split_once('=')?;
    let is_name = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    is_name.then(|| (name.to_owned(), Word { text: value.into(), literal: word.literal }))
}

/// The commands between options such as `-exec` and the `;` or `+` that ends them.
fn between(words: &[Word], options: &[String], target: &str) -> Vec<Vec<Word>> {
    let mut all = Vec::new();
    let mut rest = words;
    while let Some(at) =
        rest.iter().position(|word| options.iter().any(|o| o.as_bytes() == word.text.as_bytes()))
    {
        rest = &rest[at + 1..];
        let end = rest.iter().position(|word| matches!(word.text.as_bytes(), b";" | b"+" | b"\\;"));
        let inner = &rest[..end.unwrap_or(rest.len())];
        let computed = |word: &Word| {
            let text = word.text.to_lossy();
            if text.contains("{}") {
                return Word { text: text.replace("{}", target).into(), literal: false };
            }
            word.clone()
        };
        if !inner.is_empty() {
            all.push(inner.iter().map(computed).collect());
        }
        rest = &rest[inner.len()..];
    }
    all
}
