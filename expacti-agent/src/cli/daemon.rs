//! `expacti daemon`: the gate's user-space half.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use expacti_abi::control::agent;
use expacti_core::Tools;

use super::ending::{BadInput, Ending};
use super::rule_files::RuleFiles;
use crate::{daemon, kernel};

/// Run the gate: decide what enrolled agents may execute
#[derive(Args)]
#[command(after_help = "\
The gate stays in the kernel when the daemon ends: what is allowed already goes on, everything else waits for a daemon
for the grace, and then fails with \"Operation not permitted\".")]
pub(super) struct Daemon {
    /// Gate a cgroup from the start; may be given again
    #[arg(long = "agent", value_name = "NAME=CGROUP")]
    agents: Vec<String>,
    /// Let these agents run everything, and only log it
    #[arg(long)]
    observe: bool,
    #[command(flatten)]
    rules: RuleFiles,
    /// Where a BPF file system is mounted
    #[arg(long, value_name = "FOLDER", default_value = "/sys/fs/bpf")]
    bpffs: PathBuf,
    /// This node's own folder: log, keys, reviewers
    #[arg(long, value_name = "FOLDER", default_value = "/var/lib/expacti")]
    home: PathBuf,
    /// Where the exec log is kept: a file of SQLite or a URL of PostgreSQL [default: log.db in the home]
    #[arg(long, value_name = "PLACE", env = "EXPACTI_LOG")]
    log: Option<String>,
    /// Where the interface is served
    #[arg(long, value_name = "PATH", default_value = "/run/expacti/api.sock")]
    socket: PathBuf,
    /// Where agents look at their own tickets. Its folder may be mounted into containers
    #[arg(long, value_name = "PATH", default_value = crate::api::OWN_SOCKET)]
    own_socket: PathBuf,
    /// How long an exec waits for a daemon that does not answer, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    grace: u64,
    /// How long humans have to answer, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300, overrides_with = "review")]
    review: u64,
    /// How often a canary shows that the gate is in force, in seconds; 0 for never
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    canary: u64,
    /// Take the gate out of the kernel, say what was removed, and end. What waits for a verdict is denied first
    #[arg(long, conflicts_with_all = ["agents", "observe"])]
    unload: bool,
    /// Unload even while a daemon runs
    #[arg(long, requires = "unload")]
    force: bool,
}

impl Daemon {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        if self.unload {
            return unload(&self.bpffs, self.force);
        }
        let flags = if self.observe { agent::OBSERVE } else { 0 };
        let mut agents = Vec::new();
        for agent in &self.agents {
            let Some((name, cgroup)) = agent.split_once('=').filter(|(name, _)| !name.is_empty()) else {
                let text = format!("--agent {agent:?}: give a name and a cgroup, as in ci=/sys/fs/cgroup/ci");
                return Err(BadInput(text).into());
            };
            agents.push((name.to_owned(), PathBuf::from(cgroup), flags));
        }
        let log = self.log.as_deref().map(str::parse).transpose();
        daemon::run(daemon::Config {
            bpffs: self.bpffs,
            home: self.home,
            log: log.map_err(|error: expacti_agent::log::LogError| BadInput(error.to_string()))?,
            socket: self.socket,
            own_socket: self.own_socket,
            notify: crate::notify::NotifyConfig::default(),
            agents,
            rules: self.rules.load(&Tools::embedded())?,
            grace: Duration::from_secs(self.grace),
            review: Duration::from_secs(self.review),
            canary: Duration::from_secs(self.canary),
        })?;
        Ok(Ending::Done)
    }
}

fn unload(bpffs: &Path, force: bool) -> anyhow::Result<Ending> {
    let mut out = std::io::stdout().lock();
    let removed = kernel::unload(bpffs, force)?;
    for line in &removed {
        writeln!(out, "{line}")?;
    }
    if removed.is_empty() {
        writeln!(out, "nothing of expacti is in the kernel")?;
    }
    Ok(Ending::Done)
}
