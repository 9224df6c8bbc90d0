//! What would really run: from one exec to every simple command in it.
//!
//! A request is an argument vector. Wrappers (`sudo`, `sh -c`, `ssh`, `find -exec`, ...) carry other commands in theirs;
//! each is taken out and looked at by itself. Nothing is ever dropped: what cannot be seen is a [`Finding`].

mod interpreters;
mod name;
pub(crate) mod shell;
mod unknown;
pub(crate) mod unwrap;
pub(crate) mod written;

use std::rc::Rc;

use crate::assessment::{Redirection, Word};
use crate::request::{ExecRequest, Stdin};
use crate::tools::{RunsKind, Tools};
use crate::untrusted::Untrusted;

pub(crate) use shell::{Around, is_many};

pub(crate) use name::{ProgramName, program_name};
pub(crate) use unwrap::is_standard_input;

/// Wrappers in wrappers that are followed.
const MAX_WRAPPINGS: usize = 16;
/// Commands of one request that are looked at.
const MAX_COMMANDS: usize = 1024;
/// Words of one command that are looked at.
const MAX_WORDS: usize = 4096;
/// Redirections of one command that are looked at.
pub(crate) const MAX_REDIRECTIONS: usize = 256;
/// Bytes of the name of a folder that commands go to; each of them is looked at from there.
const MAX_DIRECTORY: usize = 1024;
/// Bytes of shell and program text that are read for one request, inner ones counted again.
const MAX_TEXT: usize = 1024 * 1024;

/// One simple command and what is known around it.
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each true or not")]
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// The command that it was taken out of.
    pub parent: Option<usize>,
    pub via: Vec<String>,
    pub words: Vec<Word>,
    pub redirections: Vec<Redirection>,
    pub assignments: Vec<(String, Word)>,
    pub elsewhere: bool,
    /// A wrapper gave it more rights.
    pub privileged: bool,
    /// More arguments come from standard input.
    pub appends: bool,
    pub input: Input,
    /// Commands whose output is part of its words.
    pub substituted: Vec<usize>,
    /// Commands that write into it.
    pub upstream: Rc<[usize]>,
    /// It reads its program from a text that was seen.
    pub program_from_text: bool,
    pub findings: Vec<Finding>,
    /// Program text in other languages: the language and the text.
    pub code: Vec<(String, String)>,
    /// Where it runs, as far as a `cd` before it says; else where the request runs.
    pub directory: Option<String>,
    /// One of its redirections adds to a file.
    pub extends: bool,
    /// What loops it stands in.
    pub around: Around,
    /// The loop before it, whose redirections these are.
    pub collected: Around,
    /// Another command was taken out of it.
    pub wraps: bool,
    /// The name of its program, looked through links, versions and look-alikes.
    pub program: ProgramName,
}

/// Where a command reads from.
#[derive(Clone, Debug, Default)]
pub(crate) enum Input {
    /// From where the request reads.
    #[default]
    Request,
    /// From other commands, and nobody knows what they write.
    Pipe,
    /// This text.
    Text(Rc<str>),
    /// A file.
    File,
}

/// Something that could not be seen, or that is a danger by its form alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Finding {
    ComputedCommand,
    UnparsedShell,
    TooDeep,
    ScriptCut,
    UnreadScript,
    ProgramFromInput,
    ShellFromInput,
    SocketToShell,
    ComputedProgram,
    ComputedStart,
    /// It starts itself or others without end.
    Multiplies,
    Empty,
    /// The argument vector could not be read.
    UnreadArguments,
}

/// Every simple command of a request, outermost first. At least one.
pub(crate) fn see(request: &ExecRequest, tools: &Tools) -> Vec<Seen> {
    let words = request.argv.iter().map(|text| Word { text: text.clone(), literal: true }).collect();
    let mut all =
        Unwrapping { request, tools, seen: vec![Seen { words, ..Seen::default() }], text_left: MAX_TEXT };
    let mut next = 0;
    while next < all.seen.len() {
        all.unwrap(next);
        next += 1;
    }
    all.seen
}

/// The work list of one request.
pub(crate) struct Unwrapping<'r> {
    request: &'r ExecRequest,
    tools: &'r Tools,
    seen: Vec<Seen>,
    text_left: usize,
}

