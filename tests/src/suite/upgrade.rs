//! A daemon that comes after another one: of the same version, of one with other maps, or after the gate was taken out.

use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use libtest_mimic::Trial;

use super::{RISKY, risky};

use expacti_tests::harness::cgroup::Cgroup;
use expacti_tests::harness::child::{self, run_aside, run_aside_with_input};
use expacti_tests::harness::daemon::{Daemon, unload};
use expacti_tests::harness::test;
use expacti_tests::harness::wait::until;

const PINS: &str = "/sys/fs/bpf/expacti";

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("upgrade::the_same_programs_go_on", the_same_programs_go_on),
        test("upgrade::maps_of_another_layout_are_replaced", maps_of_another_layout_are_replaced),
        test(
            "upgrade::what_was_held_behind_its_commit_there_ends",
            what_was_held_behind_its_commit_there_ends,
        ),
        test("upgrade::numbers_go_on_after_unload", numbers_go_on_after_unload),
    ]
}

fn below(folder: PathBuf) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path())
}

/// The folder of the links that are in force, with how many there are. There is no other.
#[track_caller]
fn links() -> (PathBuf, usize) {
    let folders = below(PathBuf::from(PINS)).flat_map(below).filter(|path| path.is_dir());
    let all: Vec<PathBuf> = folders.collect();
    let [folder] = all.as_slice() else { panic!("not one folder of links: {all:?}") };
    let count = fs::read_dir(folder).unwrap().count();
    (folder.clone(), count)
}

#[track_caller]
fn gates(daemon: &Daemon, agent: &Cgroup) {
    let held = run_aside(agent, risky());
    daemon.ask(&["deny", &daemon.card(&RISKY.join(" "))]);
    assert_eq!(held.ending().unwrap_err().kind(), ErrorKind::PermissionDenied);
}

fn the_same_programs_go_on() {
    let agent = Cgroup::new("agent");
    let daemon = Daemon::gating(&agent, &[]);
    let first = links();
    assert!(first.1 > 10, "{first:?}");
    let daemon = Daemon::gating_in(daemon.kill(), &agent, &[]);
    assert_eq!(links(), first);
    gates(&daemon, &agent);

    // One is not there any more: all are loaded anew.
    let folder = daemon.kill();
    fs::remove_file(first.0.join("check")).unwrap();
    let daemon = Daemon::gating_in(folder, &agent, &[]);
    let second = links();
    assert_eq!((second.0 == first.0, second.1), (false, first.1));
    gates(&daemon, &agent);

    // As if they were those of another version.
    let folder = daemon.kill();
    let name = second.0.file_name().unwrap().to_str().unwrap();
    let (instance, _) = name.rsplit_once('-').unwrap();
    fs::rename(&second.0, second.0.with_file_name(format!("{instance}-{:016x}", 0))).unwrap();
    let daemon = Daemon::gating_in(folder, &agent, &[]);
    let third = links();
    assert_eq!((third.0 == second.0, third.1), (false, first.1));
    gates(&daemon, &agent);
}

/// As if the maps of a dead daemon were of another layout.
#[track_caller]
fn make_foreign() {
    let all: Vec<PathBuf> = below(PathBuf::from(PINS)).collect();
    let [layout] = all.as_slice() else { panic!("not one layout: {all:?}") };
    fs::rename(layout, layout.with_file_name("layout-0")).unwrap();
}

fn maps_of_another_layout_are_replaced() {
    unload();
    let agent = Cgroup::new("agent");
    let elsewhere = Cgroup::new("elsewhere");
    let daemon = Daemon::gating(&agent, &[]);
    // One that has left its cgroup is known by its mark alone.
    let line = "read -r; exec git push --force origin main";
    let (input, mut to_it) = io::pipe().unwrap();
    let mut shell = Command::new("bash");
    let outside = run_aside_with_input(&agent, {
        shell.args(["-c", line]).current_dir("/").stdin(Stdio::from(input));
        shell
    });
    let card = until("a card of the shell", || daemon.pending().into_iter().next());
    daemon.ask(&["approve", &card["id"].to_string()]);
    let pid = until("a shell that waits for its input", || {
        Some(daemon.record(&["bash", "-c", line], "allowed")).filter(|record| record["started"] == true)
    })["pid"]
        .to_string();
    fs::write(elsewhere.path().join("cgroup.procs"), pid).unwrap();
    let held = run_aside(&agent, risky());
    let before = daemon.card(&RISKY.join(" "));
    // A number that the log has never seen may be given again.
    daemon.record(&RISKY, "pending");

    let folder = daemon.kill();
    make_foreign();
    let daemon = Daemon::gating_in(folder, &agent, &[]);
    assert!(!PathBuf::from(PINS).join("layout-0").exists());
    links();
    // It asks anew, and its number goes on from those that the log has.
    let again = daemon.card(&RISKY.join(" "));
    assert!(again.parse::<u64>().unwrap() > before.parse().unwrap(), "{again} after {before}");
    // What it asked the other gate is over.
    daemon.record(&RISKY, "withdrawn");
    daemon.ask(&["deny", &again]);
    assert_eq!(held.ending().unwrap_err().kind(), ErrorKind::PermissionDenied);
    to_it.write_all(b"\n").unwrap();
    daemon.ask(&["deny", &daemon.card(&RISKY.join(" "))]);
    assert_eq!(outside.ending().unwrap().status.code(), Some(126));
    // What the killed daemon had read and not written yet is a hole, which is recorded a little later.
    until("a log that is whole", || daemon.call(&["log", "verify"]).status.success().then_some(()));
}

fn what_was_held_behind_its_commit_there_ends() {
    let agent = Cgroup::new("agent");
    let daemon = Daemon::gating(&agent, &["--hold-after"]);
    let mut held = child::start(&agent, &mut risky()).unwrap();
    daemon.card(&RISKY.join(" "));
    let frozen = || {
        let events = below(agent.path().to_owned()).map(|folder| folder.join("cgroup.events"));
        let mut texts = events.filter_map(|events| fs::read_to_string(events).ok());
        texts.any(|text| text.contains("frozen 1")).then_some(())
    };
    until("a new program that is frozen", frozen);
    let folder = daemon.kill();
    make_foreign();
    let daemon = Daemon::gating_in(folder, &agent, &["--hold-after"]);
    assert_eq!(child::wait(&mut held).signal(), Some(libc::SIGKILL));
    until("no cgroup of ours left", || {
        below(agent.path().to_owned()).all(|path| path.is_file()).then_some(())
    });
    drop(daemon);
}

fn numbers_go_on_after_unload() {
    unload();
    let agent = Cgroup::new("agent");
    let mut folder = Daemon::folder_with("");
    for round in 0..3 {
        let daemon = Daemon::gating_in(folder, &agent, &[]);
        for word in ["one", "two"] {
            assert!(child::run(&agent, Command::new("/bin/echo").arg(word)).unwrap().status.success());
        }
        until("all records", || (daemon.records().len() == 2 * (round + 1)).then_some(()));
        let mut numbers: Vec<u64> =
            daemon.records().iter().map(|record| record["sequence"].as_u64().unwrap()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 2 * (round + 1), "a number was given twice: {numbers:?}");
        daemon.ask(&["log", "verify"]);
        folder = daemon.kill();
        unload();
    }
}
