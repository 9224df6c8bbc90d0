//! From watching to a whitelist: what an observed agent ran becomes a rule, and the rule holds when it is enforced.

use std::fs;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};

use expacti_tests::harness::cgroup::Cgroup;
use expacti_tests::harness::daemon::Daemon;
use expacti_tests::harness::{child, test};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::expacti;

pub(crate) fn tests() -> Vec<Trial> {
    vec![test("suggest::what_was_observed_becomes_a_rule", what_was_observed_becomes_a_rule)]
}

fn seq(agent: &Cgroup, last: u32) -> Result<Option<i32>, Option<i32>> {
    let mut command = Command::new("/usr/bin/seq");
    command.args(["1", &last.to_string()]).current_dir("/var");
    child::run(agent, &mut command).map(|output| output.status.code()).map_err(|error| error.raw_os_error())
}

fn enroll(agent: &Cgroup, mode: &str) {
    let cgroup = agent.path().to_str().unwrap();
    let (code, said) = expacti(&["enroll", "ci", "--cgroup", cgroup, "--mode", mode]);
    assert_eq!(code, 0, "{said}");
}

/// A shell that lives on while what it starts comes and goes, as agents do. Nobody waits for what is only observed, so that
/// its place can only be told by whoever started it.
fn shell(agent: &Cgroup) -> Child {
    let mut shell = Command::new("/usr/bin/dash");
    shell.current_dir("/var").stdin(Stdio::piped()).stdout(Stdio::null());
    child::inside(agent, &mut shell).spawn().unwrap()
}

fn what_was_observed_becomes_a_rule() {
    let configuration = "[policy.default]\nhold_from = 0\ntimeout = \"1s\"\n";
    let daemon = Daemon::configured(configuration);
    let agent = Cgroup::new("agent");
    let mut shell = shell(&agent);
    enroll(&agent, "observe");
    for last in ["3", "9", "5"] {
        writeln!(shell.stdin.as_mut().unwrap(), "/usr/bin/seq 1 {last}").unwrap();
        let record = daemon.record(&["/usr/bin/seq", "1", last], "allowed");
        assert_eq!(record["request"]["cwd"], "/var", "{record}");
    }
    drop(shell.stdin.take());
    assert!(child::wait(&mut shell).success());
    daemon.ask(&["withdraw", "ci"]);

    let page: Value = serde_json::from_str(&daemon.ask(&["rules", "suggest", "--json", "agent:ci"])).unwrap();
    let one = &page["suggestions"][0];
    assert_eq!(one["pattern"], "/usr/bin/seq 1 <3..9>", "{page}");
    assert_eq!(
        [&page["asked"], &page["saved"], &one["matched"]],
        [&json!(3), &json!(3), &json!(3)],
        "{page}"
    );
    let (code, said) = expacti(&["rules", "suggest", "agent:ci", "--accept", "seen-nothing"]);
    assert_eq!((code, said.contains("nothing was kept")), (1, true), "{said}");
    let name = one["name"].as_str().unwrap();
    let said = daemon.ask(&["rules", "suggest", "agent:ci", "--accept", name]);
    assert!(said.starts_with(&format!("{name} is in force")), "{said}");
    let kept = fs::read_to_string(daemon.file("learned.toml")).unwrap();
    assert!(kept.contains("# From the exec log, accepted by root."), "{kept}");

    enroll(&agent, "enforce");
    assert_eq!(seq(&agent, 7), Ok(Some(0)), "what the pattern takes runs, though nobody ran it before");
    assert_eq!(seq(&agent, 10), Err(Some(libc::EPERM)), "what it does not take waits, and nobody answers");
    let record = daemon.record(&["/usr/bin/seq", "1", "7"], "allowed");
    assert_eq!(record["verdict"]["decider"]["name"], name, "{record}");
    // A new daemon has it, too.
    let _next = Daemon::configured_in(daemon.kill());
    assert_eq!(seq(&agent, 8), Ok(Some(0)));
}
