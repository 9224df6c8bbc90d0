//! Signals to a held process, its other threads, and a verdict that is not used at once.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::json;

use expacti_tests::harness::cgroup::Cgroup;
use expacti_tests::harness::child;
use expacti_tests::harness::daemon::{Daemon, rule};
use expacti_tests::harness::program::program;
use expacti_tests::harness::test;
use expacti_tests::harness::wait::{until, within};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("signals::a_fatal_signal_withdraws_at_once", fatal),
        test("signals::a_signal_that_dumps_core_withdraws_at_once", dumping_core),
        test("signals::a_stop_and_a_continue_act_at_once", stopped_and_continued),
        test("signals::a_stop_lasts_beyond_the_verdict", stopped),
        test("signals::a_stop_between_two_rounds_is_not_lost", stopped_between_two_rounds),
        test("signals::an_ignored_signal_changes_nothing", ignored),
        test("signals::argv_changed_by_a_handler_is_asked_anew", changed_by_a_handler),
        test("signals::an_unused_verdict_counts_for_the_same_exec_of_the_same_task", used_later),
        test("signals::an_unused_verdict_is_void_after_another_exec", void_after_another),
        test("signals::an_unused_verdict_is_not_for_children", not_for_children),
        test("signals::a_thread_that_execs_is_held_with_its_process", thread),
        test("signals::of_two_threads_that_exec_one_runs", two_threads),
        test("signals::a_vfork_parent_waits_for_the_verdict", vfork),
        test("signals::a_number_of_a_process_used_again_has_no_verdict", another_with_the_same_number),
        test("signals::a_clock_that_is_set_changes_nothing", another_time),
        test("signals::a_thaw_without_a_verdict_runs_nothing", thawed),
        test("signals::who_shares_the_directory_goes_on", who_shares_the_directory_goes_on),
    ]
}

const RULES: &str = r#"
[[rule]]
name = "ask"
decision = "review"
because = "the test says so"
argv = ["show", "AAAA"]

[[rule]]
name = "ask-too"
decision = "review"
because = "the test says so"
argv = ["show", "CCCC"]

[[rule]]
name = "never"
decision = "deny"
because = "the test says so"
argv = ["show", "EVIL"]
"#;

/// What `exec` of the test program ends with where it is refused.
const REFUSED: &str = "exit 100";

/// A child of the test program whose `show AAAA` is held, and parked.
struct Held {
    parent: Child,
    ticket: String,
    pid: String,
    // Dropped in this order: the daemon before what it gates.
    daemon: Daemon,
    agent: Cgroup,
}

impl Held {
    #[track_caller]
    fn new(mode: &str) -> Self {
        Self::with(mode, &[])
    }

    #[track_caller]
    fn with(mode: &str, options: &[&str]) -> Self {
        let agent = Cgroup::new("agent");
        let daemon = Daemon::ruled(&agent, RULES, options);
        let parent = started(&agent, mode);
        Self::of(agent, daemon, parent)
    }

    /// Once its child is held.
    #[track_caller]
    fn of(agent: Cgroup, daemon: Daemon, parent: Child) -> Self {
        let ticket = daemon.card("show AAAA");
        let pid = daemon.record(&["show", "AAAA"], "pending")["pid"].to_string();
        let held = Self { parent, ticket, pid, daemon, agent };
        held.parked();
        held
    }

    #[track_caller]
    fn parked(&self) {
        self.agent.until_parked(&self.pid);
    }

    #[track_caller]
    fn signal(&self, name: &str) {
        assert!(kill(name, &self.pid));
    }

    /// Waits for a state of the process.
    #[track_caller]
    fn is_soon(&self, state: &str) {
        until(&format!("a process in {state}"), || (stat(&self.pid)?[0] == state).then_some(()));
    }

    #[track_caller]
    fn approve(&self) {
        self.daemon.ask(&["approve", &self.ticket]);
    }

    /// Waits for another card than the first, of the same command.
    #[track_caller]
    fn asked_again(&self) -> String {
        let other = |card: &serde_json::Value| {
            card["command"] == "show AAAA" && card["id"].as_u64() != self.ticket.parse().ok()
        };
        until("another card", || self.daemon.pending().into_iter().find(other))["id"].to_string()
    }

