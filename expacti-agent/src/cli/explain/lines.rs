//! `--jsonl`: one answer for each line, for corpora, CI and editors.

use std::io::{BufRead, BufWriter, Write};

use serde::Serialize;

use super::{Engine, Outcome, read_line};
use crate::cli::ending::Ending;
use crate::cli::json;

/// What is said of a line that is no request.
#[derive(Serialize)]
struct BadLine {
    line: usize,
    error: String,
}

/// Answers every line, also those behind one that is wrong. Empty lines are passed over.
pub(super) fn answer(mut input: impl BufRead, output: impl Write, engine: &Engine) -> anyhow::Result<Ending> {
    let mut output = BufWriter::new(output);
    let mut ending = Ending::Done;
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let answer = match read_line(&line) {
            Ok(request) => json::line(&Outcome::of(request, engine))?,
            Err(error) => {
                ending = Ending::SomeBadInput;
                json::line(&BadLine { line: number, error })?
            }
        };
        writeln!(output, "{answer}")?;
        // An editor waits for each answer before it asks again.
        if input.fill_buf().is_ok_and(<[u8]>::is_empty) {
            output.flush()?;
        }
    }
    output.flush()?;
    Ok(ending)
}
