//! The gate beside others. Each is switched on and off again and again, so that what changes meanwhile in the machine
//! changes both sides: bare, with, with, bare.

mod arms;
mod service;

use std::process::{Child, Command, Stdio};

use anyhow::Context as _;
use expacti_bench::PROGRAMS;
use expacti_bench::peers::{Compared, Peer, Peers};
use expacti_bench::statistics::{Interval, median};
use expacti_tests::harness::cgroup::Cgroup;

use self::arms::{Arm, Group, Running, groups};
use crate::spawn::{How, TARGETS, Target, spawn_under};

/// Blocks of bare, with, with, bare: two pairs each.
const BLOCKS: usize = 8;
/// Execs of one run.
const ROUNDS: usize = 20;
/// The same where the processors are busy, and an exec takes many times as long.
const BUSY_ROUNDS: usize = 4;

/// Why a peer is not measured on a machine in use.
const LEFT_ALONE: &str = "it would take over this machine's own configuration";

pub(crate) fn measure(native: bool) -> Peers {
    let mut all = Peers::default();
    for group in groups() {
        eprintln!("{}", group.name);
        let mut missing = (native && group.takes_over()).then(|| LEFT_ALONE.to_owned());
        // The smallest program and one that everybody has; under load only the smallest.
        for (targets, hogs) in [(&TARGETS[..2], 0), (&TARGETS[..1], 2)] {
            if missing.is_some() {
                break;
            }
            if let Err(error) = compare(&group, targets, hogs, &mut all.figures) {
                eprintln!("{}: {error:#}", group.name);
                missing = Some(format!("{error:#}"));
            }
        }
        for arm in &group.arms {
            let (name, setup) = (arm.name.to_owned(), arm.setup.to_owned());
            all.peers.push(Peer { name, setup, version: group.version(), missing: missing.clone() });
        }
    }
    all
}

/// One group's figures.
fn compare(group: &Group, targets: &[Target], hogs: u32, figures: &mut Vec<Compared>) -> anyhow::Result<()> {
    let cgroup = Cgroup::new("agent");
    let other = Cgroup::new("other");
    let rounds = if hogs == 0 { ROUNDS } else { BUSY_ROUNDS };
    let mut bare = vec![Vec::new(); targets.len()];
    let mut added = vec![vec![Vec::new(); targets.len()]; group.arms.len()];
    let bare_run = || each(targets, |target| run(&cgroup, target, rounds, How::default(), &[]));
    let run_under = |running: &Running| under(group, running, targets, &cgroup, &other, rounds);
    for _ in 0..BLOCKS {
        // What is not measured, how long it takes to switch it on and off, has the processors to itself.
        let before = beside(hogs, bare_run)?;
        let running = group.start(&cgroup)?;
        let (forth, back) = beside(hogs, || Ok((run_under(&running)?, run_under(&running)?)))?;
        running.stop()?;
        let after = beside(hogs, bare_run)?;
        for (target, (before, after)) in before.iter().zip(&after).enumerate() {
            bare[target].extend([*before, *after]);
            for (arm, differences) in added.iter_mut().enumerate() {
                differences[target].extend([forth[arm][target] - before, back[arm][target] - after]);
            }
        }
    }
    for (arm, differences) in group.arms.iter().zip(added) {
        for (target, differences) in differences.into_iter().enumerate() {
            figures.push(Compared {
                peer: arm.name.to_owned(),
                program: targets[target].name.to_owned(),
                hogs,
                bare: median(&bare[target]),
                added: Interval::of(&differences),
                pairs: differences.len(),
            });
        }
    }
    Ok(())
}

/// Every program under every arm.
fn under(
    group: &Group,
    running: &Running,
    targets: &[Target],
    agent: &Cgroup,
    other: &Cgroup,
    rounds: usize,
) -> anyhow::Result<Vec<Vec<f64>>> {
    let arm = |arm: &Arm| {
        let cgroup = if arm.outside { other } else { agent };
        let how = How { numbered: arm.numbered, ..How::default() };
        each(targets, |target| {
            // What is asked about once was asked about before.
            if !arm.numbered {
                run(cgroup, target, 2, how, arm.wrapper)?;
                running.settle();
            }
            run(cgroup, target, rounds, how, arm.wrapper)
        })
    };
    group.arms.iter().map(arm).collect()
}

fn each(targets: &[Target], run: impl Fn(Target) -> anyhow::Result<f64>) -> anyhow::Result<Vec<f64>> {
    targets.iter().map(|target| run(*target)).collect()
}

/// The median of one run, in microseconds.
fn run(cgroup: &Cgroup, target: Target, rounds: usize, how: How, wrapper: &[&str]) -> anyhow::Result<f64> {
    Ok(median(&spawn_under(wrapper, cgroup, target, rounds, how)?) / 1_000.0)
}

/// Does it while so many processes keep the processors busy.
fn beside<T>(hogs: u32, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let _hogs = Hogs::start(hogs)?;
    work()
}

/// Processes that keep the processors busy, until dropped.
struct Hogs(Vec<Child>);

impl Hogs {
    fn start(count: u32) -> anyhow::Result<Self> {
        let start = |_| {
            let mut hog = Command::new(format!("{PROGRAMS}/hog"));
            hog.stdin(Stdio::null()).spawn().context("a hog")
        };
        (0..count).map(start).collect::<anyhow::Result<_>>().map(Self)
    }
}

impl Drop for Hogs {
    fn drop(&mut self) {
        for hog in &mut self.0 {
            // It may be gone.
            let _ = hog.kill();
            let _ = hog.wait();
        }
    }
}
