//! One exec in each state of the gate.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::sync::atomic::Ordering;

use anyhow::{Context as _, bail};
use expacti_bench::PROGRAMS;
use expacti_bench::cost::{Cost, Figure, Hook, State};
use expacti_bench::statistics::{median, quantile};
use expacti_tests::harness::cgroup::Cgroup;
use expacti_tests::harness::daemon::Daemon;
use expacti_tests::harness::wait::until;
use rustix::process::{Pid, Signal, kill_process};

use crate::spawn::{How, NATIVE, TARGETS, Target, spawn};

/// Rounds where only the kernel works, and where the daemon does, too.
const ROUNDS: usize = 101;
const ASKED: usize = 40;
/// Rounds after which everything is known.
const FIRST: usize = 3;

const DENIED: &str = "denied";

const RULES: &str = r#"
[[rule]]
name = "denied"
decision = "deny"
because = "the benchmark says so"
regex = "^/(opt/expacti/programs/nop|bin/true|bin/bash -c :) denied$"

[[rule]]
name = "any-argument"
decision = "allow"
because = "it does nothing whatever it is given"
exe = ["/opt/expacti/programs/nop", "/usr/bin/true", "/usr/bin/bash"]
"#;

/// Counted in instructions, if the clock does.
const COUNTED: How = How { numbered: false, counted: true, denied: false, more: &[] };

pub(crate) fn measure(kernel_only: bool) -> anyhow::Result<Cost> {
    let agent = Cgroup::new("agent");
    let other = Cgroup::new("other");
    let million = million()?;
    let mut figures = Vec::new();
    for target in TARGETS {
        figures.push(by_the_kernel(&other, target, State::None)?);
    }
    let folder = tempfile::tempdir_in("/tmp")?;
    let rules = folder.path().join("rules.toml");
    fs::write(&rules, RULES)?;
    let options = ["--canary=0", "--rules", rules.to_str().context("a path in UTF-8")?];
    let daemon = Daemon::gating_in(tempfile::tempdir_in("/tmp")?, &agent, &options);
    for target in TARGETS {
        figures.push(asleep(&agent, &daemon, || by_the_kernel(&other, target, State::NotEnrolled))?);
        // Asked about once, known from then on.
        spawn(&agent, target, FIRST, COUNTED)?;
        figures.push(asleep(&agent, &daemon, || by_the_kernel(&agent, target, State::Cached))?);
    }
    let mut counted = hooks(&other, State::NotEnrolled)?;
    spawn(&agent, TARGETS[0], FIRST, COUNTED)?;
    counted.extend(asleep(&agent, &daemon, || hooks(&agent, State::Cached))?);
    if !kernel_only {
        for target in TARGETS {
            figures.push(with_the_daemon(&agent, &daemon, target, State::Recorded, ROUNDS)?);
            figures.push(with_the_daemon(&agent, &daemon, target, State::Asked, ASKED)?);
            figures.push(with_the_daemon(&agent, &daemon, target, State::Denied, ASKED)?);
        }
    }
    let kernel = rustix::system::uname().release().to_string_lossy().into_owned();
    Ok(Cost { kernel, million, figures, hooks: counted })
}

/// What the counter says of a million instructions.
fn million() -> anyhow::Result<u64> {
    let output = Command::new(format!("{PROGRAMS}/million")).output()?;
    let counted = String::from_utf8(output.stdout)?.trim().parse()?;
    if !NATIVE.load(Ordering::Relaxed) && !(999_000..1_010_000).contains(&counted) {
        bail!(
            "a loop of a million instructions is counted as {counted}: this machine's clock does not count instructions"
        );
    }
    Ok(counted)
}

pub(super) fn by_the_kernel(cgroup: &Cgroup, target: Target, state: State) -> anyhow::Result<Figure> {
    let rounds = spawn(cgroup, target, ROUNDS, COUNTED)?;
    Ok(Figure {
        program: target.name.to_owned(),
        state,
        instructions: whole(median(&rounds)),
        daemons: 0,
        threads: BTreeMap::new(),
        spread: (whole(quantile(&rounds, 0.05)), whole(quantile(&rounds, 0.95))),
        rounds: rounds.len(),
    })
}

