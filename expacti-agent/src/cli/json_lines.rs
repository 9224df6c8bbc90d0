//! JSON lines from a file or a pipe, one after another.

use std::io::{self, BufRead};

use serde::Serialize;

/// What is said of a line that cannot be used.
#[derive(Serialize)]
pub(super) struct BadLine {
    pub(super) line: usize,
    pub(super) error: String,
}

/// Gives every line that is not empty to `take`, with its number, also those behind one that is wrong.
pub(super) fn each(
    mut input: impl BufRead,
    mut take: impl FnMut(usize, &[u8]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut line = Vec::new();
    for number in 1.. {
        if next(&mut input, &mut line)? == 0 {
            break;
        }
        if !line.trim_ascii().is_empty() {
            take(number, &line)?;
        }
    }
    Ok(())
}

fn next(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<usize> {
    line.clear();
    input.read_until(b'\n', line)
}
