//! The command line. One subcommand is one file in `cli/`; this one lists them and turns their ends into exit codes.

mod agent;
mod agents;
mod approve;
mod canary;
mod completions;
mod config;
mod connect;
mod daemon;
mod doctor;
mod duration;
mod ending;
mod enroll;
mod explain;
mod json;
mod json_lines;
mod log;
mod man;
mod metrics;
mod own;
mod pending;
mod reload;
mod review;
mod reviewer;
mod rule_files;
mod rules;
mod run;
mod show;
mod simulate;
mod style;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub(crate) use self::duration::in_words;
use self::ending::Ending;
pub(crate) use self::pending::cards as all_cards;
pub(crate) use self::rule_files::RuleFiles;
pub(crate) use self::show::stdin;

const EXIT_CODES: &str = "\
Exit codes:
  0  it was done, or the answer is yes
  1  the answer is no, or it failed; standard error says why
  2  the input was wrong (options, a rule file, a line of JSON); standard error says where and what to do";

/// A gate in the Linux kernel for AI coding agents.
#[derive(Parser)]
#[command(name = "expacti", version, after_help = EXIT_CODES, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Explain(Box<explain::Explain>),
    Rules(rules::Rules),
    Pending(pending::Pending),
    Show(show::Show),
    Approve(approve::Approve),
    Deny(approve::Deny),
    Run(run::Run),
    Enroll(enroll::Enroll),
    Withdraw(enroll::Withdraw),
    Agents(agents::Agents),
    Stop(agent::Stop),
    Resume(agent::Resume),
    Kill(agent::Kill),
    Review(review::Review),
    Reviewer(reviewer::Reviewer),
    Log(Box<log::Log>),
    Own(own::Own),
    Completions(completions::Completions),
    #[command(hide = true)]
    Canary(canary::Canary),
    #[command(hide = true)]
    Man(man::Man),
    #[command(hide = true)]
    Simulate(simulate::Simulate),
    Daemon(daemon::Daemon),
    Doctor(doctor::Doctor),
    Reload(reload::Reload),
    Metrics(metrics::Metrics),
    Config(config::Config),
}

impl Command {
    fn run(self) -> anyhow::Result<Ending> {
        match self {
            Self::Explain(command) => command.run(),
            Self::Rules(command) => command.run(),
            Self::Pending(command) => command.run(),
            Self::Show(command) => command.run(),
            Self::Approve(command) => command.run(),
            Self::Deny(command) => command.run(),
            Self::Run(command) => command.run(),
            Self::Enroll(command) => command.run(),
            Self::Withdraw(command) => command.run(),
            Self::Agents(command) => command.run(),
            Self::Stop(command) => command.run(),
            Self::Resume(command) => command.run(),
            Self::Kill(command) => command.run(),
            Self::Review(command) => command.run(),
            Self::Reviewer(command) => command.run(),
            Self::Log(command) => command.run(),
            Self::Own(command) => command.run(),
            Self::Completions(command) => command.run(),
            Self::Canary(command) => command.run(),
            Self::Man(command) => command.run(),
            Self::Simulate(command) => command.run(),
            Self::Daemon(command) => command.run(),
            Self::Doctor(command) => command.run(),
            Self::Reload(command) => command.run(),
            Self::Metrics(command) => command.run(),
            Self::Config(command) => command.run(),
        }
    }
}

/// The environment, as far as it is text.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// Reads the arguments, runs the subcommand, and says on standard error what went wrong.
pub(crate) fn main() -> ExitCode {
    ending::exit(Cli::parse().command.run())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_options_do_not_contradict_each_other() {
        super::Cli::command().debug_assert();
    }
}
