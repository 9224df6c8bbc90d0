//! Starting a program again and again, and what each time took.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, bail};
use expacti_bench::PROGRAMS;
use expacti_tests::harness::cgroup::Cgroup;
use expacti_tests::harness::child::inside;

/// Whether this is a real machine, whose processor's counter counts something else than instructions.
pub(crate) static NATIVE: AtomicBool = AtomicBool::new(false);

/// What is started.
#[derive(Clone, Copy)]
pub(crate) struct Target {
    /// In tables.
    pub(crate) name: &'static str,
    argv: &'static [&'static str],
}

/// The programs that are measured, smallest first.
pub(crate) const TARGETS: [Target; 3] = [
    Target { name: "nop", argv: &["/opt/expacti/programs/nop"] },
    Target { name: "true", argv: &["/bin/true"] },
    Target { name: "bash", argv: &["/bin/bash", "-c", ":"] },
];

/// How a program is started.
#[derive(Clone, Copy, Default)]
pub(crate) struct How {
    /// With an argument of its own each time.
    pub(crate) numbered: bool,
    /// In instructions, not by the clock; in nanoseconds where nothing counts them.
    pub(crate) counted: bool,
    /// It must not run.
    pub(crate) denied: bool,
    /// Behind the program's own words.
    pub(crate) more: &'static [&'static str],
}

/// Starts it that often from inside a cgroup. Gives what each round took.
pub(crate) fn spawn(cgroup: &Cgroup, target: Target, rounds: usize, how: How) -> anyhow::Result<Vec<f64>> {
    spawn_under(&[], cgroup, target, rounds, how)
}

/// The same, with what starts it started by something else.
pub(crate) fn spawn_under(
    wrapper: &[&str],
    cgroup: &Cgroup,
    target: Target,
    rounds: usize,
    how: How,
) -> anyhow::Result<Vec<f64>> {
    let program = format!("{PROGRAMS}/spawn");
    let mut words: Vec<&str> = [wrapper, &[program.as_str()]].concat();
    if how.numbered {
        words.push("-n");
    }
    if how.denied {
        words.push("-d");
    }
    let by_counter = how.counted && !NATIVE.load(Ordering::Relaxed);
    words.extend(["-c", if by_counter { "tsc" } else { "clock" }]);
    words.extend(target.argv);
    words.extend(how.more);
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).env("ROUNDS", rounds.to_string());
    let output = inside(cgroup, command.stdin(Stdio::null()))
        .output()
        .with_context(|| format!("{} does not start", words[0]))?;
    if !output.status.success() {
        bail!("{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    let text = String::from_utf8(output.stdout)?;
    text.lines().map(|line| line.parse().with_context(|| format!("{} said {line:?}", words[0]))).collect()
}
