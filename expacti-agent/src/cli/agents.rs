//! `expacti agents`: what is gated, and what is to be.

use std::io::{self, Write as _};

use clap::Args;

use super::connect::Connect;
use super::duration::in_words;
use super::ending::Ending;
use super::pending::plain;
use crate::clock::epoch_seconds;
use crate::wire::{AgentState, AgentView, ModeWord};

/// List what is gated and what is awaited: since when, how, what waits and what was run
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
    let mode = match agent.state {
        AgentState::Gated => mode.to_owned(),
        AgentState::Awaited => format!("{mode}, awaited"),
        AgentState::Gone => format!("{mode}, gone"),
    };
    let mode = if agent.stopped_by.is_some() { format!("{mode}, stopped") } else { mode };
    let mode = if agent.late { format!("{mode}, late") } else { mode };
    let place = match &agent.container {
        Some(container) => plain(&container.to_string()),
        None => plain(&agent.cgroup),
    };
    [
        plain(&agent.name),
        mode,
        plain(policy),
        match agent.state {
            AgentState::Gated => in_words(now.saturating_sub(agent.since) * 1_000),
            AgentState::Awaited | AgentState::Gone => "-".to_owned(),
        },
        agent.pending.to_string(),
        execs,
        denied,
        place,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Hold, Mode};
    use crate::operations::Standing;

    #[test]
    fn who_is_not_there_is_told_from_who_is_gated() {
        let standing = Standing {
            policy: "default".to_owned(),
            mode: Mode::Enforce,
            hold: Hold::Before,
            execs: 7,
            denied: 1,
        };
        let agent = |state| AgentView {
            name: "ci".to_owned(),
            state,
            cgroup: "/sys/fs/cgroup/ci".to_owned(),
            since: 100,
            pending: 0,
            late: false,
            container: None,
            stopped_by: None,
            standing: Some(standing.clone().into()),
        };
        let shown = |state| row(&agent(state), 142).join("|");
        assert_eq!(shown(AgentState::Gated), "ci|enforce|default|42s|0|7|1|/sys/fs/cgroup/ci");
        assert_eq!(shown(AgentState::Awaited), "ci|enforce, awaited|default|-|0|7|1|/sys/fs/cgroup/ci");
        assert_eq!(shown(AgentState::Gone), "ci|enforce, gone|default|-|0|7|1|/sys/fs/cgroup/ci");
    }
}
