//! An agent that may run everything and whose every exec is recorded.

use std::process::{Command, Output};

use serde_json::Value;

use super::cgroup::Cgroup;
use super::child;
use super::daemon::Daemon;
use super::wait::until;

/// An observed agent and its daemon.
pub struct Observed {
    /// Its cgroup.
    pub agent: Cgroup,
    /// Who observes it.
    pub daemon: Daemon,
}

impl Observed {
    /// A new agent, named `test`.
    #[track_caller]
    #[expect(clippy::new_without_default, reason = "it starts a daemon, which nobody expects of a default")]
    pub fn new() -> Self {
        Self::with(&[])
    }

    /// The same with further options of the daemon.
    #[track_caller]
    pub fn with(options: &[&str]) -> Self {
        let agent = Cgroup::new("agent");
        let option = format!("--agent=test={}", agent.path().display());
        let mut daemon = Daemon::start(&[&[option.as_str(), "--observe"], options].concat());
        daemon.says("ready");
        Self { agent, daemon }
    }

    /// Runs a command in the agent.
    #[track_caller]
    pub fn run(&self, command: &[&str]) -> Output {
        child::run(&self.agent, Command::new(command[0]).args(&command[1..])).unwrap()
    }

    /// Runs a script in the agent: a shell's, which must end well.
    #[track_caller]
    pub fn shell(&self, script: &str) -> String {
        let output = self.run(&["sh", "-c", script]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{script}\n{text}{}", String::from_utf8_lossy(&output.stderr));
        text
    }

    /// Every record there is.
    #[track_caller]
    pub fn records(&self) -> Vec<Value> {
        let text = self.daemon.ask(&["log", "--json", "--limit", "1000"]);
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The record of the exec with this argv, once it is there.
    #[track_caller]
    pub fn record(&self, argv: &[&str]) -> Value {
        self.record_where(&format!("{argv:?}"), |record| record["request"]["argv"] == serde_json::json!(argv))
    }

    /// The record that is as wanted, once it is there.
    #[track_caller]
    pub fn record_where(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        until(&format!("a record: {what}"), || self.records().into_iter().find(&wanted))
    }

    /// How many execs are recorded of those with a number up to that of a last one, which this makes.
    #[track_caller]
    pub fn count(&self, mark: &str) -> usize {
        self.run(&["/bin/echo", mark]);
        self.record(&["/bin/echo", mark]);
        // What is looked at more closely is recorded behind what came after it.
        let attempts = self.daemon.attempts();
        until("every attempt's record", || (self.records().len() >= attempts).then_some(()));
        self.records().len() - 1
    }
}
