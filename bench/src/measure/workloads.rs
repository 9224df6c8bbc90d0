//! Whole pieces of work, gated and not. Everything they need lies there; nothing is fetched.

mod rules;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, bail};
use expacti_bench::statistics::{Interval, median};
use expacti_bench::workloads::Workload;
use expacti_tests::harness::cgroup::Cgroup;
use expacti_tests::harness::daemon::Daemon;
use expacti_tests::harness::wait::until;

use super::scale::{metrics, whole};
use super::{caught, unload};

/// Blocks of bare, gated, gated, bare, two pairs each: as many as have room in this time, one at least.
const BLOCKS: f64 = 2.0;
const TIME: f64 = 30.0;

/// The agent's, with what it has configured.
const HOME: &str = "/home/agent";

/// A run that takes longer than this is not timed, which would take many of them.
const TOO_LONG: f64 = 20.0;

/// Rules are added so often.
const TRIES: usize = 4;

/// As many of the commands that would have waited are named, and so much of each.
const SHOWN: usize = 12;
const WIDTH: usize = 100;

/// A name, and the script, whose first line says what it does. Each run has an empty folder to work in.
const ALL: [(&str, &str); 8] = [
    ("agent loop", include_str!("../../workloads/agent-loop.sh")),
    ("configure", include_str!("../../workloads/configure.sh")),
    ("autoconf", include_str!("../../workloads/autoconf.sh")),
    ("make", include_str!("../../workloads/make.sh")),
    ("cargo", include_str!("../../workloads/cargo.sh")),
    ("npm", include_str!("../../workloads/npm.sh")),
    ("git", include_str!("../../workloads/git.sh")),
    ("pytest", include_str!("../../workloads/pytest.sh")),
];

pub(crate) fn measure(only: &[String]) -> anyhow::Result<Vec<Workload>> {
    fs::create_dir_all(HOME)?;
    let home = Path::new(HOME);
    fs::write(home.join(".gitconfig"), "[user]\nname = agent\nemail = agent@localhost\n[gc]\nauto = 0\n")?;
    fs::copy("/opt/materials/npmrc", home.join(".npmrc"))?;
    // npm writes into it.
    let copied =
        Command::new("cp").args(["-a", "/opt/materials/npm-cache"]).arg(home.join(".npm")).status()?;
    if !copied.success() {
        bail!("npm's cache cannot be copied");
    }
    let wanted = |name: &str| only.is_empty() || only.iter().any(|only| only == name);
    let measured = |(name, script)| {
        caught(|| one(name, script)).unwrap_or_else(|error| {
            eprintln!("{name}: {error:#}");
            // The others are worth having.
            Workload { name: name.to_owned(), trouble: Some(format!("{error:#}")), ..Workload::default() }
        })
    };
    Ok(ALL.into_iter().filter(|(name, _)| wanted(name)).map(measured).collect())
}

fn one(name: &str, script: &str) -> anyhow::Result<Workload> {
    eprintln!("{name}");
    let agent = Cgroup::new("agent");
    let about = script.lines().next().unwrap_or_default().trim_start_matches("# ").to_owned();
    // This run fills the page cache, too.
    let first = in_shadow(&agent, script)?;
    let mut workload = Workload {
        name: name.to_owned(),
        about,
        execs: first.execs,
        held: first.held,
        waits: shown(&first.waits),
        bare: first.seconds,
        ..Workload::default()
    };
    let Shadow { seconds, execs, held, mut waits } = first;
    eprintln!("{name}: {seconds:.1} s, {execs} execs, {held} would wait");
    for line in &workload.waits {
        eprintln!("  {line}");
    }
    if seconds > TOO_LONG {
        workload.not_timed = format!("one run takes {seconds:.0} s");
        return Ok(workload);
    }
    for _ in 0..TRIES {
        let known = waits.len();
        let timed = time(&agent, script, &mut waits, &mut workload);
        // A script is read only where its process waits, so the watched run did not know what it would do.
        workload.held += (waits.len() - known) as u64;
        workload.waits = shown(&waits);
        workload.not_timed = timed.err().map_or_else(String::new, |error| format!("{error:#}"));
        if waits.len() == known {
            break;
        }
    }
    if !workload.not_timed.is_empty() {
        eprintln!("{name}: {}", workload.not_timed);
    }
    Ok(workload)
}

/// Wall time, gated and not, with rules for what waits. Where that was not all, the rest is added to it.
fn time(agent: &Cgroup, script: &str, waits: &mut Vec<Wait>, workload: &mut Workload) -> anyhow::Result<()> {
    let approved = rules::approving(waits);
    let blocks = (TIME / (5.0 * workload.bare)).clamp(1.0, BLOCKS);
    let (mut bare, mut added) = (Vec::new(), Vec::new());
    for _ in 0..whole(blocks) {
        let before = run(agent, script)?;
        let daemon = gating(agent, "enforce", &approved)?;
        let gated = gated_runs(agent, script, &daemon);
        waits.extend(refused(&daemon));
        unload(daemon)?;
        let (forth, back, cached) = gated?;
        workload.cached = cached;
        let after = run(agent, script)?;
        added.extend([forth - before, back - after]);
        bare.extend([before, after]);
    }
    workload.bare = median(&bare);
    workload.pairs = added.len();
    workload.added = Some(Interval::of(&added));
    Ok(())
}

/// Seconds of two runs, and how many execs of one the kernel's cache allows.
fn gated_runs(agent: &Cgroup, script: &str, daemon: &Daemon) -> anyhow::Result<(f64, f64, u64)> {
    // As in a session that has been going on for a while.
    run(agent, script)?;
    let counted = of_the_cache(daemon);
    let (forth, back) = (run(agent, script)?, run(agent, script)?);
    Ok((forth, back, (of_the_cache(daemon) - counted) / 2))
}

