//! More and more agents, rules and tickets, counted in instructions: one exec each, and the daemon's memory.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use expacti_bench::PROGRAMS;
use expacti_bench::cost::State;
use expacti_bench::growth::{Found, Growth, Of};
use expacti_tests::harness::cgroup::Cgroup;
use expacti_tests::harness::child;
use expacti_tests::harness::daemon::Daemon;
use expacti_tests::harness::wait::within;

use super::cost::{asleep, by_the_kernel, with_the_daemon};
use super::memory::Memory;
use super::{caught, unload};
use crate::spawn::{How, TARGETS, spawn};

/// How much of each.
const COUNTS: [(Of, &[usize]); 3] = [
    (Of::Agents, &[1, 1_000, 10_000]),
    (Of::Rules, &[10, 10_000, 100_000]),
    // Ten thousand take longer than all the rest, and are a part of their own: `growth tickets 10000`.
    (Of::Tickets, &[0, 1_000]),
];
/// Execs that the daemon is asked about.
const ASKED: usize = 20;
/// As many as the policy can allow an agent.
const MAX_PENDING: usize = 16_384;
/// Attempts that begin to wait at once.
const BATCH: usize = 20;
/// How long it may take until they do, by the guest's clock.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn measure(only: Option<Of>, so_much: Option<usize>) -> Vec<Growth> {
    let wanted = COUNTS.iter().filter(|(of, _)| only.is_none_or(|only| only == *of));
    let mut all = Vec::new();
    for (of, counts) in wanted {
        let counts = so_much.map_or(counts.to_vec(), |count| vec![count]);
        all.extend(counts.into_iter().map(|count| one(*of, count)));
    }
    all
}

/// What does not stand so much is a finding, too.
fn one(of: Of, count: usize) -> Growth {
    let wall = Instant::now();
    let agent = Cgroup::new("agent");
    let found = caught(|| match of {
        Of::Agents => with_agents(&agent, count),
        Of::Rules => with_rules(&agent, count),
        Of::Tickets => with_tickets(&agent, count),
    });
    let found = found.map_err(|error| format!("{error:#}"));
    eprintln!(
        "{count} {}: {found:?} ({:.1} s by the guest's clock)",
        of.title(),
        wall.elapsed().as_secs_f64()
    );
    Growth { of, count, found }
}

fn gating(agent: &Cgroup, options: &[&str]) -> anyhow::Result<Daemon> {
    // No canary: what it costs now and then is no part of an exec.
    Ok(Daemon::gating_in(tempfile::tempdir_in("/tmp")?, agent, &[&["--canary=0"], options].concat()))
}

fn with_agents(agent: &Cgroup, count: usize) -> anyhow::Result<Found> {
    let others: Vec<Cgroup> = (1..count).map(|number| Cgroup::new(&format!("agent-{number}"))).collect();
    let options: Vec<String> = others
        .iter()
        .enumerate()
        .map(|(number, cgroup)| format!("--agent=a{number}={}", cgroup.path().display()))
        .collect();
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let start = Instant::now();
    let daemon = gating(agent, &options)?;
    let found = figures(agent, &daemon, start.elapsed());
    unload(daemon)?;
    found
}

fn with_rules(agent: &Cgroup, count: usize) -> anyhow::Result<Found> {
    let mut text = String::new();
    for number in 0..count {
        write!(
            text,
            "[[rule]]\nname = \"r{number}\"\ndecision = \"deny\"\nbecause = \"-\"\nargv = [\"tool-{number}\", \"...\"]\n"
        )?;
    }
    let folder = tempfile::tempdir_in("/tmp")?;
    let file = folder.path().join("rules.toml");
    fs::write(&file, text)?;
    let start = Instant::now();
    let daemon = gating(agent, &["--rules", file.to_str().context("a path in UTF-8")?])?;
    let found = figures(agent, &daemon, start.elapsed());
    unload(daemon)?;
    found
}

fn with_tickets(agent: &Cgroup, count: usize) -> anyhow::Result<Found> {
    let folder = tempfile::tempdir_in("/tmp")?;
    let config = folder.path().join("expacti.toml");
    // An agent may have 256 unless somebody says so.
    fs::write(&config, format!("[policy.default]\nmax_pending = {MAX_PENDING}\n"))?;
    let config = config.to_str().context("a path in UTF-8")?;
    // So that those that are parked are counted by the kernel: to list them all, again and again, takes longer than to park them.
    let above = agent.path().parent().context("a cgroup below another")?;
    for cgroup in [above, agent.path()] {
        fs::write(cgroup.join("cgroup.subtree_control"), "+pids")?;
    }
    let daemon = gating(agent, &["--review=3000", "--config", config])?;
    let start = Instant::now();
    // Each with an argument of its own, or they would be one card.
    let mut flood = Command::new(format!("{PROGRAMS}/flood"));
    flood.arg(BATCH.to_string()).args(["/usr/bin/git", "push", "--force", "origin"]).current_dir("/");
    let mut flood = child::inside(agent, flood.stdin(Stdio::piped())).spawn()?;
    let mut input = flood.stdin.take().context("piped")?;
    let parked = || {
        let counted = fs::read_to_string(agent.parking().join("pids.current"));
        counted.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
    };
    let mut all = Ok(());
    for batch in 1..=count / BATCH {
        // Not all at once: until they are parked they go round and take the processor from who parks them.
        input.write_all(b"!")?;
        if within(PATIENCE, || (parked() >= batch * BATCH).then_some(())).is_none() {
            all = Err(anyhow!("of {} only {} wait after {} s", batch * BATCH, parked(), PATIENCE.as_secs()));
            break;
        }
    }
    let ready = start.elapsed();
    drop(input);
    let found = all.and_then(|()| figures(agent, &daemon, ready));
    unload(daemon)?;
    // Those that wait die with their cgroup.
    fs::write(agent.path().join("cgroup.kill"), "1")?;
    flood.wait()?;
    found
}

fn figures(agent: &Cgroup, daemon: &Daemon, ready: Duration) -> anyhow::Result<Found> {
    let (nop, counted) = (TARGETS[0], How { counted: true, ..How::default() });
    spawn(agent, nop, 3, counted)?;
    let cached = asleep(agent, daemon, || by_the_kernel(agent, nop, State::Cached))?;
    let asked = with_the_daemon(agent, daemon, nop, State::Asked, ASKED)?;
    let memory = Memory::of(daemon)?;
    Ok(Found {
        cached: cached.instructions,
        asked: asked.instructions,
        threads: asked.threads,
        allocated_mib: memory.allocated,
        resident_mib: memory.resident,
        ready: ready.as_secs_f64(),
    })
}
