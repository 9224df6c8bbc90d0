//! Humans decide: what waits runs when they say so, and fails when they do not.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use libtest_mimic::Trial;
use rustix::event::{PollFd, PollFlags, Timespec};
use serde_json::{Value, json};

use expacti_tests::harness::cgroup::Cgroup;
use expacti_tests::harness::daemon::Daemon;
use expacti_tests::harness::wait::{DEADLINE, until};
use expacti_tests::harness::{child, test};

/// HIGH: one human. It does nothing here, where there is no repository.
const HIGH: [&str; 5] = ["git", "push", "--force", "origin", "main"];

/// CRITICAL: two humans. There is no such folder.
const CRITICAL: [&str; 3] = ["rm", "-rf", ".git"];

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("review::what_is_approved_runs", what_is_approved_runs),
        test("review::what_is_denied_fails_and_the_agent_is_told_why", denied),
        test("review::a_critical_command_needs_two_humans", a_critical_command_needs_two_humans),
        test("review::silence_denies_and_is_no_human", silence_denies_and_is_no_human),
        test("review::what_an_approved_command_starts_may_run_too", children),
        test("review::what_is_always_approved_becomes_a_rule", always),
        test("review::an_agent_is_stopped_resumed_and_ended", an_agent_is_stopped_resumed_and_ended),
    ]
}

fn gated(agent: &Cgroup, options: &[&str]) -> Daemon {
    let option = format!("--agent=test={}", agent.path().display());
    let mut daemon = Daemon::start(&[&[option.as_str()], options].concat());
    daemon.says("ready");
    daemon
}

/// A command of the agent. Its start waits as long as it is held, so it is started by a thread that nobody joins: when
/// a test fails, the agent's end ends it.
///
/// While it is held, its process has copies of everything that was open when it was forked, such as the output of
/// another child, which would then never end. So nobody goes on before it is forked.
struct Attempt {
    ended: Receiver<io::Result<Output>>,
    stderr: PathBuf,
}

impl Attempt {
    fn of(agent: &Cgroup, argv: &[&str]) -> Self {
        let stderr =
            tempfile::Builder::new().tempfile_in("/var/tmp").unwrap().into_temp_path().keep().unwrap();
        let mut command = Command::new(argv[0]);
        command.args(&argv[1..]).stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(File::create(&stderr).unwrap());
        child::inside(agent, &mut command);
        let (forked, says_so) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
        let say = move || Ok(rustix::io::write(&says_so, b".").map(drop)?);
        // SAFETY: after the fork it makes one `write` on a descriptor that is open already, and allocates nothing.
        unsafe { command.pre_exec(say) };
        let (sender, ended) = channel();
        thread::spawn(move || {
            // The test may be over.
            let _ = sender.send(command.output());
        });
        until("a forked process", || {
            let mut fds = [PollFd::new(&forked, PollFlags::IN)];
            (rustix::event::poll(&mut fds, Some(&Timespec::default())).unwrap() > 0).then_some(())
        });
        Self { ended, stderr }
    }

    #[track_caller]
    fn ends(&self) -> io::Result<Output> {
        self.ended.recv_timeout(DEADLINE).unwrap()
    }

    fn still_waits(&self) -> bool {
        self.ended.try_recv().is_err()
    }

    fn told(&self) -> String {
        fs::read_to_string(&self.stderr).unwrap()
    }
}

/// What a subcommand does for the human whose token it is; without one for root.
fn expacti(token: Option<&str>, arguments: &[&str]) -> Output {
    let mut command = Command::new("expacti");
    command.args(arguments).stdin(Stdio::null()).env_remove("EXPACTI_TOKEN");
    if let Some(token) = token {
        command.env("EXPACTI_TOKEN", token);
    }
    command.output().unwrap()
}