/// What a run has that is only watched.
struct Shadow {
    seconds: f64,
    execs: u64,
    /// Of these, those that would have waited, or been denied.
    held: u64,
    /// Which those are.
    waits: Vec<Wait>,
}

/// An exec that would have waited.
pub(super) struct Wait {
    pub(super) argv: Vec<String>,
    /// The file that would have been executed.
    pub(super) exe: String,
    because: String,
}

fn in_shadow(agent: &Cgroup, script: &str) -> anyhow::Result<Shadow> {
    let daemon = gating(agent, "shadow", "")?;
    let seconds = run(agent, script)?;
    let counts = metrics(&daemon);
    let sum =
        |name: &str| counts.iter().filter(|(key, _)| key.starts_with(name)).map(|(_, count)| count).sum();
    let execs = whole(sum("expacti_attempts_total{"));
    // Of some it is not known: they were over before they were looked at.
    let would = |(key, _): &(&String, &f64)| {
        key.starts_with("expacti_shadow_total{") && !key.contains("would=\"unknown\"")
    };
    let held = whole(counts.iter().filter(would).map(|(_, count)| count).sum());
    let mut waits = Vec::new();
    if held > 0 {
        // Records come after their attempts.
        waits = until("their records", || {
            Some(would_wait(&daemon)).filter(|waits| u64::try_from(waits.len()).is_ok_and(|all| all >= held))
        });
    }
    unload(daemon)?;
    Ok(Shadow { seconds, execs, held, waits })
}

/// The oldest first.
fn would_wait(daemon: &Daemon) -> Vec<Wait> {
    those(daemon, |verdict| verdict["because"].as_str()?.strip_prefix("would have been "))
}

/// What waited, and nobody answered.
fn refused(daemon: &Daemon) -> Vec<Wait> {
    those(daemon, |verdict| {
        (verdict["decider"]["by"] == "timeout").then(|| verdict["because"].as_str()).flatten()
    })
}

fn those(daemon: &Daemon, why: impl Fn(&serde_json::Value) -> Option<&str>) -> Vec<Wait> {
    let wait = |record: &serde_json::Value| {
        let because = why(&record["verdict"])?.to_owned();
        let argv = record["request"]["argv"].as_array()?;
        let argv = argv.iter().filter_map(|word| Some(word.as_str()?.to_owned())).collect();
        let exe = record["request"]["exe"]["path"].as_str()?.to_owned();
        Some(Wait { argv, exe, because })
    };
    daemon.records().iter().rev().filter_map(wait).collect()
}

/// For people: each once, and not all where they are many.
fn shown(waits: &[Wait]) -> Vec<String> {
    let mut lines = Vec::new();
    for Wait { argv, because, .. } in waits {
        let mut words = argv.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
        if words.len() > WIDTH {
            words.truncate(words.floor_char_boundary(WIDTH));
            words.push_str(" ...");
        }
        let line = format!("{words} ({because})");
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    let more = lines.len().saturating_sub(SHOWN);
    lines.truncate(SHOWN);
    if more > 0 {
        lines.push(format!("... and {more} others"));
    }
    lines
}

/// A daemon with every set of rules that comes with it, and with those.
fn gating(agent: &Cgroup, mode: &str, approved: &str) -> anyhow::Result<Daemon> {
    let folder = tempfile::tempdir_in("/var/tmp")?;
    let config = folder.path().join("expacti.toml");
    let rules = folder.path().join("approved.toml");
    fs::write(&rules, approved)?;
    let files = format!("files = [{:?}]\nstarters = [\"all\"]", rules.display().to_string());
    // Who allowed for good what is HIGH, as a human who was asked may, has set where that ends.
    let policy = format!("mode = \"{mode}\"\nnever_allow_from = \"CRITICAL\"\n");
    fs::write(&config, format!("[rules]\n{files}\n[policy.default]\n{policy}"))?;
    let config = config.to_str().context("a path in UTF-8")?.to_owned();
    Ok(Daemon::gating_in(folder, agent, &["--config", &config, "--review=5"]))
}

fn of_the_cache(daemon: &Daemon) -> u64 {
    let by_cache = |(key, _): &(&String, &f64)| {
        key.starts_with("expacti_decisions_total{") && key.contains("by=\"cache\"")
    };
    whole(metrics(daemon).iter().filter(by_cache).map(|(_, count)| count).sum())
}

/// Seconds of one run in a folder of its own.
fn run(agent: &Cgroup, script: &str) -> anyhow::Result<f64> {
    // Neither below /tmp, where everybody can write, nor in a folder of the gate: what happens there is suspicious.
    let folder = &Path::new(HOME).join("work");
    fs::create_dir_all(folder)?;
    // Emptied and not made anew: a command is the same as before only in the same folder.
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            fs::remove_dir_all(path)?;
        } else {
            fs::remove_file(path)?;
        }
    }
    // The shell is there before the agent is: what counts is what it starts.
    let line = format!("echo $$ > {}/cgroup.procs\n{script}", agent.path().display());
    let mut shell = Command::new("bash");
    shell.args(["-ec", &line]).current_dir(folder).env("HOME", HOME).stdin(Stdio::null());
    let start = Instant::now();
    let output = shell.output()?;
    let seconds = start.elapsed().as_secs_f64();
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        bail!("it failed, {}: {}", output.status, String::from_utf8_lossy(&said));
    }
    Ok(seconds)
}
