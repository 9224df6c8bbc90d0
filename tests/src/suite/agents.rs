//! Agents that come and go while the daemon runs, and the modes in which they are gated.

use std::fs;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};

use expacti_tests::harness::cgroup::Cgroup;
use expacti_tests::harness::daemon::Daemon;
use expacti_tests::harness::wait::until;
use expacti_tests::harness::{Outcome, child, skippable, test};
use libtest_mimic::Trial;

use super::{expacti, record, risky};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("agents::enrolled_and_withdrawn_while_running", enrolled_and_withdrawn_while_running),
        test("agents::nobody_gates_the_gate", nobody_gates_the_gate),
        test("agents::a_new_daemon_gates_them_again", a_new_daemon_gates_them_again),
        test("agents::a_cgroup_that_comes_later_is_gated", a_cgroup_that_comes_later_is_gated),
        skippable("agents::every_thread_is_marked", every_thread_is_marked),
        test("agents::modes_differ", modes_differ),
    ]
}

fn started(options: &[&str]) -> Daemon {
    let mut daemon = Daemon::start(&[&["--review=20"], options].concat());
    daemon.says("ready");
    daemon
}

fn enroll(agent: &Cgroup, options: &[&str]) {
    let (code, said) =
        expacti(&[&["enroll", "new", "--cgroup", agent.path().to_str().unwrap()], options].concat());
    assert_eq!(code, 0, "{said}");
}

fn enrolled_and_withdrawn_while_running() {
    let daemon = started(&[]);
    let agent = Cgroup::new("agent");
    let before = child::run(&agent, &mut risky()).unwrap();
    assert_eq!(before.status.code(), Some(128), "git ran, and found no repository");

    enroll(&agent, &[]);
    let listed: serde_json::Value = serde_json::from_str(&daemon.ask(&["agents", "--json"])).unwrap();
    assert_eq!(
        (&listed["name"], &listed["mode"], &listed["policy"]),
        (&"new".into(), &"enforce".into(), &"default".into())
    );
    let mut held = entering(&agent);
    pending(&daemon);
    daemon.ask(&["withdraw", "new"]);
    assert_eq!(child::wait(&mut held).code(), Some(126), "what waited is denied");
    assert!(record(&daemon, "new", "withdrawn").is_object());
    assert!(daemon.ask(&["agents"]).starts_with("no agent is gated"));
    let free = child::run(&agent, &mut risky()).unwrap();
    assert_eq!(free.status.code(), Some(128));
    let (code, said) = expacti(&["withdraw", "new"]);
    assert_eq!((code, said.contains("no agent is called \"new\"")), (1, true), "{said}");
}

/// A shell that goes into the cgroup and becomes the risky command there. A child of ours that waits before its exec
/// would hold whatever we start meanwhile: it has our descriptors. By its whole path, or the shell would try the next folder
/// once this one is denied.
fn entering(agent: &Cgroup) -> Child {
    let line = format!(
        "echo $$ > {}/cgroup.procs; exec /usr/bin/{}",
        agent.path().display(),
        super::RISKY.join(" ")
    );
    Command::new("sh").args(["-c", &line]).current_dir("/").stderr(Stdio::null()).spawn().unwrap()
}

fn pending(daemon: &Daemon) {
    until("a pending command", || daemon.ask(&["pending"]).contains("push --force").then_some(()));
}

fn nobody_gates_the_gate() {
    let daemon = started(&[]);
    let pid = daemon.pid().to_string();
    for home in
        [["--cgroup", "/sys/fs/cgroup"], ["--pid", "1"], ["--pid", pid.as_str()], ["--cgroup", "/tmp"]]
    {
        let (code, said) = expacti(&[&["enroll", "all"], &home[..]].concat());
        assert_eq!(code, 1, "{home:?}: {said}");
    }
    let agent = Cgroup::new("agent");
    enroll(&agent, &[]);
    let again = ["enroll", "other", "--cgroup", agent.path().to_str().unwrap()];
    let (code, said) = expacti(&again);
    assert_eq!((code, said.contains("is gated already, as agent \"new\"")), (1, true), "{said}");
}

fn a_new_daemon_gates_them_again() {
    let daemon = started(&[]);
    let agent = Cgroup::new("agent");
    enroll(&agent, &["--mode", "shadow"]);
    let folder = daemon.kill();
    let mut next = Daemon::start_in(folder, &[]);
    next.says("is gated again");
    next.says("ready");
    let listed: serde_json::Value = serde_json::from_str(&next.ask(&["agents", "--json"])).unwrap();
    assert_eq!((&listed["name"], &listed["mode"]), (&"new".into(), &"shadow".into()));
}