    /// The records of an exec, newest first.
    fn records(&self, argv: &[&str]) -> Vec<serde_json::Value> {
        let of_it = |record: &serde_json::Value| record["request"]["argv"] == json!(argv);
        self.daemon.records().into_iter().filter(of_it).collect()
    }

    /// What was printed, once all has ended: the lines of the parent, of the child and of what it ran.
    #[track_caller]
    fn said(&mut self) -> Vec<String> {
        child::printed(&mut self.parent).lines().map(str::to_owned).collect()
    }
}

fn started(agent: &Cgroup, mode: &str) -> Child {
    let mut command = Command::new(program("signals"));
    command.arg(mode).arg(program("show")).current_dir("/");
    child::start(agent, &mut command).unwrap()
}

fn fatal() {
    for (name, number) in [("-KILL", 9), ("-TERM", 15), ("-HUP", 1)] {
        let mut held = Held::new("default");
        held.signal(name);
        assert_eq!(held.said(), [format!("signal {number}")]);
        assert_eq!(held.daemon.record(&["show", "AAAA"], "withdrawn")["started"], false);
        until("no card any more", || held.daemon.pending().is_empty().then_some(()));
        assert!(!held.daemon.call(&["approve", &held.ticket]).status.success());
    }
}

/// A frozen process takes none by itself.
fn dumping_core() {
    for (name, number) in [("-QUIT", 3), ("-ABRT", 6)] {
        let mut held = Held::new("default");
        held.signal(name);
        assert_eq!(held.said(), [format!("signal {number}")]);
        assert_eq!(held.daemon.record(&["show", "AAAA"], "withdrawn")["started"], false);
        until("no card any more", || held.daemon.pending().is_empty().then_some(()));
    }
}

fn stopped_and_continued() {
    let mut held = Held::new("default");
    for _ in 0..3 {
        held.signal("-STOP");
        held.is_soon("T");
        held.parked();
        held.signal("-CONT");
        held.is_soon("S");
        held.parked();
    }
    assert_eq!(held.daemon.card("show AAAA"), held.ticket);
    held.approve();
    let said = held.said();
    assert_eq!(said.iter().filter(|line| *line == "stopped").count(), 3, "{said:?}");
    assert_eq!(&said[said.len() - 2..], ["AAAA", "exit 0"]);
}

fn stopped() {
    let mut held = Held::new("default");
    held.signal("-STOP");
    held.approve();
    held.is_soon("T");
    assert!(held.records(&["show", "AAAA"]).iter().all(|record| record["started"] == false));
    held.signal("-CONT");
    // A parent that looks late sees only how it ended, not that it went on.
    let said: Vec<String> = held.said().into_iter().filter(|line| line != "continued").collect();
    assert_eq!(said, ["stopped", "AAAA", "exit 0"]);
}

/// A program whose child execs only after the daemon was stopped: nobody answers and nobody parks, so the kernel asks
/// again and again. With the number of the child.
#[track_caller]
fn started_unanswered(agent: &Cgroup, daemon: &Daemon, mode: &str) -> (Child, String) {
    let mut command = Command::new(program("signals"));
    // A group of processes that nobody could continue does not stop for a terminal.
    command.arg(mode).arg(program("show")).current_dir("/").process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let parent = child::inside(agent, &mut command).spawn().unwrap();
    let pid = until("a child", || {
        let children = format!("/proc/{0}/task/{0}/children", parent.id());
        fs::read_to_string(children).ok()?.split_whitespace().next().map(str::to_owned)
    });
    assert!(kill("-STOP", &daemon.pid().to_string()));
    parent.stdin.as_ref().unwrap().write_all(b"\n").unwrap();
    (parent, pid)
}

fn stopped_between_two_rounds() {
    let agent = Cgroup::new("agent");
    let daemon = Daemon::ruled(&agent, &rule("allow", &["show", "AAAA"]), &["--grace=60"]);
    let (mut parent, pid) = started_unanswered(&agent, &daemon, "told");
    let mut lost = 0;
    for round in 1..=20 {
        let asks = || (ticks(&pid)?.1.parse::<u64>().ok()? > 2 * round).then_some(());
        until("a process that asks again and again", asks);
        assert!(kill("-TSTP", &pid));
        let stops = within(Duration::from_secs(1), || (stat(&pid)?[0] == "T").then_some(()));
        lost += u32::from(stops.is_none());
        assert!(kill("-CONT", &pid));
    }
    // One that comes within microseconds of the continue is.
    assert!(lost <= 4, "{lost} of 20 stops were lost");
    assert!(kill("-CONT", &daemon.pid().to_string()));
    let said = child::printed(&mut parent);
    assert!(said.starts_with("stopped\n") && said.ends_with("AAAA\nexit 0\n"), "{said}");
}

