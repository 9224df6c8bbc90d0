//! The suites inside guests, on several kernels side by side, and the Debian package in a guest with systemd.

use std::collections::VecDeque;
use std::fmt;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::libtest::GuestSuites;
use super::package;
use super::report::{Counts, Report, Row};
use crate::build::{self, Profile};
use crate::cache::Cache;
use crate::programs;
use crate::setup::kernels::Kernel;
use crate::vm::{self, Clock, Ended, Guest, GuestFile, Task};
use crate::workspace;

/// For all that one guest runs.
const LIMIT: Duration = Duration::from_mins(25);

/// Guests that share the suites on one kernel, so that no processor is idle while the last one is busy for long.
const SHARES: u8 = 2;

/// What one guest is for.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Round {
    kernel: Kernel,
    /// The package is tried, as users have it, instead of the suites.
    package: bool,
    /// Which share of the suites, where they are shared.
    share: Option<u8>,
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.kernel, if self.package { " with systemd" } else { "" })?;
        self.share.map_or(Ok(()), |share| write!(f, " ({share} of {SHARES})"))
    }
}

impl Round {
    /// The name of a file of its own.
    fn file(self, extension: &str) -> String {
        let words = self.to_string().replace(['(', ')'], "").replace(' ', "-");
        format!("{words}.{extension}")
    }
}

/// How one guest went.
struct Went {
    round: Round,
    suites: GuestSuites,
    /// What the tests said beside their outcome.
    errors: String,
    ended: Result<Ended>,
    took: Duration,
}

/// Something else that boots a guest.
pub(crate) type Other<'a> = Box<dyn FnOnce(&mut Report) -> Result<()> + Send + 'a>;