fn a_cgroup_that_comes_later_is_gated() {
    let mut daemon = started(&["--agent=late=/sys/fs/cgroup/tests/late"]);
    assert!(daemon.console().contains("agent late is awaited"));
    let listed = |daemon: &Daemon| -> (String, String) {
        let agents = daemon.ask(&["agents", "--json"]);
        let agent: serde_json::Value = serde_json::from_str(&agents).unwrap();
        assert_eq!((&agent["name"], &agent["mode"]), (&"late".into(), &"enforce".into()));
        let text = |key: &str| agent[key].as_str().unwrap().to_owned();
        assert!(text("cgroup").contains("/sys/fs/cgroup/tests/late"), "{agent}");
        (text("state"), daemon.ask(&["agents"]))
    };
    let (state, shown) = listed(&daemon);
    assert!(state == "awaited" && shown.contains("enforce, awaited"), "{state}: {shown}");
    let agent = Cgroup::new("late");
    daemon.says("agent late: /sys/fs/cgroup/tests/late is gated");
    let (state, shown) = listed(&daemon);
    assert!(state == "gated" && !shown.contains("awaited"), "{state}: {shown}");
    drop(agent);
    daemon.says("agent late is not gated any more: its cgroup is gone");
    // Between the two it is not listed at all, and this is asked with patience.
    let gone = || daemon.ask(&["agents", "--json"]).contains("\"gone\"").then(|| listed(&daemon));
    let (state, shown) = until("late among those that are gone", gone);
    assert!(state == "gone" && shown.contains("enforce, gone"), "{state}: {shown}");
}

/// A process that is enrolled while it has two threads, and then moved elsewhere by somebody else: its second thread starts
/// something there.
fn every_thread_is_marked() -> Outcome {
    const SCRIPT: &str = "
import sys, subprocess, threading
def work():
    print('up', flush=True)
    sys.stdin.readline()
    sys.exit(subprocess.call(['git', 'push', '--force', 'origin', 'main']))
thread = threading.Thread(target=work)
thread.start()
thread.join()
";
    const PIDFD_THREAD: u32 = libc::O_EXCL.cast_unsigned();
    let own = rustix::process::getpid();
    let flags = rustix::process::PidfdFlags::from_bits_retain(PIDFD_THREAD);
    if let Err(error) = rustix::process::pidfd_open(own, flags) {
        assert_eq!(error, rustix::io::Errno::INVAL);
        return Outcome::Skipped { missing: "handles of single threads (Linux 6.9)".to_owned() };
    }
    let daemon = started(&[]);
    let (agent, elsewhere) = (Cgroup::new("agent"), Cgroup::new("elsewhere"));
    let mut python = Command::new("python3");
    python.args(["-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut python = child::inside(&agent, &mut python).spawn().unwrap();
    let mut up = [0; 3];
    std::io::Read::read_exact(python.stdout.as_mut().unwrap(), &mut up).unwrap();
    enroll(&agent, &[]);
    fs::write(elsewhere.path().join("cgroup.procs"), python.id().to_string()).unwrap();
    python.stdin.take().unwrap().write_all(b"\n").unwrap();
    pending(&daemon);
    python.kill().unwrap();
    child::wait(&mut python);
    Outcome::Held
}

fn modes_differ() {
    let daemon = started(&[]);
    let agent = Cgroup::new("agent");
    for (mode, because) in [("observe", ""), ("shadow", "would have been held for a human")] {
        enroll(&agent, &["--mode", mode]);
        let output = child::run(&agent, &mut risky()).unwrap();
        assert_eq!(output.status.code(), Some(128), "{mode}: git ran, and found no repository");
        until(&format!("a record of {mode}"), || {
            super::records(&daemon).into_iter().find(|record| {
                let verdict = &record["verdict"];
                let said = verdict["because"].as_str().unwrap_or_default();
                verdict["decider"]["by"] == "observe"
                    && said.starts_with(because)
                    && said.is_empty() == because.is_empty()
            })
        });
        daemon.ask(&["withdraw", "new"]);
    }
    let page = daemon.ask(&["metrics"]);
    assert!(
        page.lines().any(|line| line == "expacti_shadow_total{agent=\"new\",would=\"held\"} 1"),
        "{page}"
    );
    assert!(
        page.contains("expacti_decisions_total{agent=\"new\",decision=\"allowed\",by=\"observe\"}"),
        "{page}"
    );
}
