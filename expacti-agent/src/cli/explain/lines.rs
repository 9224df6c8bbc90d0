//! `--jsonl`: one answer for each line, for corpora, CI and editors.

use std::io::{BufRead, Write};

use super::{Engine, Outcome, read_line};
use crate::cli::ending::Ending;
use crate::cli::json;
use crate::cli::json_lines::{self, BadLine};

/// Answers every line, also those behind one that is wrong.
pub(super) fn answer(input: impl BufRead, mut output: impl Write, engine: &Engine) -> anyhow::Result<Ending> {
    let mut ending = Ending::Done;
    json_lines::each(input, |number, line| {
        let answer = match read_line(line) {
            Ok(request) => json::line(&Outcome::of(request, engine))?,
            Err(error) => {
                ending = Ending::SomeBadInput;
                json::line(&BadLine { line: number, error })?
            }
        };
        writeln!(output, "{answer}")?;
        // An editor waits for each answer before it asks again.
        Ok(output.flush()?)
    })?;
    Ok(ending)
}
