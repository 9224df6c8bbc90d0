//! Commands inside the arguments of a program nobody described: `mywrapper --env prod -- rm -rf x`, `tool -e 'rm -rf x'`.
//!
//! Guesses, so they only add: a guess that is wrong is a harmless command more.

use super::unwrap::{Child, Found, Inner};
use super::{ProgramName, interpreters};
use crate::assessment::Word;
use crate::see::{Input, Seen};
use crate::tools::Tools;

/// Words of a command that are looked at.
const MAX_WORDS: usize = 64;
/// A longer text is no command line.
const MAX_TEXT: usize = 16 * 1024;

pub(super) fn look_inside(seen: &Seen, program: &ProgramName, tools: &Tools, found: &mut Found) {
    let verbs = &tools.knowledge().verbs;
    let words = seen.words.get(1..).unwrap_or_default();
    let words = &words[..words.len().min(MAX_WORDS)];
    let is_program = |word: &Word| {
        let text = word.text.to_lossy();
        let name = text.rsplit('/').next().unwrap_or(&text);
        word.literal && tools.find(name).is_some_and(|tool| !tool.is_unknown())
    };
    // The command of a wrapper stands behind a word that says so.
    let start = words
        .windows(2)
        .position(|pair| verbs.carries.contains(pair[0].text.to_lossy().as_ref()) && is_program(&pair[1]));
    if let Some(start) = start {
        found.children.push(plain(program, Inner::Words(words[start + 1..].to_vec())));
    }
    let mut before = None;
    for word in words {
        let text = word.text.to_lossy();
        if !text.starts_with('-') && text.contains([' ', '(']) && text.len() <= MAX_TEXT {
            let given = before.as_deref().is_some_and(|option: &str| verbs.code_options.contains(option));
            if is_command_line(&text, tools) {
                let shell = Inner::Shell { text: text.clone().into_owned(), literal: true };
                found.children.push(plain(program, shell));
            } else if given {
                interpreters::program_text("any", &text, tools, found);
            }
        }
        before = Some(text);
    }
    if let Input::Text(text) = &seen.input
        && text.len() <= MAX_TEXT
    {
        interpreters::program_text("any", text, tools, found);
    }
}

/// Whether a text begins with a known program and goes on like a command line, not like a sentence.
fn is_command_line(text: &str, tools: &Tools) -> bool {
    let text = text.trim_start().trim_start_matches(['!', ':']);
    let mut words = text.split_whitespace();
    let first = words.next().unwrap_or_default();
    let name = first.rsplit('/').next().unwrap_or(first);
    let known = tools.find(name).is_some_and(|tool| !tool.is_unknown());
    let closed = ['"', '\'', '`'].iter().all(|quote| text.matches(*quote).count() % 2 == 0);
    known && closed && words.any(|word| word.starts_with(['-', '/', '~', '$', '|', '&', '>', '*', '.']))
}

fn plain(program: &ProgramName, command: Inner) -> Child {
    Child {
        label: program.name.clone(),
        command,
        assignments: Vec::new(),
        elsewhere: false,
        privileged: false,
        appends: false,
    }
}
