//! Comma-separated values as in RFC 4180, safe to open in a spreadsheet.

use std::io::Write;

use expacti_core::record::Attempt;

use super::flat::{Cell, row};
use super::{LogError, Sink};

pub(super) struct Csv<W> {
    out: W,
}

impl<W: Write> Csv<W> {
    pub(super) fn new(mut out: W) -> Result<Self, LogError> {
        write!(out, "{}\r\n", head())?;
        Ok(Self { out })
    }
}

impl<W: Write> Sink for Csv<W> {
    fn take(&mut self, attempts: &[Attempt]) -> Result<(), LogError> {
        for attempt in attempts {
            write!(self.out, "{}\r\n", line(attempt))?;
        }
        Ok(())
    }

    fn end(mut self: Box<Self>) -> Result<(), LogError> {
        Ok(self.out.flush()?)
    }
}

/// The names of the columns.
pub(super) fn head() -> String {
    // The columns do not depend on the attempt, but only an attempt has them.
    const NAMES: &str = "id,node,boot,sequence,position,time,time_us,agent,cgroup,pid,ppid,uid,euid,tty,exe,exe_sha256,command,argv,cwd,container,image,pod,namespace,score,level,categories,state,decided_by,because,rule_generation,was_held,held_us,review_us,started,exit_code,exit_signal,duration_us";
    NAMES.to_owned()
}

/// One attempt.
pub(super) fn line(attempt: &Attempt) -> String {
    let cells: Vec<String> = row(attempt).iter().map(|(_, cell)| written(cell)).collect();
    cells.join(",")
}

fn written(cell: &Cell) -> String {
    match cell {
        Cell::Number(number) => number.map(|number| number.to_string()).unwrap_or_default(),
        Cell::Flag(flag) => flag.to_string(),
        Cell::Text(text) => {
            // What begins like this is run as a formula by spreadsheets, and an agent chooses the text.
            let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
            let guarded = if formula { format!("'{text}") } else { text.clone() };
            let plain = !formula && !guarded.contains(['"', ',', '\n', '\r']);
            if plain { guarded } else { format!("\"{}\"", guarded.replace('"', "\"\"")) }
        }
    }
}