/// The same, and it must work.
#[track_caller]
fn done(token: Option<&str>, arguments: &[&str]) -> String {
    let output = expacti(token, arguments);
    assert!(output.status.success(), "expacti {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn cards() -> Vec<Value> {
    done(None, &["pending", "--json"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Waits until something whose command begins like this waits for humans.
#[track_caller]
fn card(begins: &str) -> Value {
    until(&format!("a card for {begins}"), || {
        cards().into_iter().find(|card| card["command"].as_str().unwrap().starts_with(begins))
    })
}

fn id_of(card: &Value) -> String {
    card["id"].to_string()
}

/// Waits until the log has decided about an exec with this argv.
#[track_caller]
fn decided(daemon: &Daemon, argv: &[&str]) -> Value {
    until(&format!("a verdict on {argv:?} in the log"), || {
        let records = daemon.ask(&["log", "--json"]);
        records
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .find(|record| record["request"]["argv"] == json!(argv) && record["verdict"].is_object())
    })
}

fn reviewer(name: &str, role: &str) -> String {
    done(None, &["reviewer", "add", name, "--role", role]).trim().to_owned()
}

fn what_is_approved_runs() {
    let agent = Cgroup::new("agent");
    let daemon = gated(&agent, &[]);
    let attempt = Attempt::of(&agent, &HIGH);
    let card = card("git push");
    assert_eq!((&card["level"], &card["approvals"]), (&json!("HIGH"), &json!(1)));
    assert!(attempt.still_waits());
    done(None, &["approve", &id_of(&card), "--note", "go on"]);
    // What git says without a repository.
    assert_eq!(attempt.ends().unwrap().status.code(), Some(128));
    let record = decided(&daemon, &HIGH);
    assert_eq!(record["verdict"]["decider"], json!({ "by": "reviewers", "names": ["root"] }));
    assert_eq!((&record["state"], &record["votes"][0]["note"]), (&json!("allowed"), &json!("go on")));
    assert_eq!(cards(), [Value::Null; 0]);
}

fn denied() {
    let agent = Cgroup::new("agent");
    let daemon = gated(&agent, &[]);
    let attempt = Attempt::of(&agent, &HIGH);
    let card = card("git push");
    done(None, &["deny", &id_of(&card), "--note", "not on a Friday"]);
    assert_eq!(attempt.ends().unwrap_err().raw_os_error(), Some(libc::EPERM));
    let told = attempt.told();
    assert!(told.starts_with("expacti: denied (") && told.contains("not on a Friday"), "{told}");
    assert!(told.contains(&format!("ticket {}", id_of(&card))), "{told}");
    let record = decided(&daemon, &HIGH);
    assert_eq!(
        (&record["state"], &record["verdict"]["decider"]["by"]),
        (&json!("denied"), &json!("reviewers"))
    );
}

fn a_critical_command_needs_two_humans() {
    let agent = Cgroup::new("agent");
    let daemon = gated(&agent, &[]);
    let alice = reviewer("alice", "reviewer");
    let attempt = Attempt::of(&agent, &CRITICAL);
    let waiting = card("rm -rf .git");
    assert_eq!((&waiting["level"], &waiting["approvals"]), (&json!("CRITICAL"), &json!(2)));
    done(Some(&alice), &["approve", &id_of(&waiting)]);
    // Whatever the answer to a second vote of hers is: it is no second human.
    expacti(Some(&alice), &["approve", &id_of(&waiting)]);
    assert_eq!(card("rm -rf .git")["votes"].as_array().unwrap().len(), 1);
    assert!(attempt.still_waits());
    done(None, &["approve", &id_of(&waiting)]);
    attempt.ends().unwrap();
    let record = decided(&daemon, &CRITICAL);
    assert_eq!(record["verdict"]["decider"], json!({ "by": "reviewers", "names": ["alice", "root"] }));
}

fn silence_denies_and_is_no_human() {
    let agent = Cgroup::new("agent");
    let daemon = gated(&agent, &["--review=2"]);
    let attempt = Attempt::of(&agent, &HIGH);
    assert_eq!(attempt.ends().unwrap_err().raw_os_error(), Some(libc::EPERM));
    let record = decided(&daemon, &HIGH);
    assert_eq!(
        (&record["state"], &record["verdict"]["decider"]),
        (&json!("denied"), &json!({ "by": "timeout" }))
    );
    assert!(record["votes"].is_null(), "somebody voted: {record}");
}

fn children() {
    const PARENT: [&str; 3] =
        ["sh", "-c", "rm -rf /var/tmp/not-here-1; rm -rf /var/tmp/not-here-2; echo done"];

    let agent = Cgroup::new("agent");
    let daemon = gated(&agent, &[]);
    let attempt = Attempt::of(&agent, &PARENT);
    done(None, &["approve", &id_of(&card("sh -c")), "--children"]);
    assert_eq!(String::from_utf8(attempt.ends().unwrap().stdout).unwrap(), "done\n");
    let record = decided(&daemon, &["rm", "-rf", "/var/tmp/not-here-2"]);
    assert_eq!(record["verdict"]["decider"]["by"], "grant", "{record}");
    assert_eq!(record["evaluation"]["decided_by"]["by"], "grant", "{record}");

    // Without it each of them is asked about.
    let again = Attempt::of(&agent, &PARENT);
    done(None, &["approve", &id_of(&card("sh -c"))]);
    for _ in 0..2 {
        done(None, &["approve", &id_of(&card("rm -rf"))]);
    }
    assert_eq!(String::from_utf8(again.ends().unwrap().stdout).unwrap(), "done\n");
}

fn always() {
    const MEDIUM: [&str; 3] = ["rm", "-rf", "/var/tmp/not-here-3"];

    let agent = Cgroup::new("agent");
    let daemon = gated(&agent, &[]);
    let attempt = Attempt::of(&agent, &MEDIUM);
    let id = id_of(&card("rm -rf"));
    let unasked = expacti(None, &["approve", &id, "--always"]);
    assert_eq!(unasked.status.code(), Some(2), "nobody was there to be asked");
    let shown = String::from_utf8(unasked.stdout).unwrap();
    assert!(shown.contains("[[rule]]") && shown.contains("not-here-3"), "{shown}");
    assert!(attempt.still_waits());
    done(None, &["approve", &id, "--always", "--yes"]);
    assert!(attempt.ends().unwrap().status.success());
    let rules = daemon.file("learned.toml");
    let kept = until("a kept rule", || fs::read_to_string(&rules).ok());
    assert!(kept.contains(&format!("# From ticket {id}, approved by root.")), "{kept}");

    let by_rule = |daemon: &Daemon| {
        let attempt = Attempt::of(&agent, &MEDIUM);
        assert!(attempt.ends().unwrap().status.success());
        until("a record of the rule", || {
            let records = daemon.ask(&["log", "--json"]);
            let by = |record: &Value| record["verdict"]["decider"]["name"].as_str().map(str::to_owned);
            let names = records.lines().filter_map(|line| by(&serde_json::from_str(line).unwrap()));
            names.into_iter().find(|name| name.starts_with("remembered-rm"))
        });
    };
    by_rule(&daemon);
    // The next daemon knows it too.
    let option = format!("--agent=test={}", agent.path().display());
    let mut next = Daemon::start_in(daemon.kill(), &[&option]);
    next.says("ready");
    by_rule(&next);
}

fn an_agent_is_stopped_resumed_and_ended() {
    let agent = Cgroup::new("agent");
    let _daemon = gated(&agent, &[]);
    let frozen = || fs::read_to_string(agent.path().join("cgroup.events")).unwrap().contains("frozen 1");
    let mut sleeper = child::start(&agent, Command::new("sleep").arg("1000")).unwrap();
    let attempt = Attempt::of(&agent, &HIGH);
    let waiting = id_of(&card("git push"));

    done(None, &["stop", "test"]);
    until("a frozen agent", || frozen().then_some(()));
    let refused = expacti(None, &["approve", &waiting]);
    assert!(!refused.status.success(), "a stopped agent's command was approved");
    done(None, &["resume", "test"]);
    until("an agent that goes on", || (!frozen()).then_some(()));
    done(None, &["approve", &waiting]);
    assert_eq!(attempt.ends().unwrap().status.code(), Some(128));

    let attempt = Attempt::of(&agent, &HIGH);
    card("git push");
    done(None, &["kill", "test"]);
    let status = child::wait(&mut sleeper);
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(libc::SIGKILL));
    match attempt.ends() {
        Ok(output) => assert!(!output.status.success(), "it ran"),
        Err(error) => assert_ne!(error.kind(), io::ErrorKind::NotFound),
    }
    until("an empty queue", || cards().is_empty().then_some(()));
}
