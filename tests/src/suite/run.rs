//! `expacti run`: a command in a gate of its own.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use expacti_tests::harness::cgroup::Cgroup;
use expacti_tests::harness::daemon::Daemon;
use expacti_tests::harness::terminal::Terminal;
use expacti_tests::harness::wait::until;
use expacti_tests::harness::{child, test};
use libtest_mimic::Trial;

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("run::the_command_is_the_users_and_gated", the_command_is_the_users_and_gated),
        test("run::what_it_leaves_behind_ends_with_it", what_it_leaves_behind_ends_with_it),
        test(
            "run::a_denied_command_is_126_and_a_missing_one_127",
            a_denied_command_is_126_and_a_missing_one_127,
        ),
        test("run::signals_are_the_commands", signals_are_the_commands),
        test("run::the_terminal_is_the_commands", the_terminal_is_the_commands),
        test("run::ctrl_z_stops_it_and_fg_lets_it_go_on", ctrl_z_stops_it_and_fg_lets_it_go_on),
        test("run::a_daemon_is_started_where_none_runs", a_daemon_is_started_where_none_runs),
    ]
}

fn run(options: &[&str], command: &[&str]) -> Command {
    let mut run = Command::new("expacti");
    run.arg("run").args(options).arg("--").args(command).env("SUDO_UID", "65534").env("SUDO_USER", "nobody");
    run
}

fn ready() -> Daemon {
    let mut daemon = Daemon::start(&["--review=1"]);
    daemon.says("ready");
    daemon
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn the_command_is_the_users_and_gated() {
    let daemon = ready();
    let script = "id -u; id -G; cat /proc/self/cgroup; echo $HOME $USER $EXPACTI_AGENT $SUDO_UID; exit 7";
    let output = run(&["--name=r"], &["sh", "-c", script]).output().unwrap();
    assert_eq!(output.status.code(), Some(7), "{}", said(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    let [uid, gids, cgroup, environment] = lines[..] else { panic!("{text}") };
    assert_eq!((uid, gids, environment), ("65534", "65534", "/nonexistent nobody r"));
    assert!(cgroup.ends_with("/expacti-r"), "{cgroup}");
    let records = super::records(&daemon);
    let first =
        records.iter().find(|record| record["request"]["argv"] == serde_json::json!(["sh", "-c", script]));
    let first = first.unwrap_or_else(|| panic!("its first exec is not in the log: {records:?}"));
    assert_eq!(first["request"]["agent"]["name"], "r");
    assert_eq!(first["request"]["credentials"]["uid"], 65534, "{first}");
    assert!(daemon.ask(&["agents"]).starts_with("no agent is gated"));
    let own = fs::read_to_string("/proc/self/cgroup").unwrap();
    let own = own.lines().find_map(|line| line.strip_prefix("0::/")).unwrap();
    assert!(!Path::new("/sys/fs/cgroup").join(own).join("expacti-r").exists());
}

fn what_it_leaves_behind_ends_with_it() {
    let _daemon = ready();
    let output = run(&[], &["sh", "-c", "sleep 1000 >/dev/null 2>&1 & echo $!"]).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let pid = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert!(!Path::new("/proc").join(&pid).exists(), "process {pid} lives on");
}

fn a_denied_command_is_126_and_a_missing_one_127() {
    let _daemon = ready();
    let output = run(&[], &super::RISKY).output().unwrap();
    assert_eq!(output.status.code(), Some(126), "{}", said(&output));
    assert!(said(&output).contains("expacti: denied ("), "{}", said(&output));
    let output = run(&[], &["no-such-command"]).output().unwrap();
    assert_eq!(output.status.code(), Some(127), "{}", said(&output));
}

fn signals_are_the_commands() {
    let daemon = ready();
    let script = "trap 'echo told; exit 3' TERM; echo up; while :; do sleep 0.1; done";
    let mut process = run(&["--name=s"], &["sh", "-c", script]).stdout(Stdio::piped()).spawn().unwrap();
    until("its first exec", || {
        super::records(&daemon).iter().any(|record| record["request"]["argv"][0] == "sleep").then_some(())
    });
    let pid = rustix::process::Pid::from_child(&process);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(child::wait(&mut process).code(), Some(3));
    assert_eq!(child::printed(&mut process), "up\ntold\n");
}

const PROMPT: &str = "ready> ";

/// A shell of a user on a terminal, which is not gated, up to its first prompt.
fn shell(cgroup: &Cgroup, words: &[&str]) -> Terminal {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).current_dir("/").env("PS1", PROMPT).env("TERM", "dumb");
    command.env("SUDO_UID", "65534").env("SUDO_USER", "nobody");
    let mut terminal = Terminal::start(cgroup, command);
    terminal.shows(PROMPT);
    terminal
}

/// Until keys go to a program of this name.
#[track_caller]
fn listens(terminal: &Terminal, name: &str) {
    until("the terminal to be its own", || (terminal.foreground()? == name).then_some(()));
}

/// On a terminal of its own: an interactive shell has job control, and Ctrl-C ends what runs in it, not the shell.
fn the_terminal_is_the_commands() {
    let _daemon = ready();
    let user = Cgroup::new("user");
    let mut terminal = shell(&user, &["expacti", "run", "--", "bash", "--norc", "-i"]);
    terminal.types("sleep 1000\n");
    listens(&terminal, "sleep");
    terminal.types("\x03");
    terminal.shows(PROMPT);
    terminal.types("echo code $?; exit 5\n");
    let (text, code) = terminal.ends();
    assert!(text.contains("code 130"), "{text}");
    assert!(!text.contains("no job control"), "{text}");
    assert_eq!(code, Some(5), "{text}");
}

/// The shell that started it has a stopped job, and none of it is lost.
fn ctrl_z_stops_it_and_fg_lets_it_go_on() {
    let _daemon = ready();
    let user = Cgroup::new("user");
    let mut terminal = shell(&user, &["bash", "--norc", "-i"]);
    terminal.types("expacti run -- cat\n");
    listens(&terminal, "expacti");
    terminal.types("before\n");
    terminal.shows("before\r\nbefore\r\n");
    terminal.types("\x1a");
    terminal.shows("Stopped");
    terminal.shows(PROMPT);
    terminal.types("fg\n");
    listens(&terminal, "expacti");
    terminal.types("again\n");
    terminal.shows("again\r\nagain\r\n");
    terminal.types("\x04");
    terminal.shows(PROMPT);
    terminal.types("echo code $?; exit 4\n");
    let (text, code) = terminal.ends();
    assert!(text.contains("code 0"), "{text}");
    assert_eq!(code, Some(4), "{text}");
}

fn a_daemon_is_started_where_none_runs() {
    let output = run(&["--name=first"], &["echo", "hi"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "hi\n", "{}", said(&output));
    assert!(said(&output).contains("no daemon runs: started one"), "{}", said(&output));
    let listed = Command::new("expacti").arg("agents").output().unwrap();
    assert!(listed.status.success(), "{}", said(&listed));
    let daemon = Path::new("/sys/fs/cgroup/expacti-daemon");
    fs::write(daemon.join("cgroup.kill"), "1").unwrap();
    until("the end of the daemon", || {
        fs::read_to_string(daemon.join("cgroup.events")).unwrap().contains("populated 0").then_some(())
    });
    // Its canary's cgroup is below.
    fs::remove_dir(daemon.join("expacti.canary")).unwrap();
    fs::remove_dir(daemon).unwrap();
}
