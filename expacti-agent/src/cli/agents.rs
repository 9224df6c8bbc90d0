//! `expacti agents`: what is gated.

use std::io::{self, Write as _};

use clap::Args;

use super::connect::Connect;
use super::duration::in_words;
use super::ending::Ending;
use super::pending::plain;
use crate::clock::epoch_seconds;
use crate::wire::{AgentView, ModeWord};

/// List what is gated: since when, how, what waits and what was run
#[derive(Args)]
pub(super) struct Agents {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: Connect,
}

impl Agents {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let agents: Vec<AgentView> = self.connect.client("cli")?.get("/v1/agents")?;
        let mut out = io::stdout().lock();
        if self.json {
            for agent in agents {
                writeln!(out, "{}", serde_json::to_string(&agent)?)?;
            }
            return Ok(Ending::Done);
        }
        if agents.is_empty() {
            writeln!(
                out,
                "no agent is gated; `expacti run -- COMMAND` starts one, `expacti enroll` gates what runs"
            )?;
            return Ok(Ending::Done);
        }
        let now = epoch_seconds();
        let rows: Vec<[String; 8]> = agents.iter().map(|agent| row(agent, now)).collect();
        let head = ["AGENT", "MODE", "POLICY", "GATED FOR", "PENDING", "EXECS", "DENIED", "WHERE"]
            .map(str::to_owned);
        let width = |column: usize| {
            rows.iter().chain([&head]).map(|row| row[column].chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..7).map(width).collect();
        for row in [&head].into_iter().chain(&rows) {
            for (cell, width) in row.iter().zip(&widths) {
                write!(out, "{cell:<width$}  ")?;
            }
            writeln!(out, "{}", row[7])?;
        }
        Ok(Ending::Done)
    }
}

fn row(agent: &AgentView, now: u64) -> [String; 8] {
    let (mode, policy, execs, denied) = match &agent.standing {
        Some(standing) => {
            let mode = match standing.mode {
                ModeWord::Observe => "observe",
                ModeWord::Shadow => "shadow",
                ModeWord::Enforce => "enforce",
            };
            (mode, standing.policy.as_str(), standing.execs.to_string(), standing.denied.to_string())
        }
        None => ("", "", String::new(), String::new()),
    };
    let mode = if agent.stopped_by.is_some() { format!("{mode}, stopped") } else { mode.to_owned() };
    let mode = if agent.late { format!("{mode}, late") } else { mode };
    let place = match &agent.container {
        Some(container) => plain(&container.to_string()),
        None => plain(&agent.cgroup),
    };
    [
        plain(&agent.name),
        mode,
        plain(policy),
        in_words(now.saturating_sub(agent.since) * 1_000),
        agent.pending.to_string(),
        execs,
        denied,
        place,
    ]
}
