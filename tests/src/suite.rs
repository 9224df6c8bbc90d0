//! The suites, one file each.

mod agents;
mod config;
mod containers;
mod defence;
mod docs;
mod doctor;
mod gate;
mod guest;
mod harness;
mod hold;
mod inside;
mod load;
mod package;
mod probes;
mod review;
mod run;
mod signals;
mod stalls;
mod suggest;
mod terminal;
mod transparent;
mod truth;
mod unload;
mod upgrade;
mod ways;

use std::process::Command;

use expacti_tests::harness::daemon::Daemon;
use expacti_tests::harness::wait::until;
use libtest_mimic::Trial;

/// Scored HIGH, so it waits for a human; and it does nothing here, where there is no repository.
pub(crate) const RISKY: [&str; 5] = ["git", "push", "--force", "origin", "main"];

/// Every test of every suite. A guest with systemd has the package in it and nothing else; its tests are its own.
pub(crate) fn all() -> Vec<Trial> {
    if std::path::Path::new("/run/systemd/system").is_dir() {
        return [package::tests(), docs::tests(), package::last()].into_iter().flatten().collect();
    }
    let suites = [
        guest::tests(),
        harness::tests(),
        gate::tests(),
        hold::tests(),
        truth::tests(),
        stalls::tests(),
        signals::tests(),
        review::tests(),
        inside::tests(),
        defence::tests(),
        doctor::tests(),
        unload::tests(),
        upgrade::tests(),
        config::tests(),
        agents::tests(),
        suggest::tests(),
        containers::tests(),
        run::tests(),
        transparent::tests(),
        terminal::tests(),
        load::tests(),
        ways::tests(),
        probes::tests(),
    ];
    our_share(suites.into_iter().flatten().collect())
}

/// Guests may share the tests among them: `EXPACTI_SHARE=1/2` is every other one, from the first on.
fn our_share(all: Vec<Trial>) -> Vec<Trial> {
    let Ok(share) = std::env::var("EXPACTI_SHARE") else { return all };
    let (number, of) = share.split_once('/').unwrap();
    let (number, of): (usize, usize) = (number.parse().unwrap(), of.parse().unwrap());
    all.into_iter().skip(number - 1).step_by(of).collect()
}

/// The risky command, to be run.
fn risky() -> Command {
    let mut command = Command::new(RISKY[0]);
    command.args(&RISKY[1..]).current_dir("/");
    command
}

/// How often a race is run: more where the environment asks for it.
fn times(usual: u32) -> u32 {
    std::env::var("EXPACTI_TIMES").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// What a subcommand ends with and says, on both streams.
fn expacti(arguments: &[&str]) -> (i32, String) {
    let output = Command::new("expacti").args(arguments).output().unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap(), text)
}

/// Every attempt in the log.
fn records(daemon: &Daemon) -> Vec<serde_json::Value> {
    daemon.ask(&["log", "--json"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Waits for the record of an exec of this agent in this state.
fn record(daemon: &Daemon, agent: &str, state: &str) -> serde_json::Value {
    until(&format!("a record of {agent}, {state}"), || {
        records(daemon)
            .into_iter()
            .find(|record| record["request"]["agent"]["name"] == agent && record["state"] == state)
    })
}
