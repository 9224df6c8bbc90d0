//! The gate: an exec of an enrolled agent is allowed, held or denied, and what ran is what was approved.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use libtest_mimic::Trial;

use super::{RISKY, risky};

use expacti_tests::harness::cgroup::Cgroup;
use expacti_tests::harness::daemon::Daemon;
use expacti_tests::harness::wait::until;
use expacti_tests::harness::{child, test};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("gate::what_is_harmless_runs_and_is_logged", what_is_harmless_runs_and_is_logged),
        test("gate::scripts_are_judged_with_their_interpreters", scripts_are_judged_with_their_interpreters),
        test("gate::without_a_daemon_nothing_new_runs", without_a_daemon_nothing_new_runs),
        test("gate::others_are_left_alone", others_are_left_alone),
        test("gate::an_agent_cannot_approve", an_agent_cannot_approve),
        test("gate::a_new_daemon_goes_on_with_the_programs", a_new_daemon_goes_on_with_the_programs),
    ]
}

fn what_is_harmless_runs_and_is_logged() {
    let agent = Cgroup::new("agent");
    let daemon = Daemon::gating(&agent, &[]);
    for _ in 0..3 {
        let output = child::run(&agent, Command::new("/bin/echo").arg("hi there")).unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "hi there\n");
    }
    let numbers = until("three records", || {
        let mut numbers: Vec<u64> =
            daemon.records().iter().map(|record| record["sequence"].as_u64().unwrap()).collect();
        numbers.sort_unstable();
        (numbers.len() == 3).then_some(numbers)
    });
    assert_eq!([numbers[1], numbers[2]], [numbers[0] + 1, numbers[0] + 2]);
    let record = daemon.record(&["/bin/echo", "hi there"], "allowed");
    assert_eq!(record["request"]["agent"]["name"], "test");
    assert!(record["request"]["exe"]["path"].as_str().unwrap().ends_with("/echo"));
}

fn scripts_are_judged_with_their_interpreters() {
    let agent = Cgroup::new("agent");
    let daemon = Daemon::gating(&agent, &["--observe"]);
    let script = daemon.file("script");
    fs::write(&script, "#!/bin/sh -e\necho \"$0 $1\"\n").unwrap();
    fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = script.to_str().unwrap();
    let output = child::run(&agent, Command::new(&script).arg("one")).unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{path} one\n"));
    let record = daemon.record(&[path, "one"], "allowed");
    assert_eq!(record["request"]["exe"]["path"], path);
    assert_eq!(record["request"]["interpreters"].as_array().unwrap().len(), 1);
}

fn without_a_daemon_nothing_new_runs() {
    let agent = Cgroup::new("agent");
    let daemon = Daemon::gating(&agent, &["--grace=1"]);
    // The kernel is told to remember behind the verdict.
    until("an exec that the kernel lets through by itself", || {
        child::run(&agent, Command::new("/bin/echo").arg("known")).unwrap();
        let record = daemon.records().into_iter().next()?;
        (record["verdict"]["decider"]["by"] == "cache").then_some(())
    });
    let _folder = daemon.kill();
    let error = child::run(&agent, Command::new("/bin/echo").arg("new")).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EPERM));
    let output = child::run(&agent, Command::new("/bin/echo").arg("known")).unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "known\n");
}

fn others_are_left_alone() {
    let agent = Cgroup::new("agent");
    let other = Cgroup::new("other");
    let daemon = Daemon::gating(&agent, &[]);
    assert_eq!(child::run(&other, &mut risky()).unwrap().status.code(), Some(128));
    let seen = |record: &serde_json::Value| record["request"]["argv"] == serde_json::json!(RISKY);
    assert!(!daemon.records().iter().any(seen));
}

fn an_agent_cannot_approve() {
    let agent = Cgroup::new("agent");
    let daemon = Daemon::gating(&agent, &["--observe"]);
    let output = child::run(&agent, Command::new("expacti").args(["pending"])).unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("enrolled") || said.contains("gated"), "{said}");
    drop(daemon);
}

/// The folder of the links that are in force, with how many there are.
#[track_caller]
fn links() -> (PathBuf, usize) {
    let below = |folder: PathBuf| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let layouts = below(PathBuf::from("/sys/fs/bpf/expacti"));
    let folders = layouts.flat_map(below).filter(|path| path.is_dir());
    let [folder] = folders.collect::<Vec<_>>().try_into().expect("one folder of links");
    let count = fs::read_dir(&folder).unwrap().count();
    (folder, count)
}

fn a_new_daemon_goes_on_with_the_programs() {
    let agent = Cgroup::new("agent");
    let gates = |daemon: &Daemon| {
        let held = child::run_aside(&agent, risky());
        let id = daemon.card(&RISKY.join(" "));
        daemon.ask(&["deny", &id]);
        assert_eq!(held.ending().unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
    };
    let daemon = Daemon::gating(&agent, &[]);
    let first = links();
    let daemon = Daemon::gating_in(daemon.kill(), &agent, &[]);
    assert_eq!(links(), first, "the same programs");
    gates(&daemon);

    // One is not there any more: all are loaded anew.
    let folder = daemon.kill();
    fs::remove_file(first.0.join("check")).unwrap();
    let daemon = Daemon::gating_in(folder, &agent, &[]);
    let second = links();
    assert_eq!((second.0 == first.0, second.1), (false, first.1));
    gates(&daemon);

    // As if they were those of another version.
    let folder = daemon.kill();
    let name = second.0.file_name().unwrap().to_str().unwrap();
    let (instance, _) = name.rsplit_once('-').unwrap();
    fs::rename(&second.0, second.0.with_file_name(format!("{instance}-{:016x}", 0))).unwrap();
    let daemon = Daemon::gating_in(folder, &agent, &[]);
    let third = links();
    assert_eq!((third.0 == second.0, third.1), (false, first.1));
    gates(&daemon);
}
