//! The same options in other spellings: long and short, taken apart and put together, in another order, with harmless ones between,
//! and the same thing named otherwise. For one simple command whose words are all known; what each program accepts is in
//! `synonyms.rs`.

use super::Variant;
use super::quote::join;
use super::reading::Reading;
use super::synonyms::{CLUSTERS, HARMLESS, LONG, NAMES, PERMUTES, SQL_OPTIONS, WITH_VALUE};
use crate::entry::Command;

/// The program and its arguments, and what stood in front of it.
struct Call<'w> {
    front: &'w [String],
    program: &'w str,
    arguments: &'w [String],
}

pub(super) fn of(command: &Command) -> Vec<Variant> {
    let words = match command {
        Command::Argv(words) => words.clone(),
        Command::Shell(text) => {
            let Some(words) = Reading::of(text).and_then(|reading| reading.literal_words()) else {
                return Vec::new();
            };
            words
        }
    };
    let Some(call) = Call::of(&words) else { return Vec::new() };
    let mut found = Vec::new();
    call.long_names(&mut found);
    call.values(&mut found);
    call.clusters(&mut found);
    call.order(&mut found);
    call.harmless_options(&mut found);
    call.other_names(&mut found);
    call.sql(&mut found);
    found
        .into_iter()
        .map(|(kind, words)| {
            let command = match command {
                Command::Argv(_) => Command::Argv(words),
                Command::Shell(_) => Command::Shell(join(&words)),
            };
            Variant { kind: kind.into(), command }
        })
        .collect()
}