fn ignored() {
    let mut held = Held::new("ignore");
    for name in ["-USR1", "-TERM", "-HUP", "-CONT"] {
        held.signal(name);
    }
    held.parked();
    assert_eq!(held.daemon.card("show AAAA"), held.ticket);
    held.approve();
    assert_eq!(held.said(), ["AAAA", "exit 0"]);
    assert_eq!(held.records(&["show", "AAAA"]).len(), 1);
}

/// The handler runs once it may go on, and what it made of the argument is judged by its own right.
fn changed_by_a_handler() {
    let mut held = Held::new("handler");
    held.signal("-USR1");
    held.parked();
    held.approve();
    assert_eq!(held.said(), [REFUSED]);
    assert_eq!(held.daemon.record(&["show", "EVIL"], "denied")["started"], false);
    assert!(held.records(&["show", "AAAA"]).iter().all(|record| record["started"] == false));
}

/// The same task, the same bytes at the same place: what was approved is what runs, and it runs once.
fn used_later() {
    let mut held = Held::new("again");
    held.signal("-USR1");
    held.approve();
    assert_eq!(held.said(), ["jumped", "AAAA", "exit 0"]);
    assert_eq!(held.records(&["show", "AAAA"]).len(), 1);
}

fn void_after_another() {
    let mut held = Held::new("other");
    held.signal("-USR1");
    held.approve();
    let again = held.asked_again();
    held.daemon.record(&["show", "EVIL"], "denied");
    held.daemon.ask(&["deny", &again]);
    assert_eq!(held.said(), ["jumped", "refused", REFUSED]);
}

fn not_for_children() {
    let mut held = Held::new("fork");
    held.signal("-USR1");
    held.approve();
    let again = held.asked_again();
    held.daemon.ask(&["deny", &again]);
    assert_eq!(held.said(), ["jumped", REFUSED]);
}

/// Its leader computes; held it does not.
fn thread() {
    let mut held = Held::new("leader");
    let before = ticks(&held.pid).unwrap();
    // Long enough for a few ticks, if it ran.
    std::thread::park_timeout(Duration::from_millis(300));
    assert_eq!(ticks(&held.pid), Some(before));
    held.approve();
    assert_eq!(held.said(), ["AAAA", "exit 0"]);
    let record = until("a record that it started", || {
        held.records(&["show", "AAAA"]).into_iter().find(|record| record["started"] == true)
    });
    assert_eq!(record["state"], "allowed");
    assert_eq!(held.records(&["show", "AAAA"]).len(), 1);
}

fn two_threads() {
    let agent = Cgroup::new("agent");
    let daemon = Daemon::ruled(&agent, RULES, &["--grace=60"]);
    // Parked with the first that asks, the other would never ask. So nobody parks before both have.
    let (parent, pid) = started_unanswered(&agent, &daemon, "two");
    until("two threads that ask again and again", || two_ask(&pid));
    assert!(kill("-CONT", &daemon.pid().to_string()));
    let mut held = Held::of(agent, daemon, parent);
    let other = held.daemon.card("show CCCC");
    held.approve();
    assert_eq!(held.said(), ["AAAA", "exit 0"]);
    // The kernel ends the other thread, and its question with it.
    assert_eq!(held.daemon.record(&["show", "CCCC"], "withdrawn")["started"], false);
    assert!(!held.daemon.call(&["approve", &other]).status.success());
    assert_eq!(held.records(&["show", "AAAA"]).len(), 1);
}

/// While nobody answers, who asks goes round in the kernel, and that takes time: more than all that came before.
fn two_ask(pid: &str) -> Option<()> {
    let goes_round = |thread: &fs::DirEntry| {
        let spent = ticks(&format!("{pid}/task/{}", thread.file_name().display()));
        spent.and_then(|(_, system)| system.parse::<u64>().ok()).is_some_and(|system| system >= 10)
    };
    let threads: Vec<_> = fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten().collect();
    (threads.len() == 2 && threads.iter().all(goes_round)).then_some(())
}

