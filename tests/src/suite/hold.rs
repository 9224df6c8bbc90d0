//! Held for a human: before the exec, or behind it. And what comes of it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use rustix::process::{Pid, Signal, kill_process};

use super::{RISKY, risky, times};

use expacti_tests::harness::cgroup::Cgroup;
use expacti_tests::harness::child::{self, Held, run_aside};
use expacti_tests::harness::daemon::{Daemon, rule};
use expacti_tests::harness::program::program;
use expacti_tests::harness::test;
use expacti_tests::harness::wait::until;

const RISKY_LINE: &str = "git push --force origin main";
const NO_REPOSITORY: Option<i32> = Some(128);

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("hold::what_is_approved_runs", what_is_approved_runs),
        test("hold::what_is_denied_fails_and_the_agent_is_told_why", denied_and_told_why),
        test("hold::nobody_in_time_denies", nobody_in_time_denies),
        test("hold::who_waits_sleeps_and_dies_at_once", who_waits_sleeps_and_dies_at_once),
        test("hold::who_left_the_cgroup_is_held_too", who_left_the_cgroup_is_held_too),
        test("hold::long_arguments_are_read_whole", long_arguments_are_read_whole),
        test("hold::a_new_daemon_keeps_the_tickets", a_new_daemon_keeps_the_tickets),
        test("hold::a_shell_waits_as_for_a_slow_program", a_shell_waits_as_for_a_slow_program),
        test("hold::after::who_started_it_goes_on", after_who_started_it_goes_on),
        test("hold::after::what_is_denied_has_not_run_an_instruction", after_denied_has_not_run),
        test("hold::after::a_new_daemon_keeps_the_ticket", after_a_new_daemon_keeps_the_ticket),
        test("hold::where_only_threads_may_be_below", where_only_threads_may_be_below),
        test("hold::who_cannot_be_parked_has_the_grace", who_cannot_be_parked_has_the_grace),
        test("hold::after::where_only_threads_may_be_below", after_where_only_threads_may_be_below),
        test("hold::who_is_parked_without_a_ticket_goes_on", parked_without_a_ticket),
        test("hold::parking_one_that_ended_leaves_nothing", parking_one_that_ended_leaves_nothing),
    ]
}

fn what_is_approved_runs() {
    let agent = Cgroup::new("agent");
    let daemon = Daemon::gating(&agent, &[]);
    let held = run_aside(&agent, risky());
    let id = daemon.card(RISKY_LINE);
    assert!(held.goes_on());
    daemon.ask(&["approve", &id, "--note", "agreed"]);
    assert_eq!(held.ending().unwrap().status.code(), NO_REPOSITORY);
    let record = until("a record that it started", || {
        Some(daemon.record(&RISKY, "allowed")).filter(|record| record["started"] == true)
    });
    assert_eq!(record["held"], true);
    assert_eq!(record["verdict"]["decider"]["by"], "reviewers");
    // Once is once.
    let held = run_aside(&agent, risky());
    let second = daemon.card(RISKY_LINE);
    assert_ne!(second, id);
    daemon.ask(&["deny", &second]);
    assert_eq!(held.ending().unwrap_err().raw_os_error(), Some(libc::EPERM));
}

fn denied_and_told_why() {
    let agent = Cgroup::new("agent");
    let daemon = Daemon::gating(&agent, &[]);
    let mut shell = Command::new("bash");
    shell.args(["-c", "git push --force origin main; echo rc $?"]);
    let held = run_aside(&agent, shell);
    let first = until("a card of the shell", || daemon.pending().into_iter().next());
    daemon.ask(&["approve", &first["id"].to_string()]);
    let id = daemon.card(RISKY_LINE);
    daemon.ask(&["deny", &id, "--note", "use a branch"]);
    let output = held.ending().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("expacti: denied (") && told.contains("use a branch"), "{told}");
    assert!(told.contains(&format!("ticket {id}")), "{told}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "rc 126\n");
    assert_eq!(daemon.record(&RISKY, "denied")["started"], false);
}

