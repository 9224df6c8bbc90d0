//! Programs that the same text writes into a file first: `echo 'rm -rf x' > y && sh y`.

use super::Seen;
use super::name::ProgramName;
use super::shell::output_of;
use crate::see::Input;
use crate::tools::{RunsKind, Tool, Tools};

/// Commands before it that are looked at.
const MAX_BEFORE: usize = 64;
/// Bytes of such a program that are read.
const MAX_TEXT: usize = 64 * 1024;

/// The interpreter and the text of the file that the command at `at` runs, if what is in it was seen being written.
pub(super) fn program(
    all: &[Seen],
    at: usize,
    program: &ProgramName,
    tools: &Tools,
) -> Option<(String, String)> {
    let seen = all.get(at)?;
    if seen.elsewhere {
        return None;
    }
    let (interpreter, file) = if tools.find(&program.name).is_some_and(reads_programs) {
        let mut words = seen.words.iter().skip(1).filter(|word| word.literal);
        let file = words.find(|word| !word.text.as_bytes().starts_with(b"-"))?;
        (Some(program.name.clone()), file.text.to_lossy())
    } else {
        program.folder.as_ref()?;
        (None, seen.words.first().filter(|word| word.literal)?.text.to_lossy())
    };
    let text = text_of(all, at, &file)?;
    let interpreter = interpreter.or_else(|| shebang(&text)).unwrap_or_else(|| "sh".to_owned());
    Some((interpreter, text))
}

/// What commands before the one at `at` have written into a file, where that can be told without running them.
pub(crate) fn text_of(all: &[Seen], at: usize, file: &str) -> Option<String> {
    let file = file.trim_start_matches("./");
    let mut text = String::new();
    for writer in all.get(at.saturating_sub(MAX_BEFORE)..at)? {
        let targets = writer.redirections.iter().filter(|redirection| redirection.writes);
        let mut targets = targets.filter_map(|redirection| redirection.target.as_ref());
        let is_file = |name: &str| name.trim_start_matches("./") == file;
        let by_tee = writer.program.name == "tee"
            && writer.words.iter().skip(1).any(|word| is_file(&word.text.to_lossy()));
        if !by_tee && !targets.any(|target| is_file(&target.text.to_lossy())) {
            continue;
        }
        let input = match &writer.input {
            Input::Text(text) => Some(text.as_ref()),
            Input::Request | Input::Pipe | Input::File => None,
        };
        let written = if by_tee { input.map(str::to_owned) } else { output_of(&writer.words, &[], input) };
        text.push_str(&written?);
        text.push('\n');
        if text.len() > MAX_TEXT {
            return None;
        }
    }
    (!text.is_empty()).then_some(text)
}

fn reads_programs(tool: &Tool) -> bool {
    tool.runs_files
        || tool.runs.iter().any(|runs| runs.kind == RunsKind::Script)
        || tool.code.as_ref().is_some_and(|code| code.reads_stdin)
}

/// The interpreter that the first line of a script names.
fn shebang(text: &str) -> Option<String> {
    let line = text.strip_prefix("#!")?.lines().next()?;
    let mut words = line.split_whitespace().map(|word| word.rsplit('/').next().unwrap_or(word));
    words.find(|word| *word != "env" && !word.starts_with('-')).map(str::to_owned)
}
