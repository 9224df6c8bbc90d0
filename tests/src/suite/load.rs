//! More execs than can be decided: they wait or are refused, none is lost, and others do not feel it.

mod ring;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::Value;
use tempfile::TempDir;

use expacti_tests::harness::cgroup::Cgroup;
use expacti_tests::harness::child;
use expacti_tests::harness::daemon::Daemon;
use expacti_tests::harness::program::program;
use expacti_tests::harness::test;
use expacti_tests::harness::wait::{DEADLINE, until, within};

use super::times;

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("load::a_storm_loses_nothing", a_storm_loses_nothing),
        test("load::what_is_offered_at_a_pace_is_recorded", what_is_offered_at_a_pace_is_recorded),
        test("load::a_bomb_is_held_by_its_quota", a_bomb_is_held_by_its_quota),
        test("load::a_killed_daemon_lets_nothing_slip_through", a_killed_daemon_lets_nothing_slip_through),
        test("load::what_was_shown_is_on_the_disk", what_was_shown_is_on_the_disk),
        test("load::memory_does_not_grow", memory_does_not_grow),
        test("load::a_stopped_daemon_loses_nothing", ring::a_stopped_daemon_loses_nothing),
        test(
            "load::who_finds_the_ring_full_waits_while_it_is_read",
            ring::who_finds_the_ring_full_waits_while_it_is_read,
        ),
    ]
}

/// Commands that may wait at once.
const QUOTA: u64 = 50;

const RULES: &str = r#"
[[rule]]
name = "harmless"
decision = "allow"
because = "the test says so"
argv = ["show", "FINE"]
exe = "/opt/expacti/programs/show"

[[rule]]
name = "ask"
decision = "review"
because = "the test says so"
argv = ["show", "HELD"]

[[rule]]
name = "never"
decision = "deny"
because = "the test says so"
argv = ["show", "EVIL"]
"#;

/// What came of one word of the test program.
#[derive(Debug, PartialEq, Eq)]
struct Counts {
    ran: usize,
    refused: usize,
    other: usize,
}

/// An agent, its rules, and its daemons.
struct Ground {
    agent: Cgroup,
}

impl Ground {
    fn new() -> Self {
        Self { agent: Cgroup::new("agent") }
    }

    #[track_caller]
    fn daemon(&self, more: &[&str]) -> Daemon {
        self.daemon_with("", more)
    }

    /// With settings of its own.
    #[track_caller]
    fn daemon_with(&self, settings: &str, more: &[&str]) -> Daemon {
        self.daemon_of(Daemon::folder_with(RULES), settings, more)
    }

    /// On the folder of an earlier one.
    #[track_caller]
    fn daemon_in(&self, folder: TempDir, more: &[&str]) -> Daemon {
        self.daemon_of(folder, "", more)
    }

    #[track_caller]
    fn daemon_of(&self, folder: TempDir, settings: &str, more: &[&str]) -> Daemon {
        let (rules, config) = (folder.path().join("rules.toml"), folder.path().join("expacti.toml"));
        fs::write(&config, format!("{settings}[policy.default]\nmax_pending = {QUOTA}\n")).unwrap();
        let options = ["--config", config.to_str().unwrap(), "--rules", rules.to_str().unwrap()];
        Daemon::gating_in(folder, &self.agent, &[&options, more].concat())
    }

    /// Starts the storm.
    #[track_caller]
    fn storm(&self, how: &str, times: usize, words: &[&str]) -> Child {
        self.storm_of(how, times, 4, words)
    }

    /// With so many workers, or so many execs a second.
    #[track_caller]
    fn storm_of(&self, how: &str, times: usize, workers: usize, words: &[&str]) -> Child {
        let mut command = Command::new(program("storm"));
        command.args([how, &times.to_string(), &workers.to_string()]).arg(program("show")).args(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        child::inside(&self.agent, &mut command).spawn().unwrap()
    }
}

#[track_caller]
fn outcome(storm: Child, words: &[&str]) -> Vec<Counts> {
    counts(&said(storm), words)
}

#[track_caller]
fn said(storm: Child) -> String {
    let output = storm.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}: {text}", output.status);
    text
}

fn counts(text: &str, words: &[&str]) -> Vec<Counts> {
    let line = |word: &&str| {
        let line = text.lines().find(|line| line.starts_with(word)).unwrap();
        let numbers: Vec<usize> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
        Counts { ran: numbers[0], refused: numbers[1], other: numbers[2] }
    };
    words.iter().map(line).collect()
}

