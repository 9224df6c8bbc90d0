//! `expacti config`: the configuration, what is in it and what is wrong with it.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use expacti_core::Tools;

use super::ending::{BadInput, Ending};
use crate::config;
use crate::daemon::rules_of;

/// Look at the configuration
#[derive(Args)]
pub(super) struct Config {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print the file with every setting, its default and what it means
    Default,
    /// Say what is wrong in a file, and in the rule files that it names
    #[command(
        after_help = "Exit codes: 0 the daemon would take it, 2 it would not; standard error says why, one line each."
    )]
    Check {
        /// The file [default: /etc/expacti/expacti.toml, where it is there]
        file: Option<PathBuf>,
    },
}

impl Config {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        match self.command {
            Command::Default => write!(io::stdout().lock(), "{}", config::DEFAULT)?,
            Command::Check { file } => check(file.as_deref())?,
        }
        Ok(Ending::Done)
    }
}

fn check(file: Option<&Path>) -> anyhow::Result<()> {
    let read = match config::Config::load(file, super::environment()) {
        Ok(read) => read,
        Err(config::Mistakes(lines)) => {
            // Alone on their lines, so that editors find their way.
            let (last, before) =
                lines.split_last().map_or(("", &[][..]), |(last, before)| (last.as_str(), before));
            for line in before {
                writeln!(io::stderr().lock(), "{line}")?;
            }
            return Err(super::ending::Said(last.to_owned()).into());
        }
    };
    let loaded = rules_of(&read.rules, None, &Tools::embedded(), 1)?;
    read.log.for_home(&read.home).map_err(BadInput)?;
    let name = file.unwrap_or(Path::new(config::FILE));
    let said = format!(
        "{}: it is right: {} agents, {} policies, {} rules",
        if file.is_none() && !name.exists() { Path::new("the defaults") } else { name }.display(),
        read.agents.len(),
        read.policies.len(),
        loaded.rules.rules().len()
    );
    writeln!(io::stdout().lock(), "{said}")?;
    Ok(())
}
