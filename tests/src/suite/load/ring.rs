//! The smallest ring there is: who finds it full waits for its turn, and what had no room is told.

use std::fs;
use std::io::Write as _;
use std::process::Command;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use expacti_tests::harness::daemon::{Daemon, unload};
use expacti_tests::harness::wait::until;

use super::{Ground, outcome, recorded, times, whole};

/// Room for seven execs. A ring that is there stays, so what was there is taken out first.
const SMALL: &str = "ring_kib = 64\n";

/// What is cached runs on meanwhile, until the ring is full, which takes seven execs here; then it waits until there is
/// room. None is lost, none fails, and none is taken for another one because there was no room to look at it.
pub(super) fn a_stopped_daemon_loses_nothing() {
    unload();
    let ground = Ground::new();
    let daemon = ground.daemon_with(SMALL, &["--grace=300"]);
    let mut storm = ground.storm("until", 0, &["FINE"]);
    let process = process(&daemon);
    for round in 0..times(8) {
        allowed_by_the_kernel(&daemon);
        let before = counted_by_the_kernel(WITHOUT_ROOM);
        kill_process(process, Signal::STOP).unwrap();
        until("a full ring", || (counted_by_the_kernel(WITHOUT_ROOM) > before).then_some(()));
        // The first time for a minute, if there is time.
        let long = if round == 0 { times(3).min(60) } else { 0 };
        std::thread::sleep(Duration::from_secs(long.into()));
        kill_process(process, Signal::CONT).unwrap();
    }
    storm.stdin.take().unwrap().write_all(b"\n").unwrap();
    let [fine] = outcome(storm, &["FINE"]).try_into().unwrap();
    let metrics = daemon.ask(&["metrics"]);
    let killed = metrics.lines().find(|line| line.contains("mismatch-killed")).unwrap();
    assert!(killed.ends_with(" 0"), "{killed}");
    assert!(fine.ran > 0 && fine.refused == 0 && fine.other == 0, "{fine:?}");
    whole(&recorded(&daemon, "FINE", fine.ran));
    drop(daemon);
    // The next one gets a ring of the usual size.
    unload();
}

/// Waits for an exec that the kernel lets through by itself.
fn allowed_by_the_kernel(daemon: &Daemon) {
    until("an exec that the kernel lets through by itself", || {
        let newest = daemon.ask(&["log", "--json", "--limit", "1"]);
        let newest: Value = serde_json::from_str(newest.lines().next()?).unwrap();
        (newest["verdict"]["decider"]["by"] == "cache").then_some(())
    });
}

/// Attempts that have gone around because there was no room.
const WITHOUT_ROOM: usize = 0;
/// Those of them that were refused in the end.
const REFUSED_WITHOUT_ROOM: usize = 1;

/// What the kernel counts, where the daemon cannot be asked.
fn counted_by_the_kernel(counter: usize) -> u64 {
    let pins = fs::read_dir("/sys/fs/bpf/expacti").unwrap().next().unwrap().unwrap().path();
    let dump = ["--json", "map", "dump", "pinned"];
    let output = Command::new("bpftool").args(dump).arg(pins.join("COUNTERS")).output().unwrap();
    let counters: Value = serde_json::from_slice(&output.stdout).unwrap();
    // Of each processor its eight bytes in hexadecimal, the lowest first.
    let of_processor = |part: &Value| {
        part["value"].as_array().unwrap().iter().rev().fold(0, |number, byte| {
            let byte = u64::from_str_radix(byte.as_str().unwrap().trim_start_matches("0x"), 16).unwrap();
            number << 8 | byte
        })
    };
    counters[counter]["values"].as_array().unwrap().iter().map(of_processor).sum()
}

fn process(daemon: &Daemon) -> Pid {
    Pid::from_raw(daemon.pid().cast_signed()).unwrap()
}

/// They are so many, and the daemon gets to read so little, that it takes longer than the grace until each has had its
/// turn: none is refused, because it does read. Then it does not, and they are. That is told once, by whichever daemon
/// comes to it.
pub(super) fn who_finds_the_ring_full_waits_while_it_is_read() {
    unload();
    let ground = Ground::new();
    let mut daemon = ground.daemon_with(SMALL, &["--grace=3"]);
    let mut storm = ground.storm_of("until", 0, 60, &["FINE"]);
    allowed_by_the_kernel(&daemon);
    for _ in 0..times(6) {
        kill_process(process(&daemon), Signal::STOP).unwrap();
        std::thread::sleep(Duration::from_secs(1));
        let read = || daemon.used_by_threads()["ring"];
        let before = read();
        kill_process(process(&daemon), Signal::CONT).unwrap();
        // On a busy machine it comes to its turn later.
        until("the reader's turn", || (read() > before).then_some(()));
        // Time for some of them.
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(counted_by_the_kernel(REFUSED_WITHOUT_ROOM), 0, "refused though the ring is read");
    kill_process(process(&daemon), Signal::STOP).unwrap();
    until("somebody who is refused", || (counted_by_the_kernel(REFUSED_WITHOUT_ROOM) > 0).then_some(()));
    kill_process(process(&daemon), Signal::CONT).unwrap();
    storm.stdin.take().unwrap().write_all(b"\n").unwrap();
    let [fine] = outcome(storm, &["FINE"]).try_into().unwrap();
    assert!(fine.ran > 60 && fine.refused > 0 && fine.other == 0, "{fine:?}");
    daemon.says(&format!("{} execs were refused without a record of their own", fine.refused));
    until("the alarm in the log", || (daemon.alarms() > 0).then_some(()));
    whole(&recorded(&daemon, "FINE", fine.ran));
    let daemon = ground.daemon_of(daemon.kill(), SMALL, &[]);
    assert_eq!(outcome(ground.storm("bomb", 1, &["FINE"]), &["FINE"])[0].ran, 1);
    until("that it is heard of", || (daemon.attempts() > 0).then_some(()));
    assert_eq!(daemon.alarms(), 0, "they were told before");
    drop(daemon);
    unload();
}
