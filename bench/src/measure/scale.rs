//! Storms of execs, and nothing at all.

mod ring_level;

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use expacti_bench::scale::{Idle, Scale, Storm};
use expacti_tests::harness::cgroup::Cgroup;
use expacti_tests::harness::child;
use expacti_tests::harness::daemon::Daemon;
use expacti_tests::harness::wait::until;

use self::ring_level::RingLevel;
use super::cost::more;
use super::memory::Memory;
use crate::spawn::{How, TARGETS, spawn};

const WORKERS: [usize; 4] = [1, 2, 4, 8];
/// Execs of one storm, of all its workers together.
const STORM: usize = 1_600;
/// How long the daemon is left alone to see whether it wakes up.
const SILENCE: Duration = Duration::from_secs(12);

pub(crate) fn measure() -> anyhow::Result<Scale> {
    let agent = Cgroup::new("agent");
    let mut bare = Vec::new();
    for workers in WORKERS {
        eprintln!("storm of {workers}, bare");
        bare.push(storm(&agent, workers)?);
    }
    let daemon = Daemon::gating_in(tempfile::tempdir_in("/tmp")?, &agent, &[]);
    let mut idle = idle(&daemon)?;
    let mut storms = Vec::new();
    for (workers, bare) in WORKERS.into_iter().zip(bare) {
        eprintln!("storm of {workers}");
        storms.push(gated_storm(&agent, &daemon, workers, bare)?);
    }
    idle.resident_after_mib = Memory::of(&daemon)?.resident;
    drop(daemon);
    Ok(Scale { storms, idle })
}

/// Execs a second.
fn storm(agent: &Cgroup, workers: usize) -> anyhow::Result<f64> {
    let start = Instant::now();
    thread::scope(|scope| {
        let each = || spawn(agent, TARGETS[0], STORM / workers, How::default());
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(each)).collect();
        threads.into_iter().try_for_each(|thread| match thread.join() {
            Ok(done) => done.map(drop),
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })?;
    Ok(rate(STORM, start.elapsed()))
}

fn rate(count: usize, time: Duration) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / time.as_secs_f64()
}

fn gated_storm(agent: &Cgroup, daemon: &Daemon, workers: usize, bare: f64) -> anyhow::Result<Storm> {
    spawn(agent, TARGETS[0], 3, How::default())?;
    settle(agent, daemon, "before")?;
    let before = (metrics(daemon), daemon.used_by_threads());
    let level = RingLevel::watch()?;
    let gated = storm(agent, workers)?;
    let end = Instant::now();
    let drained_ms =
        settle(agent, daemon, &format!("after-{workers}"))?.saturating_duration_since(end).as_millis();
    let ring_most = level.most()?;
    let after = (metrics(daemon), daemon.used_by_threads());
    let grown = |name: &str| {
        let of = |counts: &BTreeMap<String, f64>| counts.get(name).copied().unwrap_or_default();
        whole(of(&after.0) - of(&before.0))
    };
    // The workers themselves, and the mark.
    let made = u64::try_from(STORM + workers + 1)?;
    Ok(Storm {
        workers,
        bare,
        gated,
        made,
        seen: grown("expacti_attempts_total{agent=\"test\"}"),
        drained_ms: u64::try_from(drained_ms)?,
        ring_full: grown("expacti_kernel_events_total{event=\"ring-full\"}"),
        ring_most,
        notes_lost: grown("expacti_kernel_events_total{event=\"lifecycle-lost\"}"),
        threads: more(&before.1, &after.1)
            .into_iter()
            .map(|(name, time)| (name, micros(time, made)))
            .collect(),
    })
}

/// Of so many nanoseconds the share of each.
#[expect(clippy::cast_precision_loss, reason = "far below what a double holds")]
fn micros(nanoseconds: u64, of: u64) -> f64 {
    nanoseconds as f64 / of as f64 / 1_000.0
}

/// Waits until everything so far is in the database, and tells when that was.
fn settle(agent: &Cgroup, daemon: &Daemon, mark: &str) -> anyhow::Result<Instant> {
    child::run(agent, Command::new("/bin/true").arg(mark))?;
    until("the record of a mark", || {
        daemon.ask(&["log", "--json", "--limit", "1"]).contains(mark).then(Instant::now).map(Ok)
    })
}

/// What the daemon counts, by name and labels.
pub(super) fn metrics(daemon: &Daemon) -> BTreeMap<String, f64> {
    let text = daemon.ask(&["metrics"]);
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        })
        .collect()
}

fn idle(daemon: &Daemon) -> anyhow::Result<Idle> {
    eprintln!("silence");
    // What the start leaves behind is done by then.
    thread::sleep(Duration::from_secs(3));
    let before = switches(daemon)?;
    thread::sleep(SILENCE);
    let after = switches(daemon)?;
    let wakeups = after.into_iter().filter_map(|((thread, name), count)| {
        let more = count - before.get(&(thread, name.clone())).copied().unwrap_or_default();
        (more > 0).then(|| (name, rate(usize::try_from(more).unwrap_or_default(), SILENCE)))
    });
    let memory = Memory::of(daemon)?;
    Ok(Idle {
        resident_mib: memory.resident,
        allocated_mib: memory.allocated,
        files_mib: memory.files,
        ring_mib: memory.shared,
        resident_after_mib: 0.0,
        bpf_mib: bpf()?,
        wakeups: wakeups.collect(),
    })
}

/// How often each thread went to sleep.
fn switches(daemon: &Daemon) -> anyhow::Result<BTreeMap<(u32, String), u64>> {
    let mut found = BTreeMap::new();
    for thread in fs::read_dir(format!("/proc/{}/task", daemon.pid()))? {
        let thread = thread?;
        let status = fs::read_to_string(thread.path().join("status"))?;
        let number = thread.file_name().to_string_lossy().parse()?;
        let value = |key| status.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
        let count = value("voluntary_ctxt_switches:").context("voluntary_ctxt_switches")?.parse()?;
        found.insert((number, value("Name:").unwrap_or_default().to_owned()), count);
    }
    Ok(found)
}

/// What maps and programs take, in MiB.
fn bpf() -> anyhow::Result<f64> {
    let mut sum = 0.0;
    for kind in ["map", "prog"] {
        let output = Command::new("bpftool").args([kind, "show", "-j"]).output()?;
        let listed: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout)?;
        sum += listed.iter().filter_map(|entry| entry["bytes_memlock"].as_f64()).sum::<f64>();
    }
    Ok(sum / 1_048_576.0)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
pub(super) fn whole(value: f64) -> u64 {
    value as u64
}
