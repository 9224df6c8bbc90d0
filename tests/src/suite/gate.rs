//! The gate: an exec of an enrolled agent is allowed, held or denied, and what ran is what was approved.

use std::fs;
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
