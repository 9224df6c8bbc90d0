//! `expacti log checkpoint` and `expacti log bundle`: what an auditor takes along.

use std::fs::OpenOptions;
use std::io::{Write, stdout};
use std::path::{Path, PathBuf};

use clap::Args;
use expacti_agent::log::{Cursor, bundle};

use super::super::ending::{BadInput, Ending};
use super::{Where, Which, block_on, now, said};

/// Print one line that signs the log as it is now; keep it elsewhere and verify against it later
#[derive(Args)]
pub(super) struct Checkpoint {
    #[command(flatten)]
    place: Where,
}

impl Checkpoint {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        block_on(async {
            let reader = self.place.reader().await?;
            let mut out = stdout().lock();
            if let Some(home) = self.place.home() {
                let node = home.key().node();
                let missing = || anyhow::anyhow!("node {node} has no chain in this log yet");
                let head = reader.head(node).await.map_err(said)?.ok_or_else(missing)?;
                writeln!(out, "{}", home.key().checkpoint(&head, now()))?;
                return Ok(Ending::Done);
            }
            // Without the key: what the nodes signed last.
            let mut any = false;
            for node in reader.nodes().await.map_err(said)? {
                if let Some(checkpoint) = reader.checkpoint(node, None).await.map_err(said)? {
                    writeln!(out, "{checkpoint}")?;
                    any = true;
                }
            }
            anyhow::ensure!(any, "nothing is signed yet: the daemon signs within a minute");
            Ok(Ending::Done)
        })
    }
}

/// Put records, the rules in force and the proof of both into one file that `verify` accepts anywhere
#[derive(Args)]
pub(super) struct Bundle {
    /// Ids of attempts: 42 or 3f2a9c1e-42
    #[arg(required_unless_present = "session", value_name = "ID")]
    ids: Vec<String>,
    /// All attempts of this agent, limited by --since and --until
    #[arg(long, value_name = "AGENT", conflicts_with = "ids")]
    session: Option<String>,
    /// With --session: not earlier
    #[arg(long, value_name = "TIME", requires = "session")]
    since: Option<String>,
    /// With --session: earlier than this
    #[arg(long, value_name = "TIME", requires = "session")]
    until: Option<String>,
    #[command(flatten)]
    place: Where,
    /// Where to write it; standard output without
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Bundle {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        block_on(async {
            let reader = self.place.reader().await?;
            let (mut attempts, mut of) = (Vec::new(), format!("attempts {}", self.ids.join(", ")));
            for id in &self.ids {
                let id = reader.find(id).await.map_err(said)?;
                attempts.extend(reader.attempt(id).await.map_err(said)?);
            }
            if let Some(agent) = &self.session {
                let which = Which {
                    agent: Some(agent.clone()),
                    since: self.since.clone(),
                    until: self.until.clone(),
                    node: None,
                    level: None,
                    decision: None,
                    by: None,
                    exe: None,
                    cwd: None,
                    grep: None,
                    question: Vec::new(),
                };
                let (filter, mut at) = (which.filter()?, Cursor(0));
                let end = reader.newest().await.map_err(said)?;
                while at.0 < end.0 {
                    let (page, next) = reader.newer(&filter, at, 500).await.map_err(said)?;
                    attempts.extend(page);
                    at = next;
                }
                of = format!("session of {agent}");
            }
            anyhow::ensure!(!attempts.is_empty(), "no attempt fits");
            let home = self.place.home();
            let mut out = output(self.output.as_deref())?;
            bundle(&reader, &attempts, &of, home.as_ref().map(expacti_agent::log::Home::key), &mut *out)
                .await
                .map_err(said)?;
            Ok(Ending::Done)
        })
    }
}

/// A new file, or standard output. What exists is not written over.
pub(super) fn output(path: Option<&Path>) -> anyhow::Result<Box<dyn Write + Send>> {
    let Some(path) = path else { return Ok(Box::new(std::io::BufWriter::new(stdout()))) };
    let file = OpenOptions::new().create_new(true).write(true).open(path);
    let file = file.map_err(|error| BadInput(format!("{}: {error}", path.display())))?;
    Ok(Box::new(std::io::BufWriter::new(file)))
}