fn nobody_in_time_denies() {
    let agent = Cgroup::new("agent");
    let daemon = Daemon::gating(&agent, &["--review=2"]);
    let held = run_aside(&agent, risky());
    assert_eq!(held.ending().unwrap_err().raw_os_error(), Some(libc::EPERM));
    assert_eq!(daemon.record(&RISKY, "denied")["verdict"]["decider"]["by"], "timeout");
}

fn who_waits_sleeps_and_dies_at_once() {
    let agent = Cgroup::new("agent");
    let daemon = Daemon::gating(&agent, &[]);
    let held = run_aside(&agent, risky());
    let id = daemon.card(RISKY_LINE);
    let pid = daemon.record(&RISKY, "pending")["pid"].to_string();
    // Parked: asleep, and using no time.
    until("a parked process", || (state(&pid) == Some('S')).then_some(()));
    until("two looks at its CPU time that agree", || {
        let before = ticks(&pid);
        let later = Instant::now() + Duration::from_millis(300);
        while Instant::now() < later {
            std::thread::park_timeout(Duration::from_millis(50));
        }
        (before.is_some() && before == ticks(&pid)).then_some(())
    });
    Command::new("kill").args(["-TERM", &pid]).status().unwrap();
    // The parent sees a process that died before its exec.
    let _either = held.ending();
    daemon.record(&RISKY, "withdrawn");
    until("no card any more", || daemon.pending().is_empty().then_some(()));
    assert!(!daemon.call(&["approve", &id]).status.success());
}

fn who_left_the_cgroup_is_held_too() {
    let agent = Cgroup::new("agent");
    let other = Cgroup::new("other");
    let daemon = Daemon::gating(&agent, &[]);
    let line = "sleep 2; exec git push --force origin main";
    let mut shell = Command::new("bash");
    shell.args(["-c", line]).current_dir("/");
    let held = run_aside(&agent, shell);
    let first = until("a card of the shell", || daemon.pending().into_iter().next());
    daemon.ask(&["approve", &first["id"].to_string()]);
    // It cannot leave by itself, so somebody outside takes it out while it sleeps.
    let pid = daemon.record(&["bash", "-c", line], "allowed")["pid"].to_string();
    fs::write(other.path().join("cgroup.procs"), &pid).unwrap();
    let id = daemon.card(RISKY_LINE);
    daemon.ask(&["deny", &id]);
    assert_eq!(held.ending().unwrap().status.code(), Some(126));
}

fn long_arguments_are_read_whole() {
    let agent = Cgroup::new("agent");
    let daemon = Daemon::gating(&agent, &[]);
    let long = "x".repeat(120_000);
    let mut command = risky();
    command.arg(&long).args(vec!["y"; 1_500]).arg("last");
    let held = run_aside(&agent, command);
    let card = until("a card", || daemon.pending().into_iter().next());
    let id = card["id"].to_string();
    let shown: serde_json::Value = serde_json::from_str(&daemon.ask(&["show", &id, "--json"])).unwrap();
    let argv = shown["request"]["argv"].as_array().unwrap();
    assert_eq!(argv.len(), RISKY.len() + 1_502);
    assert_eq!(argv[RISKY.len()], serde_json::json!(long));
    assert_eq!(argv[argv.len() - 1], "last");
    assert!(
        shown["request"]["exe"]["path"].as_str().unwrap().ends_with("/git"),
        "{}",
        shown["request"]["exe"]
    );
    daemon.ask(&["approve", &id]);
    assert_eq!(held.ending().unwrap().status.code(), NO_REPOSITORY);
    // What is harmless needs no human, however long it is.
    let output = child::run(&agent, Command::new("/bin/echo").arg(&long)).unwrap();
    assert_eq!(output.stdout.len(), long.len() + 1);
}

