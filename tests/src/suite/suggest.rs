//! From watching to a whitelist: what an observed agent ran becomes a rule, and the rule holds when it is enforced.

use std::fs;
use std::process::Command;

use expacti_tests::harness::cgroup::Cgroup;
use expacti_tests::harness::daemon::Daemon;
use expacti_tests::harness::{child, test};
use libtest_mimic::Trial;
use serde_json::Value;

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

fn what_was_observed_becomes_a_rule() {
    let folder = tempfile::tempdir_in("/var/tmp").unwrap();
    let file = folder.path().join("expacti.toml");
    fs::write(&file, "[policy.default]\nhold_from = 0\ntimeout = \"1s\"\n").unwrap();
    let mut daemon = Daemon::start(&["--config", file.to_str().unwrap()]);
    daemon.says("ready");
    let agent = Cgroup::new("agent");
    enroll(&agent, "observe");
    for last in [3, 9, 5] {
        assert_eq!(seq(&agent, last), Ok(Some(0)), "it is only observed");
        daemon.record(&["/usr/bin/seq", "1", &last.to_string()], "allowed");
    }
    daemon.ask(&["withdraw", "ci"]);

    let page: Value = serde_json::from_str(&daemon.ask(&["rules", "suggest", "--json", "agent:ci"])).unwrap();
    let one = &page["suggestions"][0];
    assert_eq!(one["pattern"], "/usr/bin/seq 1 <3..9>", "{page}");
    assert_eq!(
        (&page["asked"], &page["saved"], &one["matched"]),
        (&3.into(), &3.into(), &3.into()),
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
    let daemon = daemon.kill();
    let mut next = Daemon::start_in(daemon, &["--config", file.to_str().unwrap()]);
    next.says("ready");
    assert_eq!(seq(&agent, 8), Ok(Some(0)));
}
