//! What the commands are that write into another one, and those that write into them.
//!
//! What a command says of itself is the same whoever asks, so it is found out once for all commands of a text. Which of
//! its words name secrets depends on the folder of the one that asks; that is kept for the folder that was asked from last.

use std::cell::{Cell, RefCell};

use super::super::{Look, paths, secrets};
use super::MAX_STREAM;
use crate::see::{Input, Seen};
use crate::tools::{Arguments, Reach, Runs, RunsKind, Tool};

/// Bytes of a word that are compared with paths; no longer one can be opened.
const MAX_PATH: usize = 4096;
/// Words of one text that are compared with secrets anew because another command asks from another folder. Beyond it what
/// may name a secret counts as one.
const MAX_ANEW: usize = 4096;

/// Where what comes into a command comes from.
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each true or not")]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sources {
    pub(super) fetched: bool,
    pub(super) decoded: bool,
    pub(super) secret: bool,
    pub(super) environment: bool,
    pub(super) any: bool,
    pub(super) gate: bool,
    pub(super) bulk: bool,
    /// What is packed lies outside of the work tree.
    pub(super) elsewhere: bool,
    /// A shell that reads its commands while it runs.
    pub(super) terminal: bool,
}

/// What the commands of one text said when others asked about them.
#[derive(Debug, Default)]
pub(in crate::score) struct AskedBefore {
    facts: RefCell<Vec<Option<Facts>>>,
    /// Words that were compared anew.
    anew: Cell<usize>,
}

/// What one command says to those that ask.
#[derive(Debug)]
struct Facts {
    /// Whoever asks.
    says: Sources,
    /// Files that it reads as its input.
    reads: Named,
    /// What it shows, if it shows anything.
    shows: Named,
    /// Whether what it packs lies outside of the work tree, for those that run here and for those that run elsewhere.
    elsewhere: [Option<bool>; 2],
}

/// Texts that name secrets or do not.
#[derive(Debug, Default)]
struct Named {
    texts: Vec<String>,
    /// The folder that was asked from last, by its number, and what came of it.
    last: Option<(usize, bool)>,
}

/// What the commands that write into this one are, and those that write into them.
pub(super) fn sources(look: &Look<'_>, from: impl Iterator<Item = usize>) -> Sources {
    let mut sources = Sources::default();
    let mut todo: Vec<usize> = from.take(MAX_STREAM).collect();
    let mut done = 0;
    while let Some(number) = todo.pop() {
        done += 1;
        if done > MAX_STREAM {
            break;
        }
        let Some(seen) = look.all.get(number) else { continue };
        look.so_far.asked.ask(look, number, seen, |facts, anew| {
            sources.add(facts.says);
            sources.secret = sources.secret || facts.shows.a_secret(look, anew);
            sources.elsewhere = sources.elsewhere || facts.lie_elsewhere(look, seen);
        });
        if seen.wraps {
            todo.extend(look.inside(number).map(|(inner, _)| inner).take(MAX_STREAM));
        }
        todo.extend(seen.upstream.iter().chain(&seen.substituted).copied().filter(|next| *next != number));
    }
    sources
}

impl AskedBefore {
    /// Whether another command's output is a secret.
    pub(super) fn shows_secret(&self, look: &Look<'_>, number: usize, seen: &Seen) -> bool {
        self.ask(look, number, seen, |facts, anew| facts.shows.a_secret(look, anew))
    }

    /// Whether another command reads a file that holds secrets as its input.
    pub(super) fn reads_secret(&self, look: &Look<'_>, number: usize, seen: &Seen) -> bool {
        self.ask(look, number, seen, |facts, anew| facts.reads.a_secret(look, anew))
    }

    fn ask<T>(
        &self,
        look: &Look<'_>,
        number: usize,
        seen: &Seen,
        question: impl FnOnce(&mut Facts, &Cell<usize>) -> T,
    ) -> T {
        let mut all = self.facts.borrow_mut();
        if all.len() <= number {
            all.resize_with(look.all.len().max(number + 1), || None);
        }
        question(all[number].get_or_insert_with(|| Facts::of(look, seen)), &self.anew)
    }
}

impl Sources {
    fn add(&mut self, other: Self) {
        self.fetched |= other.fetched;
        self.decoded |= other.decoded;
        self.secret |= other.secret;
        self.environment |= other.environment;
        self.any |= other.any;
        self.gate |= other.gate;
        self.bulk |= other.bulk;
        self.elsewhere |= other.elsewhere;
        self.terminal |= other.terminal;
    }
}