/// More of them than the log is read for at once.
fn a_new_daemon_keeps_the_tickets() {
    let agent = Cgroup::new("agent");
    let daemon = Daemon::gating(&agent, &["--review=300"]);
    let first = run_aside(&agent, risky());
    let id = daemon.card(RISKY_LINE);
    let others: Vec<_> = (1..9).map(|_| run_aside(&agent, risky())).collect();
    let deadlines = |daemon: &Daemon| {
        until("all of them on record, and before humans", || {
            let records = daemon.records();
            let each =
                records.iter().map(|record| (record["sequence"].to_string(), record["deadline_us"].as_i64()));
            let all: BTreeMap<String, Option<i64>> =
                each.filter(|(_, deadline)| deadline.is_some()).collect();
            // One that overtook another has a card of its own.
            let waiting: u64 = daemon.pending().iter().filter_map(|card| card["count"].as_u64()).sum();
            (all.len() == 9 && waiting == 9).then_some(all)
        })
    };
    let promised = deadlines(&daemon);
    let folder = daemon.kill();
    assert!(first.goes_on());
    let daemon = Daemon::gating_in(folder, &agent, &["--review=300"]);
    assert_eq!(deadlines(&daemon), promised, "they are the same, and have no more time than they had");
    assert!(first.goes_on());
    let cards: Vec<String> = daemon.pending().iter().map(|card| card["id"].to_string()).collect();
    assert!(cards.contains(&id), "{cards:?}");
    for card in cards {
        daemon.ask(&["approve", &card]);
    }
    for held in others.into_iter().chain([first]) {
        assert_eq!(held.ending().unwrap().status.code(), NO_REPOSITORY);
    }
}

/// With job control: no job is seen to stop, a pipeline holds together, and Ctrl-C ends it.
fn a_shell_waits_as_for_a_slow_program() {
    let agent = Cgroup::new("agent");
    let daemon = Daemon::gating(&agent, &[]);
    let typed = "set -m; PS1=; git push --force origin main 2>&1 | wc -l &\njobs\nwait; echo rc $?\nexit\n";
    // What is typed into a shell without a terminal would be asked about, so `script` itself is not gated.
    let join = format!("echo $$ > {}/cgroup.procs; exec bash --norc -i", agent.path().display());
    let mut shell = Command::new("script")
        .args(["-qec", &join, "/dev/null"])
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = shell.stdin.take().unwrap();
    stdin.write_all(typed.as_bytes()).unwrap();
    let id = daemon.card(RISKY_LINE);
    daemon.ask(&["approve", &id]);
    let printed = child::printed(&mut shell);
    drop(stdin);
    assert!(printed.contains("Running"), "{printed}");
    assert!(!printed.contains("Stopped"), "{printed}");
    assert!(printed.contains("rc 0"), "{printed}");
}

fn after_who_started_it_goes_on() {
    let agent = Cgroup::new("agent");
    let daemon = Daemon::gating(&agent, &["--hold-after"]);
    // Starting it returns, although nobody has answered.
    let mut held = child::start(&agent, &mut risky()).unwrap();
    let id = daemon.card(RISKY_LINE);
    let pid = held.id().to_string();
    until_in_place(&pid);
    assert!(held.try_wait().unwrap().is_none());
    daemon.ask(&["approve", &id]);
    assert_eq!(child::wait(&mut held).code(), NO_REPOSITORY);
    until("a record that it started", || (daemon.record(&RISKY, "allowed")["started"] == true).then_some(()));
    until("no cgroup of ours left", || {
        fs::read_dir(agent.path())
            .unwrap()
            .flatten()
            .all(|entry| entry.file_type().unwrap().is_file())
            .then_some(())
    });
    // A denial that needs no human comes before the exec.
    assert!(child::run(&agent, &mut Command::new("/bin/true")).unwrap().status.success());
}

fn after_denied_has_not_run() {
    let agent = Cgroup::new("agent");
    let daemon = Daemon::ruled(&agent, &rule("review", &["show", "..."]), &["--hold-after"]);
    let show = program("show");
    for round in 0..times(20) {
        let word = format!("round-{round}");
        let mut held = child::start(&agent, Command::new(&show).arg0("show").arg(&word)).unwrap();
        let id = daemon.card(&format!("show {word}"));
        let allow = round % 4 == 3;
        daemon.ask(&[if allow { "approve" } else { "deny" }, &id]);
        let status = child::wait(&mut held);
        let output = held.wait_with_output().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        if allow {
            assert_eq!((status.code(), printed), (Some(0), format!("{word}\n")));
        } else {
            assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(libc::SIGKILL));
            assert_eq!(printed, "", "not one instruction of it has run");
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(told.contains("expacti: denied ("), "{told}");
        }
    }
    assert_eq!(daemon.record(&["show", "round-0"], "denied")["started"], false);
}

