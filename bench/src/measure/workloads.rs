//! Whole pieces of work, gated and not. Everything they need is in the guest; nothing is fetched.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, bail};
use expacti_bench::statistics::{Interval, median};
use expacti_bench::workloads::Workload;
use expacti_tests::harness::cgroup::Cgroup;
use expacti_tests::harness::daemon::Daemon;

use super::scale::{metrics, whole};

/// Blocks of bare, gated, gated, bare: two pairs each.
const BLOCKS: usize = 3;

/// A name, what it does, and the script. Each run has an empty folder and `/opt/expacti/programs` to work on.
const ALL: [(&str, &str, &str); 4] = [
    (
        "agent loop",
        "8 times `bash -lc` with ls, grep, sed, find and git in a small repository",
        r#"git init -q . && cp /opt/expacti/programs/*.c . && git add . && git commit -q -m first
for i in 1 2 3 4 5 6 7 8; do
    bash -lc 'ls | head -5; grep -n main *.c | wc -l; sed -n 1,5p spawn.c; find . -name "*.c" | wc -l; git status --short; git log --oneline | head -3'
done"#,
    ),
    (
        "make -j2",
        "the C programs of this repository, compiled and linked one by one",
        r"cp /opt/expacti/programs/*.c . && rm -f nop.c
printf 'programs := $(basename $(wildcard *.c))\nall: $(programs)\n%%.o: %%.c\n\tgcc -O1 -c -o $@ $<\n%%: %%.o\n\tgcc -o $@ $< -pthread\n' > Makefile
make -s -j2",
    ),
    (
        "git",
        "10 commits on a branch, a rebase and a clone",
        r"git init -q -b main a && cd a && git commit -q --allow-empty -m root && git checkout -q -b work
for i in 1 2 3 4 5 6 7 8 9 10; do echo $i > f$i; git add f$i; git commit -q -m $i; done
git checkout -q main && git commit -q --allow-empty -m side && git checkout -q work && git rebase -q main
cd .. && git clone -q a b",
    ),
    (
        "unittest",
        "python3 -m unittest with 20 tests that each start a program",
        r#"cat > test_all.py << 'END'
import subprocess, unittest
class All(unittest.TestCase): pass
def one(n):
    return lambda self: self.assertEqual(subprocess.check_output(["echo", str(n)]), b"%d\n" % n)
for n in range(20): setattr(All, "test_%d" % n, one(n))
END
python3 -m unittest -q test_all"#,
    ),
];

pub(crate) fn measure() -> anyhow::Result<Vec<Workload>> {
    fs::write("/root/.gitconfig", "[user]\nname = agent\nemail = agent@localhost\n[gc]\nauto = 0\n")?;
    ALL.into_iter().map(|(name, about, script)| one(name, about, script)).collect()
}

fn one(name: &str, about: &str, script: &str) -> anyhow::Result<Workload> {
    eprintln!("{name}");
    let agent = Cgroup::new("agent");
    // The first run fills the page cache.
    run(&agent, script)?;
    let (execs, held) = in_shadow(&agent, script)?;
    let (mut bare, mut added, mut cached) = (Vec::new(), Vec::new(), 0);
    for _ in 0..BLOCKS {
        let before = run(&agent, script)?;
        if held == 0 {
            let daemon = gating(&agent, "enforce")?;
            // As in a session that has been going on for a while.
            run(&agent, script)?;
            let counted = of_the_cache(&daemon);
            let (forth, back) = (run(&agent, script)?, run(&agent, script)?);
            cached = (of_the_cache(&daemon) - counted) / 2;
            unload(daemon)?;
            let after = run(&agent, script)?;
            added.extend([forth - before, back - after]);
            bare.push(after);
        }
        bare.push(before);
    }
    Ok(Workload {
        name: name.to_owned(),
        about: about.to_owned(),
        execs,
        cached,
        held,
        bare: median(&bare),
        pairs: added.len(),
        added: (held == 0).then(|| Interval::of(&added)),
    })
}

/// How many execs it has, and how many of them would have waited.
fn in_shadow(agent: &Cgroup, script: &str) -> anyhow::Result<(u64, u64)> {
    let daemon = gating(agent, "shadow")?;
    run(agent, script)?;
    let counts = metrics(&daemon);
    let sum =
        |name: &str| counts.iter().filter(|(key, _)| key.starts_with(name)).map(|(_, count)| count).sum();
    let found = (whole(sum("expacti_attempts_total{")), whole(sum("expacti_shadow_total{")));
    unload(daemon)?;
    Ok(found)
}

/// A daemon with every set of rules that comes with it.
fn gating(agent: &Cgroup, mode: &str) -> anyhow::Result<Daemon> {
    let folder = tempfile::tempdir_in("/var/tmp")?;
    let config = folder.path().join("expacti.toml");
    fs::write(&config, format!("[rules]\nstarters = [\"all\"]\n[policy.default]\nmode = \"{mode}\"\n"))?;
    let config = config.to_str().context("a path in UTF-8")?.to_owned();
    Ok(Daemon::gating_in(folder, agent, &["--config", &config]))
}

fn unload(daemon: Daemon) -> anyhow::Result<()> {
    drop(daemon.kill());
    let output = Command::new("expacti").args(["daemon", "--unload", "--force"]).output()?;
    if !output.status.success() {
        bail!("it does not unload: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

fn of_the_cache(daemon: &Daemon) -> u64 {
    let by_cache = |(key, _): &(&String, &f64)| {
        key.starts_with("expacti_decisions_total{") && key.contains("by=\"cache\"")
    };
    whole(metrics(daemon).iter().filter(by_cache).map(|(_, count)| count).sum())
}

/// Seconds of one run in a folder of its own.
fn run(agent: &Cgroup, script: &str) -> anyhow::Result<f64> {
    let folder = Path::new("/tmp/work");
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
    shell.args(["-ec", &line]).current_dir(folder).stdin(Stdio::null());
    let start = Instant::now();
    let output = shell.output()?;
    let seconds = start.elapsed().as_secs_f64();
    if !output.status.success() {
        bail!("it failed, {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(seconds)
}