/// The kernel's numbers of the attempts of one word, once there are so many; and what is known of them.
#[track_caller]
fn recorded(daemon: &Daemon, word: &str, count: usize) -> Vec<Value> {
    // A look at the numbers costs less than one at all the records.
    until(&format!("{count} attempts"), || (daemon.attempts() >= count).then_some(()));
    until(&format!("{count} records of {word}"), || {
        let limit = (count + 1).clamp(1_000, 10_000).to_string();
        let text = daemon.ask(&["log", "--json", "--grep", word, "--limit", &limit]);
        let records: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let of_it: Vec<Value> =
            records.into_iter().filter(|record| record["request"]["argv"][1] == word).collect();
        assert!(of_it.len() <= count, "{} records of {count} attempts", of_it.len());
        (of_it.len() == count).then_some(of_it)
    })
}

/// Each has a number of its own.
#[track_caller]
fn whole(records: &[Value]) {
    let numbers: BTreeSet<u64> = records.iter().map(|record| record["sequence"].as_u64().unwrap()).collect();
    assert_eq!(numbers.len(), records.len(), "a number was given twice");
}

fn a_storm_loses_nothing() {
    let ground = Ground::new();
    let daemon = ground.daemon(&[]);
    let count = times(400) as usize / 4 * 4;
    let storm = ground.storm("storm", count, &["FINE"]);
    // Others go on meanwhile, unseen.
    let other = Cgroup::new("other");
    for _ in 0..20 {
        assert!(child::run(&other, Command::new("/bin/true").arg("OUTSIDE")).unwrap().status.success());
    }
    assert_eq!(outcome(storm, &["FINE"]), [Counts { ran: count, refused: 0, other: 0 }]);
    let records = recorded(&daemon, "FINE", count);
    assert!(records.iter().all(|record| record["state"] == "allowed"));
    recorded(&daemon, "OUTSIDE", 0);
    whole(&records);
    // In a row: each was counted, and nothing else was.
    let numbers: BTreeSet<u64> = records.iter().map(|record| record["sequence"].as_u64().unwrap()).collect();
    let (first, last) = (numbers.first().unwrap(), numbers.last().unwrap());
    assert_eq!(last - first + 1, count as u64, "a number is missing");
}

/// So many a second for five seconds, whatever becomes of those before. How many a guest carries: docs/guests.md.
fn what_is_offered_at_a_pace_is_recorded() {
    const SECONDS: usize = 5;
    let pace = times(20) as usize;
    let ground = Ground::new();
    let daemon = ground.daemon(&[]);
    let text = said(ground.storm_of("pace", pace * SECONDS, pace, &["FINE"]));
    assert_eq!(counts(&text, &["FINE"]), [Counts { ran: pace * SECONDS, refused: 0, other: 0 }]);
    let late: usize = text.lines().find_map(|line| line.strip_prefix("late ")).unwrap().parse().unwrap();
    assert!(late < 1000, "it was not offered in time, but {late} ms late");
    whole(&recorded(&daemon, "FINE", pace * SECONDS));
}

fn a_bomb_is_held_by_its_quota() {
    let bomb_of = times(200) as usize;
    let ground = Ground::new();
    let daemon = ground.daemon(&["--review=3600"]);
    let mut bomb = ground.storm("bomb", bomb_of, &["HELD"]);
    // Meanwhile the daemon answers, and others start what they like.
    let other = Cgroup::new("other");
    until("many that wait", || {
        assert!(child::run(&other, &mut Command::new("/bin/true")).unwrap().status.success());
        let coalesced = |card: &Value| card["count"].as_u64().unwrap_or(1);
        (daemon.pending().iter().map(coalesced).sum::<u64>() >= QUOTA).then_some(())
    });
    // Who is refused makes room for those who come after. That so many fork takes its time on a busy machine.
    let end = within(4 * DEADLINE, || {
        for card in daemon.pending() {
            // It may have had its answer a moment ago.
            daemon.call(&["deny", &card["id"].to_string()]);
        }
        bomb.try_wait().unwrap()
    });
    assert!(end.is_some(), "the bomb does not end");
    assert_eq!(outcome(bomb, &["HELD"]), [Counts { ran: 0, refused: bomb_of, other: 0 }]);
    let records = recorded(&daemon, "HELD", bomb_of);
    assert!(records.iter().all(|record| record["state"] == "denied" && record["started"] == false));
    let deciders: BTreeSet<&str> =
        records.iter().map(|record| record["verdict"]["decider"]["by"].as_str().unwrap()).collect();
    assert_eq!(deciders, BTreeSet::from(["quota", "reviewers"]));
    whole(&records);
}