fn after_a_new_daemon_keeps_the_ticket() {
    let agent = Cgroup::new("agent");
    let daemon = Daemon::gating(&agent, &["--hold-after"]);
    let mut first = child::start(&agent, &mut risky()).unwrap();
    let id = daemon.card(RISKY_LINE);
    let pid = first.id().to_string();
    until("the new program in place", || {
        fs::read(format!("/proc/{pid}/cmdline")).ok().filter(|line| line.starts_with(b"git\0")).map(drop)
    });
    let folder = daemon.kill();
    let daemon = Daemon::gating_in(folder, &agent, &["--hold-after"]);
    assert_eq!(daemon.card(RISKY_LINE), id);
    assert!(first.try_wait().unwrap().is_none());
    daemon.ask(&["deny", &id]);
    let status = child::wait(&mut first);
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(libc::SIGKILL));
}

/// A cgroup with processes of its own that gives a controller of threads to those below it: what is parked below it is there
/// as threads.
fn giving_pids_to_threads(name: &str) -> Cgroup {
    let agent = Cgroup::new(name);
    for cgroup in [agent.path().parent().unwrap(), agent.path()] {
        fs::write(cgroup.join("cgroup.subtree_control"), "+pids").unwrap();
    }
    agent
}

fn where_only_threads_may_be_below() {
    let agent = giving_pids_to_threads("agent");
    let daemon = Daemon::gating(&agent, &[]);
    for answer in ["approve", "deny"] {
        let held = run_aside(&agent, risky());
        let id = daemon.card(RISKY_LINE);
        until("a process that is parked as threads", || {
            let kind = fs::read_to_string(agent.parking().join("cgroup.type")).ok()?;
            let events = fs::read_to_string(agent.parking().join("cgroup.events")).ok()?;
            (kind == "threaded\n" && events.contains("populated 1") && events.contains("frozen 1"))
                .then_some(())
        });
        daemon.ask(&[answer, &id]);
        match held.ending() {
            Ok(output) => assert_eq!((answer, output.status.code()), ("approve", NO_REPOSITORY)),
            Err(error) => assert_eq!((answer, error.raw_os_error()), ("deny", Some(libc::EPERM))),
        }
        until("no folder of ours", || (!agent.parking().exists()).then_some(()));
    }
}

fn who_cannot_be_parked_has_the_grace() {
    let agent = Cgroup::new("agent");
    fs::write(agent.path().join("cgroup.max.descendants"), "0").unwrap();
    let daemon = Daemon::gating(&agent, &["--grace=3"]);
    let held = run_aside(&agent, risky());
    daemon.card(RISKY_LINE);
    assert_eq!(held.ending().unwrap_err().raw_os_error(), Some(libc::EPERM));
    let verdict = &daemon.record(&RISKY, "denied")["verdict"];
    assert_eq!(verdict["decider"]["by"], "fail-mode", "{verdict}");
    let because = verdict["because"].as_str().unwrap();
    assert!(because.contains("within the grace") && because.contains("temporarily unavailable"), "{because}");
    assert!(daemon.pending().is_empty());
}

fn after_where_only_threads_may_be_below() {
    let agent = giving_pids_to_threads("agent");
    let daemon = Daemon::gating(&agent, &["--hold-after"]);
    // Somebody has to be there, or it is an ordinary cgroup.
    let mut sleeper = child::start(&agent, Command::new("sleep").arg("1000")).unwrap();
    for answer in ["approve", "deny"] {
        let mut held = child::start(&agent, &mut risky()).unwrap();
        let id = daemon.card(RISKY_LINE);
        let pid = held.id().to_string();
        until_in_place(&pid);
        daemon.ask(&[answer, &id]);
        let status = child::wait(&mut held);
        let signal = std::os::unix::process::ExitStatusExt::signal(&status);
        let expected = if answer == "approve" { (NO_REPOSITORY, None) } else { (None, Some(libc::SIGKILL)) };
        assert_eq!((status.code(), signal), expected);
    }
    sleeper.kill().unwrap();
    child::wait(&mut sleeper);
}