impl Unwrapping<'_> {
    fn unwrap(&mut self, at: usize) {
        let (children, findings, program) = {
            let Some(seen) = self.seen.get(at) else { return };
            let program = program_name(seen, self.request, self.tools);
            let mut found = unwrap::Found::default();
            if seen.words.len() > MAX_WORDS || seen.redirections.len() > MAX_REDIRECTIONS {
                found.findings.push(Finding::TooDeep);
            } else {
                unwrap::look_inside(seen, &program, self.request, self.tools, &mut found);
                if let Some((interpreter, text)) = written::program(&self.seen, at, &program, self.tools) {
                    interpreters::script(&interpreter, &text, self.tools, &mut found);
                }
            }
            (std::mem::take(&mut found.children), found, program)
        };
        if let Some(seen) = self.seen.get_mut(at) {
            seen.program = program;
            seen.findings.extend(findings.findings);
            seen.code = findings.code;
            seen.program_from_text = findings.program_from_text;
            seen.wraps = !children.is_empty();
        }
        for child in children {
            self.add(at, child);
        }
    }

    fn add(&mut self, parent: usize, child: unwrap::Child) {
        let Some(from) = self.seen.get(parent).map(Seen::clone_surroundings) else { return };
        if from.via.len() >= MAX_WRAPPINGS {
            self.finding(parent, Finding::TooDeep);
            return;
        }
        let mut via = from.via.clone();
        via.push(child.label);
        let inherited = Seen {
            parent: Some(parent),
            via,
            elsewhere: from.elsewhere || child.elsewhere,
            privileged: from.privileged || child.privileged,
            // What stands in a text as `$1` or `{}` comes from there too.
            appends: child.appends || from.appends && matches!(child.command, unwrap::Inner::Shell { .. }),
            input: from.input.clone(),
            upstream: Rc::clone(&from.upstream),
            substituted: from.substituted.clone(),
            assignments: child.assignments,
            directory: from.directory.clone(),
            around: from.around,
            ..Seen::default()
        };
        match child.command {
            unwrap::Inner::Words(words) => {
                if self.seen.len() >= MAX_COMMANDS {
                    self.finding(parent, Finding::TooDeep);
                } else {
                    self.seen.push(Seen { words, ..inherited });
                }
            }
            unwrap::Inner::Shell { text, literal } => {
                if !literal {
                    self.finding(parent, Finding::ComputedProgram);
                }
                self.shell(parent, &text, &inherited, &from);
            }
        }
    }

    fn shell(&mut self, parent: usize, text: &str, inherited: &Seen, from: &Seen) {
        if text.len() > self.text_left || self.seen.len() >= MAX_COMMANDS {
            self.finding(parent, Finding::TooDeep);
            return;
        }
        self.text_left -= text.len();
        let environment = |name: &str| {
            let set = inherited.assignments.iter().chain(&from.assignments).find(|(set, _)| set == name);
            match set {
                Some((_, word)) => word.literal.then(|| word.text.to_lossy().into_owned()),
                None if inherited.elsewhere => None,
                None => {
                    self.request.env.get(&Untrusted::from(name)).map(|value| value.to_lossy().into_owned())
                }
            }
        };
        let base = self.seen.len();
        let read = shell::read(text, &environment, MAX_COMMANDS - base);
        match read.trouble {
            None => {}
            Some(shell::Trouble::Unreadable) => self.finding(parent, Finding::UnparsedShell),
            Some(shell::Trouble::TooMuch) => self.finding(parent, Finding::TooDeep),
        }
        if read.multiplies {
            self.finding(parent, Finding::Multiplies);
        }
        let mut directory = inherited.directory.clone();
        for command in read.commands {
            let mut upstream = Rc::clone(&inherited.upstream);
            let input = match command.input {
                shell::ShellInput::Inherited => inherited.input.clone(),
                shell::ShellInput::Pipe(range) => {
                    upstream = range.map(|number| base + number).rev().take(64).collect();
                    piped_text(self.tools, &self.seen, &upstream)
                        .map_or(Input::Pipe, |text| Input::Text(text.into()))
                }
                shell::ShellInput::Text(text) => Input::Text(text.into()),
                shell::ShellInput::File => {
                    let mut read = command.redirections.iter().filter(|redirection| !redirection.writes);
                    let file = read.find_map(|redirection| redirection.target.as_ref());
                    let written = file.and_then(|file| {
                        written::text_of(&self.seen, self.seen.len(), &file.text.to_lossy())
                    });
                    written.map_or(Input::File, |text| Input::Text(text.into()))
                }
                shell::ShellInput::Pending(_) => Input::Text("".into()),
            };
            let goes_to = changes_directory(&command.words);
            let substituted = command.substituted.into_iter().flatten().take(64).map(|n| base + n).collect();
            self.seen.push(Seen {
                words: command.words,
                redirections: command.redirections,
                assignments: command.assignments,
                input,
                substituted,
                upstream,
                directory: directory.clone(),
                extends: command.extends,
                around: if command.around == Around::Nothing {
                    inherited.around
                } else {
                    command.around.behind(base)
                },
                collected: command.collected.behind(base),
                ..inherited.clone_context()
            });
            if let Some(target) = goes_to {
                let mut joined = join(directory.as_deref(), &target);
                if joined.len() > MAX_DIRECTORY {
                    self.finding(parent, Finding::TooDeep);
                    joined.truncate(joined.floor_char_boundary(MAX_DIRECTORY));
                }
                directory = Some(joined);
            }
        }
    }

    fn finding(&mut self, at: usize, finding: Finding) {
        if let Some(seen) = self.seen.get_mut(at)
            && !seen.findings.contains(&finding)
        {
            seen.findings.push(finding);
        }
    }
}

