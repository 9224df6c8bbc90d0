//! `expacti run`: a command in a gate of its own. The first thing that a new user types.
//!
//! The story: a fresh cgroup below the caller's own is gated, the command's process joins it before its first exec and
//! drops root there, the terminal and signals are its own, and when it ends everything it left behind ends with it.

mod account;
mod gate;
mod process;
mod start;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use self::account::Account;
use self::gate::Gate;
use super::connect::Connect;
use super::ending::{BadInput, Ending};
use super::enroll::ModeArg;
use crate::config::check_name;
use crate::wire::NewAgent;

/// Run a command as an agent, in a gate of its own
#[derive(Args)]
#[command(after_help = "\
Needs root, and runs the command as the user behind sudo: `sudo expacti run -- bash`. Where no daemon runs, one is started.
Everything that the command leaves running ends with it. The exit code is the command's; 126 where it was denied, 127 where
it is not there.")]
pub(super) struct Run {
    /// The agent's name [default: the command's, with a number]
    #[arg(long)]
    name: Option<String>,
    /// A policy of the configuration
    #[arg(long, value_name = "NAME")]
    policy: Option<String>,
    /// Another mode than the policy's
    #[arg(long, value_enum)]
    mode: Option<ModeArg>,
    /// Run it as this user instead of the one behind sudo
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    #[command(flatten)]
    connect: Connect,
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

impl Run {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        if !rustix::process::geteuid().is_root() {
            let text =
                "expacti run makes a gate in the kernel, which takes root: sudo expacti run -- COMMAND";
            return Err(BadInput(text.to_owned()).into());
        }
        let name = self.agent_name()?;
        let account = match &self.user {
            Some(user) => Some(Account::named(user)?),
            None => Account::behind_sudo()?,
        };
        let client = self.connect.client("cli")?;
        start::daemon_if_none(&client, self.connect.socket())?;

        let mut gate = Gate::make(&name)?;
        let new = NewAgent {
            name: name.clone(),
            cgroup: Some(gate.folder().display().to_string()),
            policy: self.policy,
            mode: self.mode.map(Into::into),
            ..NewAgent::default()
        };
        client.tell("POST", "/v1/agents", &new)?;
        gate.is_closed(client, &name);
        let code = process::run(&self.command, &name, account.as_ref(), gate.folder());
        let ended = gate.end();
        let code = code?;
        if let Err(error) = ended {
            // The command is done, and its code counts.
            writeln!(io::stderr(), "expacti: agent {name} was not cleared away: {error:#}")?;
        }
        Ok(Ending::Exited(code))
    }

    fn agent_name(&self) -> anyhow::Result<String> {
        if let Some(name) = &self.name {
            return match check_name(name) {
                Ok(()) => Ok(name.clone()),
                Err(help) => Err(BadInput(format!("--name {name:?} is no name; {help}")).into()),
            };
        }
        let program = self.command.first().map(PathBuf::from).context("there is no command")?;
        let base = program.file_name().unwrap_or_default().to_string_lossy();
        let plain: String = base
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c))
            .skip_while(|c| !c.is_ascii_alphanumeric())
            .take(40)
            .collect();
        let plain = if plain.is_empty() { "agent".to_owned() } else { plain };
        Ok(format!("{plain}-{}", std::process::id()))
    }
}

/// The file system of cgroups.
fn mount() -> &'static Path {
    Path::new(crate::kernel::cgroup::MOUNT)
}
