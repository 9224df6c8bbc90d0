//! A shell with job control, in a terminal, under the gate: what one types comes to what it always comes to.

use std::fs;
use std::process::Command;

use libtest_mimic::Trial;

use expacti_tests::harness::cgroup::Cgroup;
use expacti_tests::harness::daemon::{Daemon, rule};
use expacti_tests::harness::program::program;
use expacti_tests::harness::terminal::Terminal;
use expacti_tests::harness::test;
use expacti_tests::harness::wait::until;

use super::transparent::EVERYTHING;

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("terminal::bash_as_without_the_gate", || same(&["bash", "--noprofile", "--norc", "-i"])),
        test("terminal::zsh_as_without_the_gate", || same(&["zsh", "-f", "+Z", "-i"])),
        test("terminal::what_is_held_is_interrupted", what_is_held_is_interrupted),
        test("terminal::what_is_held_dumps_core", what_is_held_dumps_core),
        test("terminal::what_is_held_stops_and_is_held_again", what_is_held_stops),
        test("terminal::what_is_approved_while_it_stands_runs_in_the_foreground", approved_while_it_stands),
        test("terminal::who_is_held_in_the_background_disturbs_nobody", held_in_the_background),
    ]
}

const PROMPT: &str = "ready> ";
const CTRL_C: &str = "\x03";
const CTRL_Z: &str = "\x1a";
const CTRL_BACKSLASH: &str = "\x1c";

/// A shell, up to its first prompt.
fn shell(cgroup: &Cgroup, words: &[&str]) -> Terminal {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).current_dir("/").env_clear();
    command.env("PS1", PROMPT).env("PATH", "/usr/bin:/bin:/opt/expacti/programs").env("TERM", "dumb");
    let mut terminal = Terminal::start(cgroup, command);
    terminal.shows(PROMPT);
    terminal
}

/// Types a session, and looks for what must be shown at each step. When a job is told to have ended is up to chance.
fn session(cgroup: &Cgroup, words: &[&str]) {
    let mut terminal = shell(cgroup, words);
    let steps: [(&str, &[&str]); 13] = [
        ("/bin/echo one two | tr a-z A-Z | rev\n", &["OWT ENO", PROMPT]),
        ("no-such-command; echo code $?\n", &["code 127", PROMPT]),
        ("(sleep 0.1; /bin/echo in time) & wait\n", &["in time\r\n", PROMPT]),
        ("sleep 1000 &\n", &[PROMPT]),
        ("jobs\n", &["sleep 1000", PROMPT]),
        ("kill %1; wait; echo code $?\n", &["code 0", PROMPT]),
        ("sleep 1000\n", &[]),
        (CTRL_C, &[PROMPT]),
        ("echo code $?\n", &["code 130", PROMPT]),
        ("sleep 1000\n", &[]),
        (CTRL_Z, &[PROMPT]),
        ("kill %1; bg; wait %1; echo code $?\n", &["code 143", PROMPT]),
        ("exit 5\n", &[]),
    ];
    // Without its line editor zsh shows nothing after an interrupt.
    let keys = [CTRL_C, CTRL_Z, "sleep 1000\n", "echo code $?\n", "kill %1; bg; wait %1; echo code $?\n"];
    let steps = steps.into_iter().filter(|(types, _)| words[0] == "bash" || !keys.contains(types));
    for (types, shows) in steps {
        terminal.types(types);
        for text in shows {
            terminal.shows(text);
        }
        if types == "sleep 1000\n" {
            until("the terminal to be its own", || (terminal.foreground()? == "sleep").then_some(()));
        }
    }
    assert_eq!(terminal.ends().1, Some(5));
}

