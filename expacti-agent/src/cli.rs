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

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

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

/// Every subcommand, each with what its exit codes mean.
fn command() -> clap::Command {
    fn with_exit_codes(command: clap::Command) -> clap::Command {
        // Some have codes of their own.
        let has_own = command.get_after_help().is_some();
        let command = if has_own { command } else { command.after_help(EXIT_CODES) };
        command.mut_subcommands(with_exit_codes)
    }
    with_exit_codes(Cli::command())
}

/// Reads the arguments, runs the subcommand, and says on standard error what went wrong.
pub(crate) fn main() -> ExitCode {
    match Cli::from_arg_matches(&command().get_matches()) {
        Ok(Cli { command }) => ending::exit(command.run()),
        Err(error) => error.exit(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    /// Every line of the documentation that calls expacti is understood, also where it is not run by a test.
    #[test]
    fn what_the_documentation_says_is_understood() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut pages = vec![root.join("README.md"), root.join("deploy/kubernetes/README.md")];
        pages.extend(std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path()));
        let mut understood = 0;
        for page in pages.into_iter().filter(|page| page.is_file()) {
            let text = std::fs::read_to_string(&page).unwrap().replace("\\\n", " ");
            let blocks =
                text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
            for line in blocks.flat_map(str::lines) {
                let line = line.split(" # ").next().unwrap_or_default().trim();
                for command in line.split([';', '|', '>']) {
                    let command = command.trim().trim_start_matches("sudo ");
                    // In a pod.
                    let command = command
                        .rsplit_once(" exec daemonset/expacti -- ")
                        .map_or(command, |(_, inner)| inner);
                    if command != "expacti" && !command.starts_with("expacti ") {
                        continue;
                    }
                    let words = words(command);
                    let parsed = super::Cli::try_parse_from(&words);
                    assert!(parsed.is_ok(), "{}: {command}\n{}", page.display(), parsed.err().unwrap());
                    understood += 1;
                }
            }
        }
        assert!(understood > 40, "only {understood} lines were found");
    }

    /// Words between spaces; quotes keep them together.
    fn words(line: &str) -> Vec<String> {
        let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
        for c in line.chars() {
            match (c, quote) {
                ('"' | '\'', None) => quote = Some(c),
                (c, Some(open)) if c == open => quote = None,
                (' ', None) if word.is_empty() => {}
                (' ', None) => words.push(std::mem::take(&mut word)),
                (c, _) => word.push(c),
            }
        }
        words.extend((!word.is_empty()).then_some(word));
        words
    }

    #[test]
    fn the_options_do_not_contradict_each_other() {
        super::command().debug_assert();
    }
}