fn vfork() {
    let mut held = Held::new("vfork");
    let parent = held.parent.id().to_string();
    assert_eq!(stat(&parent).unwrap()[0], "D", "it waits uninterruptibly for the exec of its child");
    held.approve();
    assert_eq!(held.said(), ["AAAA", "exit 0"]);
}

/// The verdict would have come for one that died.
fn another_with_the_same_number() {
    // Somebody else may have taken the number, and keep it.
    until("another process with the same number", number_used_again);
}

fn number_used_again() -> Option<()> {
    let mut held = Held::new("default");
    held.signal("-KILL");
    assert_eq!(held.said(), ["signal 9"]);
    held.daemon.record(&["show", "AAAA"], "withdrawn");
    assert!(!held.daemon.call(&["approve", &held.ticket]).status.success());
    let number: u64 = held.pid.parse().unwrap();
    let again = (0..5).find_map(|_| {
        // The next one is the parent, and the one after it the child that execs.
        fs::write("/proc/sys/kernel/ns_last_pid", (number - 2).to_string()).unwrap();
        let mut parent = started(&held.agent, "default");
        let card = held.asked_again();
        let waits = held.records(&["show", "AAAA"]).into_iter().find(|record| record["state"] == "pending");
        let same = waits.is_some_and(|record| record["pid"] == json!(number));
        held.daemon.ask(&["deny", &card]);
        assert_eq!(child::printed(&mut parent), format!("{REFUSED}\n"));
        same.then_some(card)
    })?;
    assert_ne!(again, held.ticket);
    Some(())
}

/// Verdicts, graces and deadlines count the time since boot.
fn another_time() {
    let mut held = Held::new("default");
    let set = |how: &str| assert!(Command::new("date").args(["-s", how]).output().unwrap().status.success());
    set("+2 days");
    held.parked();
    assert_eq!(held.daemon.card("show AAAA"), held.ticket);
    set("-4 days");
    assert_eq!(held.daemon.card("show AAAA"), held.ticket);
    held.approve();
    assert_eq!(held.said(), ["AAAA", "exit 0"]);
    set("+2 days");
}

/// It goes round without anybody who lets it through, and the grace ends that.
fn thawed() {
    let mut held = Held::with("default", &["--grace=1"]);
    fs::write(held.agent.parking().join("cgroup.freeze"), "0").unwrap();
    assert_eq!(held.said(), [REFUSED]);
    let record = until("a record that nobody answered", || {
        let fail_mode = |record: &serde_json::Value| record["verdict"]["decider"]["by"] == "fail-mode";
        held.records(&["show", "AAAA"]).into_iter().find(fail_mode)
    });
    assert_eq!((&record["verdict"]["allow"], &record["started"]), (&json!(false), &json!(false)));
    until("no card any more", || held.daemon.pending().is_empty().then_some(()));
}

fn kill(signal: &str, pid: &str) -> bool {
    Command::new("kill").args([signal, pid]).status().unwrap().success()
}

/// The fields from the state on.
fn stat(pid: &str) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(") ")?;
    Some(rest.split(' ').map(str::to_owned).collect())
}

/// User and system time.
fn ticks(pid: &str) -> Option<(String, String)> {
    let fields = stat(pid)?;
    Some((fields.get(11)?.clone(), fields.get(12)?.clone()))
}

/// During an exec the kernel lets nobody be born who shares its working directory. A held one is not in its exec.
fn who_shares_the_directory_goes_on() {
    let agent = Cgroup::new("agent");
    let daemon = Daemon::ruled(&agent, &rule("review", &["held"]), &[]);
    let file = daemon.file("held");
    fs::copy(program("show"), &file).unwrap();
    let mut command = Command::new(program("sharing"));
    command.arg(&file).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut parent = child::inside(&agent, &mut command).spawn().unwrap();
    let mut tell = parent.stdin.take().unwrap();
    let mut lines = BufReader::new(parent.stdout.take().unwrap()).lines().map_while(Result::ok);
    daemon.card(&file.display().to_string());
    until("a moment after which nobody is refused", || {
        tell.write_all(b"more\n").unwrap();
        (lines.next()? == "refused 0").then_some(())
    });
    drop(tell);
    assert!(child::wait(&mut parent).success());
}
