//! `expacti doctor` tells a host that can carry the gate from one that cannot.

use std::collections::BTreeMap;
use std::process::Command;

use libtest_mimic::Trial;

use super::defence::SwitchedOff;

use expacti_tests::harness::cgroup::Cgroup;
use expacti_tests::harness::daemon::Daemon;
use expacti_tests::harness::{child, test};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("doctor::this_host_is_well", this_host_is_well),
        test("doctor::it_does_not_touch_a_gate_in_force", it_does_not_touch_a_gate_in_force),
        test("doctor::it_says_what_only_root_can_check", it_says_what_only_root_can_check),
        test("doctor::a_gate_that_does_not_fire_is_found", a_gate_that_does_not_fire_is_found),
        test("doctor::a_daemon_does_not_start_without_a_gate", a_daemon_does_not_start_without_a_gate),
    ]
}

/// The exit code, and each finding's state by its name.
fn doctor(command: &mut Command) -> (Option<i32>, BTreeMap<String, String>) {
    let output = command.output().unwrap();
    let findings: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    let state = |finding: &serde_json::Value| {
        let of = |key: &str| finding[key].as_str().unwrap().to_owned();
        let advised = finding["advice"].as_str().is_some_and(|advice| !advice.is_empty());
        assert_eq!(advised, of("state") != "ok", "{finding}");
        (of("name"), of("state"))
    };
    (output.status.code(), findings.iter().map(state).collect())
}

fn as_root() -> (Option<i32>, BTreeMap<String, String>) {
    doctor(Command::new("expacti").args(["doctor", "--json"]))
}

fn this_host_is_well() {
    let (code, findings) = as_root();
    assert_eq!(code, Some(0), "{findings:?}");
    assert!(findings.values().all(|state| state == "ok") && findings.len() == 12, "{findings:?}");
    let output = Command::new("expacti").arg("doctor").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.lines().all(|line| line.starts_with("OK ")) && text.lines().count() == 12, "{text}");
}

fn it_does_not_touch_a_gate_in_force() {
    let agent = Cgroup::new("agent");
    let option = format!("--agent=test={}", agent.path().display());
    let mut daemon = Daemon::start(&[&option, "--observe", "--canary=1"]);
    daemon.says("ready");
    let (code, findings) = as_root();
    assert_eq!(code, Some(0), "{findings:?}");
    child::run(&agent, Command::new("/bin/echo").arg("hi")).unwrap();
    let console = daemon.console();
    assert!(!console.contains("ALARM"), "{console}");
}

fn it_says_what_only_root_can_check() {
    let mut command = Command::new("sudo");
    let (code, findings) = doctor(command.args(["-u", "agent", "expacti", "doctor", "--json"]));
    assert_eq!(code, Some(0), "{findings:?}");
    for name in ["capabilities", "freezer", "programs and helpers", "gate"] {
        assert_eq!(findings[name], "unchecked", "{findings:?}");
    }
    for name in ["kernel", "type information", "cgroups", "BPF file system", "ftrace"] {
        assert_eq!(findings[name], "ok", "{findings:?}");
    }
}

fn a_gate_that_does_not_fire_is_found() {
    let _off = SwitchedOff::new();
    let (code, findings) = as_root();
    assert_eq!(code, Some(1), "{findings:?}");
    let failed = |name: &str| findings[name] == "failed";
    assert!(failed("gate") && failed("ftrace") && !failed("kernel"), "{findings:?}");
}

fn a_daemon_does_not_start_without_a_gate() {
    let _off = SwitchedOff::new();
    let mut daemon = Daemon::start(&[]);
    daemon.says("expacti doctor");
    assert_eq!(daemon.wait().code(), Some(1));
}
