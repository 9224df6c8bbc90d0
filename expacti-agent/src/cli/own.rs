//! `expacti own`: for agents, from inside: what became of their own commands.

use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::Args;

use super::duration::in_words;
use super::ending::Ending;
use super::pending::plain;
use crate::api::OWN_SOCKET;
use crate::client::Client;
use crate::wire::{Claim, OwnTickets};

/// For an agent: what became of your own commands
#[derive(Args)]
pub(super) struct Own {
    /// Say what you are doing. Reviewers see it as your claim
    #[arg(long, value_name = "TEXT")]
    claim: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// The agents' socket
    #[arg(long, value_name = "PATH", default_value = OWN_SOCKET, env = "EXPACTI_OWN_SOCKET", hide_env_values = true)]
    socket: PathBuf,
}

impl Own {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let client = Client::new(&self.socket, None, "cli");
        if let Some(text) = self.claim {
            client.put("/v1/own/claim", &Claim { text })?;
            return Ok(Ending::Done);
        }
        let own: OwnTickets = client.get("/v1/own/tickets")?;
        let mut out = io::stdout().lock();
        if self.json {
            writeln!(out, "{}", serde_json::to_string(&own)?)?;
            return Ok(Ending::Done);
        }
        if own.stopped {
            writeln!(out, "this agent is stopped by a human")?;
        }
        for ticket in &own.ended {
            writeln!(
                out,
                "ticket {}: {}",
                ticket.ticket,
                plain(ticket.outcome.as_deref().unwrap_or_default())
            )?;
        }
        for card in &own.pending {
            writeln!(
                out,
                "ticket {}: pending, {} left: {}",
                card.ticket,
                in_words(card.remaining_ms),
                card.command
            )?;
        }
        Ok(Ending::Done)
    }
}