/// `others` come last, so that no processor is idle while the last of the suites are run.
pub(crate) fn run(
    cache: &Cache,
    kernels: &[Kernel],
    filter: Option<&str>,
    others: Vec<Other<'_>>,
    report: &mut Report,
) -> Result<()> {
    let folder = workspace::target().join("guests");
    fs::create_dir_all(&folder)?;
    let rounds = rounds(kernels, filter);
    let binary = build::binary(cache, "expacti-agent", "expacti", Profile::Guest)?;
    let files = files(cache, &folder, &binary)?;
    let packaged =
        if rounds.iter().any(|round| round.package) { package::files(cache, &binary)? } else { Vec::new() };

    for round in &rounds {
        fs::write(folder.join(round.file("sh")), script_for(*round, filter))?;
    }

    // Each guest has two processors, but the suites run one after the other: as many guests as processors. One more was slower:
    // each took twice as long.
    let waiting = Mutex::new(rounds.iter().copied().collect::<VecDeque<_>>());
    // A call, so that the lock is let go before the guest runs: in the loop's own head it would be held for all of its body.
    let next = || locked(&waiting).pop_front();
    let done = Mutex::new(Vec::new());
    let others = Mutex::new(VecDeque::from(others));
    let next_other = || locked(&others).pop_front();
    let beside = Mutex::new(Vec::new());
    let guests = thread::available_parallelism().map_or(1, usize::from).min(rounds.len());
    thread::scope(|scope| {
        for _ in 0..guests {
            scope.spawn(|| {
                while let Some(round) = next() {
                    let files = if round.package { &packaged } else { &files };
                    let went = run_one(cache, round, folder.join(round.file("sh")), files);
                    println!("Linux {round}: {} in {:.0} s", summary(&went), went.took.as_secs_f64());
                    locked(&done).push(went);
                }
                while let Some(other) = next_other() {
                    let mut found = report.beside();
                    let ended = other(&mut found);
                    locked(&beside).push((found, ended));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|went| rounds.iter().position(|round| *round == went.round));
    let mut rows = Vec::new();
    for went in done {
        add(went, &folder, &mut rows, report)?;
    }
    for row in rows {
        report.add(row);
    }
    for (found, ended) in beside.into_inner().unwrap_or_default() {
        report.join(found);
        ended?;
    }
    Ok(())
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The suites on each kernel; the package on one, because what it adds is not the kernel's.
fn rounds(kernels: &[Kernel], filter: Option<&str>) -> Vec<Round> {
    let is_about_it = |filter: &str| package::SUITES.iter().any(|suite| filter.starts_with(suite));
    // What was asked for by name is little.
    let shares: Vec<Option<u8>> =
        if filter.is_none() { (1..=SHARES).map(Some).collect() } else { vec![None] };
    let suites = kernels.iter().flat_map(|kernel| {
        shares.iter().map(|share| Round { kernel: *kernel, package: false, share: *share })
    });
    let package = kernels.iter().max_by_key(|kernel| **kernel == Kernel::V6_12).map(|kernel| Round {
        kernel: *kernel,
        package: true,
        share: None,
    });
    match filter {
        None => package.into_iter().chain(suites).collect(),
        Some(filter) if is_about_it(filter) => package.into_iter().collect(),
        Some(_) => suites.collect(),
    }
}

/// expacti, the suites, and the test programs in C with their sources.
fn files(cache: &Cache, folder: &Path, expacti: &Path) -> Result<Vec<GuestFile>> {
    let suites = build::binary(cache, "expacti-tests", "expacti-tests", Profile::Guest)?;
    let mut files =
        vec![GuestFile::new(expacti, "/usr/local/bin/expacti")?, GuestFile::new(&suites, package::PROGRAM)?];
    files.extend(programs::build(&workspace::root().join("tests/programs"), folder)?);
    Ok(files)
}

fn script_for(round: Round, filter: Option<&str>) -> String {
    let share =
        round.share.map(|share| format!("export EXPACTI_SHARE={share}/{SHARES}\n")).unwrap_or_default();
    let filter = filter.map(|filter| format!("'{}'", filter.replace('\'', r"'\''"))).unwrap_or_default();
    format!("#!/bin/bash\n{share}exec {} -Z unstable-options --format=json {filter}\n", package::PROGRAM)
}

fn run_one(cache: &Cache, round: Round, script: PathBuf, files: &[GuestFile]) -> Went {
    let start = Instant::now();
    let guest = Guest {
        kernel: round.kernel,
        task: Task::Script(script, LIMIT),
        files: files.to_vec(),
        forward: Vec::new(),
        systemd: round.package,
        memory: 2048,
        clock: Clock::Wall,
        disks: Vec::new(),
    };
    let mut out = Lines { round, partial: Vec::new(), suites: GuestSuites::default() };
    let mut errors = Vec::new();
    let ended = vm::run(cache, &guest, &mut out, &mut errors);
    let errors = String::from_utf8_lossy(&errors).into_owned();
    Went { round, suites: out.suites, errors, ended, took: start.elapsed() }
}

/// Takes the suites' output apart as it comes, and names what fails at once: what it said follows at the end.
struct Lines {
    round: Round,
    partial: Vec<u8>,
    suites: GuestSuites,
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.partial.extend_from_slice(bytes);
        while let Some(end) = self.partial.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.partial.drain(..=end).collect();
            let known = self.suites.failures.len();
            self.suites.line(&String::from_utf8_lossy(&line));
            for (name, _) in self.suites.failures.iter().skip(known) {
                println!("Linux {}: {name} failed", self.round);
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn summary(went: &Went) -> String {
    let all = went.suites.suites.values().map(|(counts, _)| *counts).fold(Counts::default(), Counts::plus);
    format!("{} passed, {} failed, {} skipped", all.passed, all.failed, all.skipped)
}

fn add(went: Went, folder: &Path, rows: &mut Vec<Row>, report: &mut Report) -> Result<()> {
    let Went { round, suites, errors, ended, .. } = went;
    let log = folder.join(round.file("log"));
    fs::write(&log, &errors).with_context(|| format!("cannot write {}", log.display()))?;

    for (name, said) in &suites.failures {
        println!("\n---- {name} on Linux {round}\n{said}");
        report.note(format!("failed: {name} on Linux {round}"));
    }
    for line in errors.lines().filter(|line| line.starts_with("skipped: ") || line.starts_with("not run: ")) {
        report.note(format!("{line} (Linux {round})"));
    }
    let lost = match ended {
        Ok(Ended::Exited(_)) if suites.finished => None,
        Ok(Ended::Exited(code)) => Some(format!("the suites ended too early, with {code}:\n{errors}")),
        Ok(Ended::Failed(trouble)) => Some(trouble),
        Err(error) => Some(format!("{error:#}")),
    };
    for (suite, (counts, took)) in suites.suites {
        add_row(
            rows,
            Row { suite: format!("Linux {}: {suite}", Round { share: None, ..round }), counts, took },
        );
    }
    if let Some(trouble) = lost {
        let during = suites.running.map(|test| format!(" during {test}")).unwrap_or_default();
        println!("\n---- Linux {round}{during}: {trouble}");
        let counts = Counts { failed: 1, ..Counts::default() };
        add_row(rows, Row { suite: format!("Linux {round}: the guest"), counts, ..Row::default() });
        report.note(format!("failed: Linux {round}{during}, so what should have come after was not run"));
    }
    Ok(())
}

/// What guests that share a suite found of it is one row.
fn add_row(rows: &mut Vec<Row>, row: Row) {
    match rows.iter_mut().find(|other| other.suite == row.suite) {
        Some(other) => {
            other.counts = Counts::plus(other.counts, row.counts);
            other.took += row.took;
        }
        None => rows.push(row),
    }
}