/// Everything that agent and daemon execute until all of it is in the database.
pub(super) fn with_the_daemon(
    agent: &Cgroup,
    daemon: &Daemon,
    target: Target,
    state: State,
    rounds: usize,
) -> anyhow::Result<Figure> {
    let how = match state {
        State::Asked => How { numbered: true, ..COUNTED },
        State::Denied => How { numbered: false, denied: true, more: &[DENIED], ..COUNTED },
        State::None | State::NotEnrolled | State::Cached | State::Recorded => COUNTED,
    };
    // Asked about once, where it is asked about at all.
    spawn(agent, target, FIRST, how)?;
    settle(agent, daemon)?;
    let before = (used(agent)?, daemon.used_by_threads());
    let took = spawn(agent, target, rounds, how)?;
    let agents = used(agent)? - before.0;
    settle(agent, daemon)?;
    let threads = more(&before.1, &daemon.used_by_threads());
    let each = |sum: u64| sum / u64::try_from(rounds).unwrap_or(1);
    let daemons = threads.values().sum();
    Ok(Figure {
        program: target.name.to_owned(),
        state,
        instructions: each(agents + daemons),
        daemons: each(daemons),
        threads: threads.into_iter().map(|(name, sum)| (name, each(sum))).collect(),
        spread: (whole(quantile(&took, 0.05)), whole(quantile(&took, 0.95))),
        rounds,
    })
}

/// Waits until everything so far is in the database: the record of an exec that comes last is.
fn settle(agent: &Cgroup, daemon: &Daemon) -> anyhow::Result<()> {
    let mark = format!("mark-{}", used(agent)?);
    expacti_tests::harness::child::run(agent, Command::new("/bin/true").arg(&mark))?;
    until("the record of a mark", || {
        let newest = daemon.ask(&["log", "--json", "--limit", "1"]);
        (newest.contains(&mark) && newest.contains("\"exit")).then_some(())
    });
    Ok(())
}

/// With the daemon stopped: what happens is the kernel's work alone.
pub(super) fn asleep<T>(
    agent: &Cgroup,
    daemon: &Daemon,
    work: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    // It may still be about to tell the kernel what it allowed.
    settle(agent, daemon)?;
    let pid = Pid::from_raw(daemon.pid().cast_signed()).context("a daemon")?;
    kill_process(pid, Signal::STOP)?;
    let done = work();
    kill_process(pid, Signal::CONT)?;
    done
}

/// Nanoseconds, which are instructions, of everything in a cgroup.
fn used(cgroup: &Cgroup) -> anyhow::Result<u64> {
    let text = fs::read_to_string(cgroup.path().join("cpu.stat"))?;
    let micros = text.lines().find_map(|line| line.strip_prefix("usage_usec ")).context("usage_usec")?;
    Ok(micros.parse::<u64>()? * 1_000)
}

/// What was added between two of these. Of threads that ended nothing is known.
pub(super) fn more(before: &BTreeMap<String, u64>, after: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let grown = |(name, sum): (&String, &u64)| {
        let more = sum.saturating_sub(before.get(name).copied().unwrap_or_default());
        (more > 0).then(|| (name.clone(), more))
    };
    after.iter().filter_map(grown).collect()
}

/// What each hook does for one exec of the smallest program, by the kernel's own statistics.
fn hooks(cgroup: &Cgroup, state: State) -> anyhow::Result<Vec<Hook>> {
    const SWITCH: &str = "/proc/sys/kernel/bpf_stats_enabled";
    fs::write(SWITCH, "1")?;
    let before = programs()?;
    let rounds = spawn(cgroup, TARGETS[0], ROUNDS, COUNTED)?.len();
    let after = programs()?;
    fs::write(SWITCH, "0")?;
    let each = |sum: u64| {
        f64::from(u32::try_from(sum).unwrap_or(u32::MAX)) / f64::from(u32::try_from(rounds).unwrap_or(1))
    };
    let hooks = after.into_iter().map(|(name, (runs, time))| {
        let (runs_before, time_before) = before.get(&name).copied().unwrap_or_default();
        Hook { name, state, runs: each(runs - runs_before), instructions: each(time - time_before) }
    });
    // Once in a while one runs for the program that measures.
    // bpftool itself makes calls of `bpf`.
    Ok(hooks.filter(|hook| hook.runs >= 0.05 && hook.name != "bpf").collect())
}

/// How often each program ran, and for how long in all.
fn programs() -> anyhow::Result<BTreeMap<String, (u64, u64)>> {
    let output = Command::new("bpftool").args(["prog", "show", "-j"]).output()?;
    let programs: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout)?;
    let number = |program: &serde_json::Value, key: &str| program[key].as_u64().unwrap_or_default();
    let named = programs.iter().filter_map(|program| {
        let name = program["name"].as_str()?.to_owned();
        Some((name, (number(program, "run_cnt"), number(program, "run_time_ns"))))
    });
    Ok(named.collect())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of instructions")]
fn whole(value: f64) -> u64 {
    value as u64
}