impl Seen {
    /// What a command passes on to those inside of it.
    fn clone_surroundings(&self) -> Self {
        Self {
            assignments: self.assignments.clone(),
            input: self.input.clone(),
            substituted: self.substituted.clone(),
            upstream: Rc::clone(&self.upstream),
            directory: self.directory.clone(),
            ..self.clone_context()
        }
    }

    /// What commands of the same shell text have in common.
    fn clone_context(&self) -> Self {
        Self {
            parent: self.parent,
            via: self.via.clone(),
            elsewhere: self.elsewhere,
            privileged: self.privileged,
            appends: self.appends,
            around: self.around,
            ..Self::default()
        }
    }
}

/// What the only command upstream writes, where that can be told without running it.
fn piped_text(tools: &Tools, seen: &[Seen], upstream: &[usize]) -> Option<String> {
    let [only] = upstream else { return None };
    let writer = seen.get(*only)?;
    let input = match &writer.input {
        Input::Text(text) => Some(text.as_ref()),
        Input::Request | Input::Pipe | Input::File => None,
    };
    // A wrapper in front (`sudo echo x | sh`) writes what it runs writes.
    let is_echo = |word: &Word| matches!(word.text.as_bytes(), b"echo" | b"printf");
    let wraps = |word: &Word| {
        let tool = tools.find(&word.text.to_lossy());
        tool.is_some_and(|tool| tool.runs.iter().any(|runs| runs.kind == RunsKind::Argv))
    };
    let start = match writer.words.first() {
        Some(first) if wraps(first) => writer.words.iter().position(is_echo).unwrap_or_default(),
        _ => 0,
    };
    shell::output_of(writer.words.get(start..)?, &writer.redirections, input)
}

/// Where a `cd` goes, if this is one.
fn changes_directory(words: &[Word]) -> Option<String> {
    let name = words.first()?.text.to_lossy();
    if name != "cd" && name != "pushd" {
        return None;
    }
    let target = words.iter().skip(1).find(|word| !word.text.as_bytes().starts_with(b"-"));
    Some(target.map_or_else(|| "~".to_owned(), |word| word.text.to_lossy().into_owned()))
}

/// Where something lies that is named from a folder.
pub(crate) fn join(directory: Option<&str>, target: &str) -> String {
    match directory {
        Some(directory) if !target.starts_with(['/', '~', '$']) => format!("{directory}/{target}"),
        _ => target.to_owned(),
    }
}

/// Whether the request's standard input can carry a program that nobody saw.
pub(crate) fn carries_program(stdin: &Stdin) -> bool {
    match stdin {
        Stdin::Pipe | Stdin::Socket | Stdin::Other | Stdin::File { .. } => true,
        Stdin::Unknown | Stdin::Closed | Stdin::Null | Stdin::Terminal => false,
    }
}
