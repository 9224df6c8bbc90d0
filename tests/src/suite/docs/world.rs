//! What the pages assume: agents, a command that waits, files that a team would have.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use expacti_tests::harness::wait::within;
use tempfile::TempDir;

use crate::suite::package::{in_unit, installed, pending, ran, sleeping};

/// The unit of the pages' agent `ci`.
const UNIT: &str = "ci-runner.service";

/// How long a command may take to be held: under emulation, beside another guest.
const PATIENCE: Duration = Duration::from_mins(2);

/// Agents that more than one page enrols.
const AGENTS: [&str; 3] = ["ci", "box", "that"];

/// See the module.
pub(super) struct World {
    folder: TempDir,
    children: Vec<Child>,
    /// Agents that are enrolled, by name.
    enrolled: BTreeSet<String>,
}

impl World {
    pub(super) fn begin() -> Self {
        installed();
        if !is_up() {
            // The page before ended with the gate gone, as it should be.
            ran("systemctl", &["enable", "--quiet", "--now", "expacti"]);
        }
        for name in AGENTS {
            // Where the page before took the daemon away, they were left to the next one.
            let _ = Command::new("expacti").args(["withdraw", name]).output();
        }
        let folder = tempfile::tempdir_in("/var/tmp").unwrap();
        Self { folder, children: Vec::new(), enrolled: BTreeSet::new() }
    }

    /// Where commands are run.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Makes true what a command assumes. The command, with names that are only known here.
    pub(super) fn ready_for(&mut self, command: &str) -> String {
        let mut command = command.to_owned();
        if command.contains(UNIT) || is_about_ci(&command) {
            start_unit();
        }
        if is_about_ci(&command) && !self.enrolled.contains("ci") {
            self.enroll("ci", UNIT);
        }
        if let Some(name) = named_behind(&command, "expacti enroll ") {
            if !self.enrolled.insert(name.clone()) {
                ran("expacti", &["withdraw", &name]);
            }
        } else if let Some(name) = named_behind(&command, "expacti withdraw ") {
            self.enrolled.remove(&name);
        }
        if let Some(cgroup) = command.split(' ').find(|word| word.starts_with("/sys/fs/cgroup/")) {
            std::fs::create_dir_all(cgroup).unwrap();
        }
        if command.contains("--pid 4711") {
            let unit = "that.service";
            sleeping(unit);
            let pid = ran("systemctl", &["show", "--property", "MainPID", "--value", unit]);
            command = command.replace("--pid 4711", &format!("--pid {}", pid.trim()));
        }
        for (verb, wants_waiting) in [
            ("show 42", true),
            ("approve 42", true),
            ("deny 42", true),
            ("log show 42", false),
            ("bundle 42", false),
        ] {
            let Some((before, after)) = command.split_once(verb) else { continue };
            let name = verb.trim_end_matches("42");
            if wants_waiting && before.ends_with("log ") {
                continue;
            }
            let ticket = self.ticket();
            command = format!("{before}{name}{ticket}{after}");
            break;
        }
        if command.ends_with("--always") {
            // On a terminal one is asked.
            command += " --yes";
        }
        // On a terminal of its own, with the key that ends it.
        if command.ends_with("expacti review") {
            let on_a_terminal =
                "echo q | TERM=xterm script --quiet --return --command 'expacti review' /dev/null";
            return on_a_terminal.to_owned();
        }
        command
    }

    /// The ticket of a command that waits: each another one, of an agent of its own, so that what was approved of one says
    /// nothing of the next.
    fn ticket(&mut self) -> u64 {
        if let Some(ticket) = pending().first() {
            return *ticket;
        }
        let name = format!("waits-{}", self.children.len());
        let unit = format!("{name}.service");
        sleeping(&unit);
        self.enroll(&name, &unit);
        // Not so risky that it may not be allowed for good.
        self.children.push(in_unit(&unit, &["git", "push", "origin", &name]));
        within(PATIENCE, || pending().first().copied()).unwrap_or_else(|| {
            let state = "expacti agents; expacti log -n 9; journalctl --unit expacti --no-pager --lines 30; \
                         ps -eo pid,ppid,stat,wchan:20,cgroup:60,args";
            panic!("{name} does not wait:\n{}", ran("sh", &["-c", state]));
        })
    }

    fn enroll(&mut self, name: &str, unit: &str) {
        ran("expacti", &["enroll", name, "--unit", unit]);
        self.enrolled.insert(name.to_owned());
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for name in &self.enrolled {
            // A page may have ended it, or the daemon.
            let _ = Command::new("expacti").args(["withdraw", name]).output();
        }
        let waiting = (0..self.children.len()).map(|number| format!("waits-{number}.service"));
        for unit in [UNIT, "that.service"].map(str::to_owned).into_iter().chain(waiting) {
            let _ = Command::new("systemctl").args(["stop", "--quiet", &unit]).stderr(Stdio::null()).status();
        }
        for mut child in self.children.drain(..) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn start_unit() {
    let active = Command::new("systemctl").args(["is-active", "--quiet", UNIT]).status().unwrap();
    if !active.success() {
        sleeping(UNIT);
    }
}

fn is_about_ci(command: &str) -> bool {
    ["withdraw ci", "stop ci", "resume ci", "kill ci", "--agent ci"]
        .iter()
        .any(|words| command.contains(words))
}

fn is_up() -> bool {
    Command::new("systemctl").args(["is-active", "--quiet", "expacti"]).status().unwrap().success()
}

/// The word that comes next, without its quotes.
fn named_behind(command: &str, words: &str) -> Option<String> {
    let (_, behind) = command.split_once(words)?;
    Some(behind.split(' ').next()?.trim_matches('\'').to_owned())
}
