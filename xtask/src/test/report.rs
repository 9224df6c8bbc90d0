//! What was tested, how it went and how long it took.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// One line of the table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) suite: String,
    pub(crate) counts: Counts,
    pub(crate) took: Duration,
}

/// How many tests ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

/// The whole run.
pub(crate) struct Report {
    rows: Vec<Row>,
    /// Why something was skipped or failed, in words.
    notes: Vec<String>,
    started: Instant,
}

impl Report {
    pub(crate) fn new() -> Self {
        Self { rows: Vec::new(), notes: Vec::new(), started: Instant::now() }
    }

    /// For what is tested beside this: to be joined again.
    pub(crate) fn beside(&self) -> Self {
        Self { started: self.started, ..Self::new() }
    }

    /// Puts what was found beside this behind it.
    pub(crate) fn join(&mut self, other: Self) {
        self.rows.extend(other.rows);
        self.notes.extend(other.notes);
    }

    /// Says what comes next, and when that was.
    pub(crate) fn section(&self, name: &str) {
        let seconds = self.started.elapsed().as_secs();
        println!("\n== {name} ({}:{:02} since the start)", seconds / 60, seconds % 60);
    }

    pub(crate) fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    pub(crate) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// A check that holds or not, with its time.
    pub(crate) fn check(&mut self, name: &str, check: impl FnOnce() -> anyhow::Result<()>) {
        self.section(name);
        let start = Instant::now();
        let outcome = check();
        let mut counts = Counts::default();
        match outcome {
            Ok(()) => counts.passed = 1,
            Err(error) => {
                counts.failed = 1;
                println!("{error:#}");
                self.note(format!("failed: {name}"));
            }
        }
        self.add(Row { suite: name.to_owned(), counts, took: start.elapsed() });
    }

    /// Prints the table and the last line.
    pub(crate) fn finish(&self) -> ExitCode {
        self.section("all");
        print!("{}", self.table());
        let all = self.rows.iter().map(|row| row.counts).fold(Counts::default(), Counts::plus);
        println!("{} passed, {} failed, {} skipped", all.passed, all.failed, all.skipped);
        if all.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn table(&self) -> String {
        let width = self.rows.iter().map(|row| row.suite.chars().count()).max().unwrap_or(0).max(5);
        let mut text = format!("{:width$}  passed  failed  skipped   seconds\n", "suite");
        for Row { suite, counts, took } in &self.rows {
            let Counts { passed, failed, skipped } = counts;
            let seconds = took.as_secs_f64();
            let _ = writeln!(text, "{suite:width$}  {passed:>6}  {failed:>6}  {skipped:>7}  {seconds:>8.1}");
        }
        for note in &self.notes {
            let _ = writeln!(text, "{note}");
        }
        text
    }
}

impl Counts {
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
        }
    }

    pub(crate) fn total(self) -> usize {
        self.passed + self.failed + self.skipped
    }
}