/// Again and again, at moments that nobody chose. What a rule denies never runs, and what is held is held for as long.
fn a_killed_daemon_lets_nothing_slip_through() {
    let ground = Ground::new();
    let words = ["FINE", "EVIL"];
    let mut daemon = ground.daemon(&["--grace=60", "--review=3600"]);
    let mut held = ground.storm("bomb", 1, &["HELD"]);
    let ticket = daemon.card("show HELD");
    let mut storm = ground.storm("until", 0, &words);
    for round in 0..times(4) {
        // From right after the start to well into its work.
        std::thread::sleep(Duration::from_millis(u64::from(round.wrapping_mul(2_654_435_761) % 700)));
        let folder = daemon.kill();
        daemon = ground.daemon_in(folder, &["--grace=60", "--review=3600"]);
        assert_eq!(daemon.card("show HELD"), ticket);
        assert!(held.try_wait().unwrap().is_none());
    }
    storm.stdin.take().unwrap().write_all(b"\n").unwrap();
    let [fine, evil] = outcome(storm, &words).try_into().unwrap();
    // What was refused says why.
    let refusals = || daemon.ask(&["log", "--json", "--grep", "FINE", "--decision", "denied"]);
    assert!(fine.ran > 0 && fine.refused == 0 && fine.other == 0, "{fine:?}: {}", refusals());
    assert!(evil.ran == 0 && evil.refused > 0 && evil.other == 0, "never allowed: {evil:?}");
    daemon.ask(&["approve", &ticket]);
    assert_eq!(outcome(held, &["HELD"]), [Counts { ran: 1, refused: 0, other: 0 }]);
}

/// A disk that takes its time, and a crash as soon as the card is seen: it keeps its number, which reviewers may have in mind.
fn what_was_shown_is_on_the_disk() {
    let ground = Ground::new();
    let options = ["--grace=60", "--review=3600"];
    let daemon = ground.daemon(&options);
    let mut slow = slowed_down(&daemon);
    let held = ground.storm("bomb", 1, &["HELD"]);
    let ticket = daemon.card("show HELD");
    let folder = daemon.kill();
    slow.wait().unwrap();
    let daemon = ground.daemon_in(folder, &options);
    assert_eq!(daemon.card("show HELD"), ticket);
    daemon.ask(&["approve", &ticket]);
    assert_eq!(outcome(held, &["HELD"]), [Counts { ran: 1, refused: 0, other: 0 }]);
}

/// From now on each write to the disk takes half a second.
fn slowed_down(daemon: &Daemon) -> Child {
    let late = ["-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:delay_enter=500000"];
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o", "/dev/null"]).args(late).args(["-p", &daemon.pid().to_string()]);
    let strace = strace.spawn().unwrap();
    until("all threads of the daemon are traced", || {
        let mut threads = fs::read_dir(format!("/proc/{}/task", daemon.pid())).unwrap();
        let is_traced = |status: String| !status.contains("TracerPid:\t0\n");
        let is_traced = threads
            .all(|thread| fs::read_to_string(thread.unwrap().path().join("status")).is_ok_and(is_traced));
        is_traced.then_some(())
    });
    strace
}

fn memory_does_not_grow() {
    let ground = Ground::new();
    let daemon = ground.daemon(&[]);
    let half = times(800) as usize / 8 * 4;
    let all_ran = |count| {
        let fine = outcome(ground.storm("storm", count, &["FINE"]), &["FINE"]);
        assert_eq!(fine, [Counts { ran: count, refused: 0, other: 0 }]);
    };
    all_ran(half);
    until("everything is written", || daemon.ask(&["log", "--limit", "1"]).contains("FINE").then_some(()));
    let before = memory(&daemon);
    all_ran(half);
    let after = memory(&daemon);
    // What the daemon allocates: its pages of the log's file, which the kernel takes back as it likes, do grow.
    for (name, limit) in
        [("RssAnon", 4 << 10), ("SUnreclaim", 8 << 10), ("Percpu", 1 << 10), ("VmallocUsed", 2 << 10)]
    {
        let [before, after] = [&before, &after].map(|text| kibibytes(text, name));
        assert!(after <= before + limit, "{name} grew from {before} to {after} KiB over {half} execs");
    }
}

/// Of the kernel and of the daemon.
fn memory(daemon: &Daemon) -> String {
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid())).unwrap();
    fs::read_to_string("/proc/meminfo").unwrap() + &status
}

fn kibibytes(text: &str, name: &str) -> u64 {
    let line = text.lines().find(|line| line.starts_with(&format!("{name}:"))).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