/// As if born to a process that was let go on its way into parking: frozen like it, and waiting for nothing.
fn parked_without_a_ticket() {
    let agent = Cgroup::new("agent");
    let rules = rule("review", &["show", "HELD"]);
    let daemon = Daemon::ruled(&agent, &rules, &[]);
    let mut stray = child::start(&agent, Command::new("sleep").arg("1000")).unwrap();
    let parked = agent.parking();
    let home = || {
        let cgroup = fs::read_to_string(format!("/proc/{}/cgroup", stray.id())).unwrap();
        (!cgroup.contains("expacti.held")).then_some(())
    };
    let ask = |daemon: &Daemon| {
        let mut command = Command::new(program("show"));
        command.arg0("show").arg("HELD");
        let held = run_aside(&agent, command);
        let card = daemon.card("show HELD");
        until("a parked process", || fs::write(parked.join("cgroup.procs"), stray.id().to_string()).ok());
        assert_eq!(home(), None);
        (held, card)
    };
    let (held, card) = ask(&daemon);
    daemon.ask(&["approve", &card]);
    assert_eq!(held.ending().unwrap().stdout, b"HELD\n");
    until("the stray to be at home", home);

    // The next daemon frees it too, and nobody who has a ticket.
    let (held, card) = ask(&daemon);
    let folder = daemon.kill();
    let file = folder.path().join("rules.toml");
    let next = Daemon::gating_in(folder, &agent, &["--rules", file.to_str().unwrap()]);
    until("the stray to be at home", home);
    assert!(held.goes_on());
    next.ask(&["approve", &card]);
    assert_eq!(held.ending().unwrap().stdout, b"HELD\n");
    stray.kill().unwrap();
    child::wait(&mut stray);
}

/// Its verdict comes while it is being parked, and it ends before it is. An empty folder of ours would keep everybody from
/// removing the cgroup around it.
fn parking_one_that_ended_leaves_nothing() {
    let agent = Cgroup::new("agent");
    let daemon = Daemon::gating(&agent, &[]);
    let process = Pid::from_raw(daemon.pid().cast_signed()).unwrap();
    let held = agent.parking();
    for round in 0..times(20) {
        kill_process(process, Signal::STOP).unwrap();
        // Each argv is new, so that the kernel cannot answer by itself.
        let echo = |number: u32| {
            let mut command = Command::new("/bin/echo");
            command.args([round.to_string(), number.to_string()]);
            run_aside(&agent, command)
        };
        let waiting: Vec<Held> = (0..8).map(echo).collect();
        kill_process(process, Signal::CONT).unwrap();
        for echo in waiting {
            let ending = echo.ending();
            assert!(ending.is_ok(), "{ending:?}: {}", daemon.ask(&["metrics"]));
        }
        until("no folder of ours", || (!held.exists()).then_some(()));
    }
}

/// Waits until what is risky has taken the process's place, and is frozen there.
#[track_caller]
fn until_in_place(pid: &str) {
    until("the new program in place, and frozen", || {
        let command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        (command == RISKY.join("\0").into_bytes().into_iter().chain([0]).collect::<Vec<_>>()
            && state(pid) == Some('S'))
        .then_some(())
    });
}

fn stat(pid: &str) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(") ")?;
    Some(rest.split(' ').map(str::to_owned).collect())
}

fn state(pid: &str) -> Option<char> {
    stat(pid)?.first()?.chars().next()
}

/// User and system time.
fn ticks(pid: &str) -> Option<(String, String)> {
    let fields = stat(pid)?;
    Some((fields.get(11)?.clone(), fields.get(12)?.clone()))
}