fn same(words: &[&str]) {
    let (agent, other) = (Cgroup::new("agent"), Cgroup::new("other"));
    session(&other, words);
    let config = tempfile::tempdir_in("/var/tmp").unwrap();
    let file = config.path().join("expacti.toml");
    fs::write(&file, EVERYTHING).unwrap();
    let daemon = Daemon::gating(&agent, &["--config", file.to_str().unwrap()]);
    session(&agent, words);
    assert!(daemon.records().iter().any(|record| record["request"]["argv"][0] == "rev"));
}

/// A shell whose `show HELD` waits for humans.
struct Held {
    terminal: Terminal,
    // Dropped in this order: the daemon before what it gates.
    daemon: Daemon,
    _agent: Cgroup,
}

impl Held {
    fn new() -> Self {
        let agent = Cgroup::new("agent");
        let daemon = Daemon::ruled(&agent, &rule("review", &["show", "HELD"]), &[]);
        assert!(program("show").is_file());
        let terminal = shell(&agent, &["bash", "--noprofile", "--norc", "-i"]);
        Self { terminal, daemon, _agent: agent }
    }

    /// Types, waits for the card of it, and gives its number.
    #[track_caller]
    fn asks(&mut self, line: &str) -> String {
        self.terminal.types(line);
        let ticket = self.daemon.card("show HELD");
        self.waits();
        ticket
    }

    /// Until the held command is parked.
    #[track_caller]
    fn waits(&self) {
        let pid = self.daemon.record(&["show", "HELD"], "pending")["pid"].to_string();
        until("a parked process", || {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            let cgroup = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
            (stat.contains(") S ") && cgroup.contains("expacti.held")).then_some(())
        });
    }

    #[track_caller]
    fn types(&mut self, text: &str, shows: &[&str]) {
        self.terminal.types(text);
        for text in shows {
            self.terminal.shows(text);
        }
    }
}

fn what_is_held_is_interrupted() {
    let mut held = Held::new();
    held.asks("show HELD\n");
    held.types(CTRL_C, &[PROMPT]);
    held.types("echo code $?\n", &["code 130", PROMPT]);
    held.daemon.record(&["show", "HELD"], "withdrawn");
    until("no card any more", || held.daemon.pending().is_empty().then_some(()));
}

fn what_is_held_dumps_core() {
    let mut held = Held::new();
    held.asks("show HELD\n");
    held.types(CTRL_BACKSLASH, &[PROMPT]);
    held.types("echo code $?\n", &["code 131", PROMPT]);
    held.daemon.record(&["show", "HELD"], "withdrawn");
}

/// As if the program were slow to start: the shell has it back at once, and the question stays.
fn what_is_held_stops() {
    let mut held = Held::new();
    let ticket = held.asks("show HELD\n");
    for _ in 0..2 {
        held.types(CTRL_Z, &["Stopped", "show HELD", PROMPT]);
        held.types("/bin/echo alive\n", &["alive\r\n", PROMPT]);
        held.types("fg\n", &["show HELD"]);
        held.waits();
    }
    assert_eq!(held.daemon.card("show HELD"), ticket);
    held.daemon.ask(&["approve", &ticket]);
    held.types("", &["HELD\r\n", PROMPT]);
}

fn approved_while_it_stands() {
    let mut held = Held::new();
    let ticket = held.asks("show HELD\n");
    held.types(CTRL_Z, &["Stopped", "show HELD", PROMPT]);
    held.daemon.ask(&["approve", &ticket]);
    held.types("jobs\n", &["Stopped", "show HELD", PROMPT]);
    held.types("fg\n", &["show HELD", "HELD\r\n", PROMPT]);
    let record = held.daemon.record(&["show", "HELD"], "allowed");
    assert!(record["id"].as_str().unwrap().ends_with(&format!("-{ticket}")), "{record}");
}

fn held_in_the_background() {
    let mut held = Held::new();
    let ticket = held.asks("show HELD &\n");
    held.types("/bin/echo alive\n", &["alive\r\n", PROMPT]);
    held.daemon.ask(&["approve", &ticket]);
    held.terminal.shows("HELD\r\n");
}
