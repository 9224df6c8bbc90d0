//! `expacti stop`, `resume` and `kill`: the brake.

use std::io::{self, Write as _};

use clap::Args;

use super::connect::Connect;
use super::ending::Ending;
use super::pending::plain;
use crate::client::segment;

/// Freeze a whole agent now: nothing further runs, and what runs stands still
#[derive(Args)]
pub(super) struct Stop {
    #[command(flatten)]
    named: Named,
}

/// Let a stopped agent go on
#[derive(Args)]
pub(super) struct Resume {
    #[command(flatten)]
    named: Named,
}

/// End every process of an agent. Records and pending evidence stay
#[derive(Args)]
pub(super) struct Kill {
    #[command(flatten)]
    named: Named,
}

#[derive(Args)]
struct Named {
    /// The agent's name; `expacti agents` lists them
    agent: String,
    #[command(flatten)]
    connect: Connect,
}

impl Stop {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        self.named.act("stop", "is stopped")
    }
}

impl Resume {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        self.named.act("resume", "goes on")
    }
}

impl Kill {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        self.named.act("kill", "is ended")
    }
}

impl Named {
    fn act(self, what: &str, done: &str) -> anyhow::Result<Ending> {
        let client = self.connect.client("cli")?;
        client.act("POST", &format!("/v1/agents/{}/{what}", segment(&self.agent)))?;
        writeln!(io::stdout().lock(), "agent {} {done}", plain(&self.agent))?;
        Ok(Ending::Done)
    }
}