type Found = Vec<(&'static str, Vec<String>)>;

impl<'w> Call<'w> {
    fn of(words: &'w [String]) -> Option<Self> {
        let at = usize::from(words.first()? == "sudo");
        let program = words.get(at).filter(|word| !word.starts_with('-'))?;
        Some(Self { front: &words[..at], program, arguments: &words[at + 1..] })
    }

    fn with(&self, arguments: impl IntoIterator<Item = String>) -> Vec<String> {
        self.named(&[self.program], arguments)
    }

    fn named(&self, program: &[&str], arguments: impl IntoIterator<Item = String>) -> Vec<String> {
        let program = program.iter().map(|word| (*word).to_owned());
        self.front.iter().cloned().chain(program).chain(arguments).collect()
    }

    /// The arguments with those from `at` on, `taken` of them, replaced.
    fn replaced(&self, at: usize, taken: usize, by: &[String]) -> Vec<String> {
        let (before, rest) = self.arguments.split_at(at);
        self.with(before.iter().chain(by).chain(&rest[taken..]).cloned())
    }

    /// `-f` and `--force`, wherever the program takes them.
    fn long_names(&self, found: &mut Found) {
        for (program, short, long) in LONG {
            if *program != self.program {
                continue;
            }
            for (at, argument) in self.arguments.iter().enumerate() {
                let other = if argument == short { long } else { short };
                if argument == short || argument == long {
                    found.push(("flags/other-name", self.replaced(at, 1, &[(*other).to_owned()])));
                }
            }
        }
    }

    /// `-n x`, `-nx`, `--name x` and `--name=x`.
    fn values(&self, found: &mut Found) {
        for (program, short, long) in WITH_VALUE {
            if *program != self.program {
                continue;
            }
            for (at, argument) in self.arguments.iter().enumerate() {
                let Some(value) =
                    self.arguments.get(at + 1).filter(|_| argument == short || argument == long)
                else {
                    continue;
                };
                // curl knows no equals sign between a name and its value.
                if self.program != "curl" {
                    found.push(("flags/value-attached", self.replaced(at, 2, &[format!("{long}={value}")])));
                }
                found.push(("flags/value-apart", self.replaced(at, 2, &[(*long).to_owned(), value.clone()])));
                found.push(("flags/value-short", self.replaced(at, 2, &[format!("{short}{value}")])));
            }
        }
    }

    /// `-rf`, `-fr`, `-r -f`, `--recursive --force`.
    fn clusters(&self, found: &mut Found) {
        for (program, letters) in CLUSTERS {
            if *program != self.program {
                continue;
            }
            for (at, argument) in self.arguments.iter().enumerate() {
                let Some(cluster) =
                    argument.strip_prefix('-').filter(|c| !c.is_empty() && !c.starts_with('-'))
                else {
                    continue;
                };
                let known: Option<Vec<&str>> = cluster
                    .chars()
                    .map(|c| letters.iter().find(|(letter, _)| *letter == c).map(|(_, long)| *long))
                    .collect();
                let Some(names) = known else { continue };
                let apart: Vec<String> = cluster.chars().map(|c| format!("-{c}")).collect();
                let long: Vec<String> = names.iter().map(|name| format!("--{name}")).collect();
                if apart.len() > 1 {
                    let back: String = cluster.chars().rev().collect();
                    let backwards: Vec<String> = apart.iter().rev().cloned().collect();
                    found.push(("flags/cluster-reversed", self.replaced(at, 1, &[format!("-{back}")])));
                    found.push(("flags/cluster-apart", self.replaced(at, 1, &apart)));
                    found.push(("flags/cluster-apart-reversed", self.replaced(at, 1, &backwards)));
                }
                found.push(("flags/cluster-long", self.replaced(at, 1, &long)));
                let mixed: Vec<String> = apart.iter().take(1).chain(long.iter().skip(1)).cloned().collect();
                found.push(("flags/cluster-mixed", self.replaced(at, 1, &mixed)));
            }
        }
    }

    /// Options behind the operands, where the program allows it.
    fn order(&self, found: &mut Found) {
        if !PERMUTES.contains(&self.program) || self.arguments.iter().any(|argument| argument == "--") {
            return;
        }
        let (options, operands): (Vec<String>, Vec<String>) =
            self.arguments.iter().cloned().partition(|argument| argument.starts_with('-'));
        let first = operands.iter().take(1).cloned();
        let rest = operands.iter().skip(1).cloned();
        found.push(("flags/behind", self.with(operands.iter().chain(&options).cloned())));
        found.push(("flags/between", self.with(first.chain(options.iter().cloned()).chain(rest))));
        found.push(("flags/backwards", self.with(options.iter().rev().chain(&operands).cloned())));
        if self.program == "rm" || self.program == "chmod" {
            let end = ["--".to_owned()];
            found.push(("flags/end-mark", self.with(options.iter().chain(&end).chain(&operands).cloned())));
        }
    }

    /// Options that change nothing, between the program and what it is to do.
    fn harmless_options(&self, found: &mut Found) {
        for (program, options) in HARMLESS {
            if *program == self.program {
                let options = options.iter().map(|option| (*option).to_owned());
                found.push(("flags/harmless", self.with(options.chain(self.arguments.iter().cloned()))));
            }
        }
    }

    /// Programs and things that have several names.
    fn other_names(&self, found: &mut Found) {
        for (names, others) in NAMES {
            let words: Vec<&str> =
                std::iter::once(self.program).chain(self.arguments.iter().map(String::as_str)).collect();
            if words.starts_with(names) {
                let rest = &self.arguments[names.len() - 1..];
                found.extend(
                    others.iter().map(|other| ("names/other", self.named(other, rest.iter().cloned()))),
                );
            }
        }
        if self.program == "kubectl" {
            for (at, argument) in self.arguments.iter().enumerate() {
                if let Some((kind @ ("deployment" | "pod" | "secret"), name)) = argument.split_once('/') {
                    found.push(("names/resource", self.replaced(at, 1, &[kind.into(), name.into()])));
                    found.push(("names/resource", self.replaced(at, 1, &[format!("{kind}s"), name.into()])));
                }
            }
        }
    }

    /// The same statement, written otherwise.
    fn sql(&self, found: &mut Found) {
        let Some((_, options)) = SQL_OPTIONS.iter().find(|(program, _)| *program == self.program) else {
            return;
        };
        for (at, argument) in self.arguments.iter().enumerate() {
            if at == 0 || !options.contains(&self.arguments[at - 1].as_str()) || argument.starts_with('\\') {
                continue;
            }
            // Quoted values and dollar-quoted bodies must stay as they are.
            if !argument.contains(['\'', '"', '$', '`']) {
                // MySQL's names of tables are case-sensitive on Linux.
                if self.program != "mysql" {
                    found.push(("sql/lower-case", self.replaced(at, 1, &[argument.to_lowercase()])));
                    found.push(("sql/upper-case", self.replaced(at, 1, &[argument.to_uppercase()])));
                }
                found.push(("sql/comments", self.replaced(at, 1, &[argument.replace(' ', "/**/")])));
                found.push(("sql/lines", self.replaced(at, 1, &[argument.replace(' ', "\n\t")])));
            }
            found.push(("sql/leading-comment", self.replaced(at, 1, &[format!("-- tidy up\n{argument}")])));
            // PostgreSQL refuses to drop a database within a transaction, and several statements are one.
            if !argument.to_lowercase().contains("database") {
                found
                    .push(("sql/second-statement", self.replaced(at, 1, &[format!("SELECT 1; {argument}")])));
                found
                    .push(("sql/transaction", self.replaced(at, 1, &[format!("BEGIN; {argument}; COMMIT")])));
            }
            found.push(("sql/semicolon", self.replaced(at, 1, &[format!("  {argument} ;")])));
        }
    }
}