impl Facts {
    fn of(look: &Look<'_>, seen: &Seen) -> Self {
        let mut says = Sources {
            any: true,
            environment: shows_environment(seen),
            secret: secrets::looks_for_some(look, seen),
            terminal: is_terminal(look, seen),
            ..Sources::default()
        };
        if let Some(tool) = look.tools.find(&seen.program.name) {
            says.fetched = tool.fetches;
            says.decoded = tool.decodes;
            let under = seen.words.get(1).map(|word| word.text.to_lossy());
            let packs = |sub: &String| under.as_deref() == Some(sub.as_str());
            let reads_database = tool.sql.is_some() && tool.reach.contains(&Reach::Database);
            says.bulk =
                tool.bulk || reads_database || hands_out(tool, seen) || tool.bulk_under.iter().any(packs);
        }
        says.gate = seen.words.iter().skip(1).take(16).any(|word| {
            let bytes = word.text.as_bytes();
            let path = format!("/{}", String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_PATH)]));
            look.known.places.gate.fit(&path)
        });
        let (reads, shows) = (secrets::texts_read(seen), secrets::texts_shown(look, seen));
        Self { says, reads: Named::by(reads), shows: Named::by(shows), elsewhere: [None; 2] }
    }

    fn lie_elsewhere(&mut self, look: &Look<'_>, seen: &Seen) -> bool {
        // Where a path leads that begins at the root or at home is the same from every folder.
        let answer = &mut self.elsewhere[usize::from(look.seen.elsewhere)];
        self.says.bulk
            && *answer.get_or_insert_with(|| {
                let mut words = seen.words.iter().skip(1).take(MAX_STREAM).map(|word| word.text.to_lossy());
                words.any(|word| word.starts_with(['/', '~']) && paths::lies_elsewhere(look, &word))
            })
    }
}

impl Named {
    fn by(texts: Vec<String>) -> Self {
        Self { texts, last: None }
    }

    /// Whether one of them is a secret, looked at from where `look` stands.
    fn a_secret(&mut self, look: &Look<'_>, anew: &Cell<usize>) -> bool {
        if self.texts.is_empty() {
            return false;
        }
        if let Some((folder, answer)) = self.last {
            if folder == look.folder.number {
                return answer;
            }
            if anew.get() >= MAX_ANEW {
                return true;
            }
            anew.set(anew.get() + self.texts.len());
        }
        let answer = self.texts.iter().any(|text| paths::is_secret(look, text));
        self.last = Some((look.folder.number, answer));
        answer
    }
}

/// Whether a command prints what a cloud, a cluster or a tool of infrastructure keeps: `terraform output -json`.
fn hands_out(tool: &Tool, seen: &Seen) -> bool {
    let keeps = |word: &[u8]| {
        matches!(
            word,
            b"output"
                | b"state"
                | b"config"
                | b"env"
                | b"secret"
                | b"secrets"
                | b"variables"
                | b"inspect"
                | b"values"
        )
    };
    let reaches = tool.reach.iter().any(|reach| matches!(reach, Reach::Cloud | Reach::Cluster));
    reaches && seen.words.iter().skip(1).take(4).any(|word| keeps(word.text.as_bytes()))
}

/// A shell without a script and without a text: what it runs comes from where it reads.
fn is_terminal(look: &Look<'_>, seen: &Seen) -> bool {
    let Some(tool) = look.tools.find(&seen.program.name) else { return false };
    let script = tool.runs.iter().find(|runs| runs.kind == RunsKind::Script);
    let reads = |runs: &Runs| {
        let arguments = Arguments::read(Some(tool), &seen.words, None);
        arguments.free().is_empty() && !arguments.has(&runs.options) && !tool.runs_files
    };
    script.is_some_and(reads) && !seen.program_from_text && !matches!(seen.input, Input::Text(_))
}

/// `env`, `printenv`, `set`, `export -p` without arguments that narrow them.
pub(super) fn shows_environment(seen: &Seen) -> bool {
    let rest = seen.words.len() - usize::from(!seen.words.is_empty());
    match seen.program.name.as_str() {
        "env" | "printenv" | "set" => rest == 0,
        "export" | "declare" | "typeset" => {
            seen.words.get(1).is_none_or(|word| matches!(word.text.as_bytes(), b"-p" | b"-x" | b"-px"))
        }
        _ => false,
    }
}
