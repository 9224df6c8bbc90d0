//! `expacti log`: look things up, prove the log, take it elsewhere.

mod evidence;
mod export;
mod list;
mod prune;
mod push;
mod show;
mod stats;
mod verify;

use std::future::Future;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use expacti_agent::log::{Home, LogError, Place, Reader};
use expacti_core::record::filter::{BadFilter, Filter};

use super::ending::{BadInput, Ending};

/// Search, prove and export the record of every exec
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Log {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    list: list::List,
}

#[derive(Subcommand)]
enum Command {
    Show(show::Show),
    Stats(stats::Stats),
    Verify(verify::Verify),
    Checkpoint(evidence::Checkpoint),
    Export(export::Export),
    Bundle(evidence::Bundle),
    Prune(prune::Prune),
}

/// Where the log is.
#[derive(Args)]
struct Where {
    /// The log: a path of SQLite or postgres://USER@HOST/DATABASE
    #[arg(
        long,
        value_name = "PLACE",
        env = "EXPACTI_LOG",
        hide_env_values = true,
        default_value = "/var/lib/expacti/log.db"
    )]
    log: String,
    /// The node's own folder, with its key
    #[arg(long, value_name = "FOLDER", env = "EXPACTI_HOME", default_value = "/var/lib/expacti")]
    home: PathBuf,
}

/// Which attempts.
#[derive(Args)]
struct Which {
    /// Of this agent
    #[arg(long)]
    agent: Option<String>,
    /// On the node of this name
    #[arg(long)]
    node: Option<String>,
    /// Not earlier: an age such as 2h, a day, or a time
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Earlier than this
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// At least this risky: low, medium, high, critical
    #[arg(long)]
    level: Option<String>,
    /// How it ended: allowed, denied, held, pending, withdrawn, timeout
    #[arg(long)]
    decision: Option<String>,
    /// A reviewer who voted, or what decided: rule:NAME, cache, timeout, ...
    #[arg(long, value_name = "WHO")]
    by: Option<String>,
    /// The program: its name, or its path
    #[arg(long, value_name = "PROGRAM")]
    exe: Option<String>,
    /// Run in this folder or below
    #[arg(long, value_name = "FOLDER")]
    cwd: Option<String>,
    /// These words in a row in the command; the last may be the beginning of one
    #[arg(long, value_name = "TEXT")]
    grep: Option<String>,
    /// The same as a question: agent:claude level:high since:2h "drop table"
    #[arg(value_name = "QUESTION")]
    question: Vec<String>,
}

impl Log {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        match self.command {
            None => self.list.run(),
            Some(Command::Show(command)) => command.run(),
            Some(Command::Stats(command)) => command.run(),
            Some(Command::Verify(command)) => command.run(),
            Some(Command::Checkpoint(command)) => command.run(),
            Some(Command::Export(command)) => command.run(),
            Some(Command::Bundle(command)) => command.run(),
            Some(Command::Prune(command)) => command.run(),
        }
    }
}

impl Where {
    async fn reader(&self) -> anyhow::Result<Reader> {
        let place: Place = self.log.parse().map_err(said)?;
        Reader::open(&place).await.map_err(said)
    }

    /// The node's folder, where this user may look into it.
    fn home(&self) -> Option<Home> {
        Home::look(&self.home).ok()
    }
}

impl Which {
    fn filter(&self) -> anyhow::Result<Filter> {
        let now = now();
        let bad = |error: BadFilter| anyhow::Error::from(BadInput(error.to_string()));
        let mut filter = Filter::parse(&self.question.join(" "), now).map_err(bad)?;
        let given = [
            ("agent", &self.agent),
            ("node", &self.node),
            ("since", &self.since),
            ("until", &self.until),
            ("level", &self.level),
            ("decision", &self.decision),
            ("by", &self.by),
            ("exe", &self.exe),
            ("cwd", &self.cwd),
            ("grep", &self.grep),
        ];
        for (field, value) in given {
            if let Some(value) = value {
                filter.set(field, value, now).map_err(bad)?;
            }
        }
        filter.check().map_err(bad)?;
        Ok(filter)
    }
}

pub(super) fn now() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

/// What the user can mend is bad input; the rest failed.
pub(super) fn said(error: LogError) -> anyhow::Error {
    match error {
        LogError::BadInput(_) | LogError::Absent(_) | LogError::Newer { .. } | LogError::Foreign { .. } => {
            BadInput(error.to_string()).into()
        }
        LogError::Database(_)
        | LogError::Slow(_)
        | LogError::File { .. }
        | LogError::Entry { .. }
        | LogError::NotFound(_)
        | LogError::Io(_) => error.into(),
    }
}

/// Runs what waits for a database.
pub(super) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}
