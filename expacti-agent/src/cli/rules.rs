//! `expacti rules`: what can be done with rule files without a daemon, and rules that the exec log speaks for.

mod check;
mod list;
mod simulate;
mod suggest;
mod test;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use expacti_core::rules::{LoadError, Problem, Source};

use super::ending::{BadInput, Ending};
use super::rule_files;

/// Check, test, list and try out rules, and find those that are missing
#[derive(Args)]
pub(super) struct Rules {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Check(check::Check),
    Test(test::Test),
    List(list::List),
    Simulate(simulate::Simulate),
    Suggest(Box<suggest::Suggest>),
}

/// Rule files as arguments.
#[derive(Args)]
struct Files {
    /// Files of rules, or folders whose *.toml files are read
    #[arg(value_name = "FILE|FOLDER", required_unless_present = "starter")]
    files: Vec<PathBuf>,
    /// A starter set (read-only, build-and-test, git-daily, never-allow) or `all`; may be given again
    #[arg(long, value_name = "SET")]
    starter: Vec<String>,
}

impl Rules {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        match self.command {
            Command::Check(command) => command.run(),
            Command::Test(command) => command.run(),
            Command::List(command) => command.run(),
            Command::Simulate(command) => command.run(),
            Command::Suggest(command) => command.run(),
        }
    }
}

impl Files {
    fn sources(&self) -> anyhow::Result<Vec<Source>> {
        let mut sources = rule_files::read(&self.files)?;
        sources.extend(rule_files::starters(&self.starter)?);
        Ok(sources)
    }
}

/// Problems in files are bad input; standard error gets them all.
fn refused(error: &LoadError) -> anyhow::Error {
    let count = error.problems.len();
    let things = if count == 1 { "1 problem" } else { &format!("{count} problems") };
    BadInput(format!("{things}, so nothing would be loaded\n{error}")).into()
}

/// An example came out otherwise than it says.
fn is_about_an_example(problem: &Problem) -> bool {
    problem.key.contains("match[") && problem.what.contains("should")
}
