//! `expacti enroll` and `expacti withdraw`: agents while the daemon runs.

use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use super::connect::Connect;
use super::ending::Ending;
use super::pending::plain;
use crate::client::segment;
use crate::wire::{ModeWord, NewAgent};

/// Gate a cgroup, a unit of systemd or a process with its cgroup, from now on and after restarts
#[derive(Args)]
pub(super) struct Enroll {
    /// The agent's name: letters, digits, `-`, `_`, `.`
    name: String,
    #[command(flatten)]
    home: Home,
    /// A policy of the configuration
    #[arg(long, value_name = "NAME")]
    policy: Option<String>,
    /// Another mode than the policy's
    #[arg(long, value_enum)]
    mode: Option<ModeArg>,
    #[command(flatten)]
    connect: Connect,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Home {
    /// Everything in this cgroup and below it
    #[arg(long, value_name = "FOLDER")]
    cgroup: Option<PathBuf>,
    /// Everything in the cgroup of this unit of systemd
    #[arg(long, value_name = "UNIT")]
    unit: Option<String>,
    /// Everything in the cgroup of this process
    #[arg(long, value_name = "PID")]
    pid: Option<u32>,
}

/// End the gate around an agent: what waits is denied, what runs is free
#[derive(Args)]
pub(super) struct Withdraw {
    /// The agent's name; `expacti agents` lists them
    agent: String,
    #[command(flatten)]
    connect: Connect,
}

/// A mode on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum ModeArg {
    /// Everything runs and is logged
    Observe,
    /// The same, and the log says what would have been held or denied
    Shadow,
    /// What must wait waits
    Enforce,
}

impl From<ModeArg> for ModeWord {
    fn from(mode: ModeArg) -> Self {
        match mode {
            ModeArg::Observe => Self::Observe,
            ModeArg::Shadow => Self::Shadow,
            ModeArg::Enforce => Self::Enforce,
        }
    }
}

impl Enroll {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let Home { cgroup, unit, pid } = self.home;
        let cgroup = cgroup.map(|folder| {
            // The daemon stands elsewhere.
            let whole = std::path::absolute(&folder).with_context(|| folder.display().to_string())?;
            whole
                .into_os_string()
                .into_string()
                .map_err(|text| anyhow::anyhow!("{} is not UTF-8", text.display()))
        });
        let new = NewAgent {
            name: self.name.clone(),
            cgroup: cgroup.transpose()?,
            unit,
            pid,
            policy: self.policy,
            mode: self.mode.map(Into::into),
        };
        self.connect.client("cli")?.tell("POST", "/v1/agents", &new)?;
        writeln!(io::stdout().lock(), "agent {} is gated", plain(&self.name))?;
        Ok(Ending::Done)
    }
}

impl Withdraw {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let client = self.connect.client("cli")?;
        client.act("DELETE", &format!("/v1/agents/{}", segment(&self.agent)))?;
        writeln!(io::stdout().lock(), "agent {} is not gated any more", plain(&self.agent))?;
        Ok(Ending::Done)
    }
}
