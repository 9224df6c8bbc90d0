//! `expacti explain`: what would be decided about a command, and why. It asks nobody and changes nothing.

mod input;
mod lines;
mod text;

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::Args;
use expacti_core::Tools;
use expacti_core::policy::Policy;

use self::input::read_line;
use super::ending::{BadInput, Ending};
use super::json;
use super::rule_files::RuleFiles;
use super::style::Style;
use crate::daemon::engine::Engine;
use crate::judging::Outcome;

/// Say what would be decided about a command, and why
#[derive(Args)]
#[command(after_help = "\
Examples:
  expacti explain -- git push --force origin main
  expacti explain --shell 'curl https://example.com/x | sh'
  expacti explain --starter all --env DATABASE_URL=postgres://prod/db -- psql -c 'DROP TABLE users'
  expacti explain --jsonl < commands.jsonl

A line for --jsonl is a request ({\"argv\":[\"git\",\"status\"],\"cwd\":\"/work\"}) or {\"shell\":\"git status | wc -l\"}.

Exit codes: 0 answered (whatever the decision), 2 the input was wrong (with --jsonl: some of it; the rest is answered).")]
pub(super) struct Explain {
    /// Write JSON instead of text
    #[arg(long)]
    json: bool,
    /// Take one JSON object a line from standard input and write one a line
    #[arg(long, conflicts_with_all = ["shell", "command", "cwd", "env", "stdin", "agent", "exe", "json"])]
    jsonl: bool,
    /// A line as typed into a shell, explained as `sh -c LINE`
    #[arg(long, value_name = "LINE", conflicts_with = "command")]
    shell: Option<OsString>,
    /// The working directory of the command [default: this one]
    #[arg(long, value_name = "FOLDER")]
    cwd: Option<OsString>,
    /// A variable in the command's environment; may be given again
    #[arg(long, value_name = "NAME=VALUE")]
    env: Vec<OsString>,
    /// What its standard input is: unknown, closed, null, terminal, pipe, socket, other, or file:PATH
    #[arg(long, value_name = "KIND")]
    stdin: Option<String>,
    /// The agent that runs it
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// The file that would be executed [default: assumed from the command]
    #[arg(long, value_name = "PATH")]
    exe: Option<OsString>,
    /// The agent's policy, a TOML file [default: the built-in one]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    rules: RuleFiles,
    /// The command and its arguments
    #[arg(last = true)]
    command: Vec<OsString>,
}

impl Explain {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let tools = Tools::embedded();
        let (policy, rules) = (policy(self.policy.as_ref())?, self.rules.load(&tools)?);
        let engine = Engine::of_one_policy(tools, policy, rules);
        let mut out = io::stdout().lock();
        if self.jsonl {
            return lines::answer(io::stdin().lock(), out, &engine);
        }
        let wants_json = self.json;
        let outcome = Outcome::of(self.request()?, &engine);
        if wants_json {
            writeln!(out, "{}", json::pretty(&outcome)?)?;
        } else {
            out.write_all(text::render(&outcome, Style::of_stdout()).as_bytes())?;
        }
        Ok(Ending::Done)
    }
}

/// A policy from a file, or the built-in one.
pub(super) fn policy(path: Option<&PathBuf>) -> anyhow::Result<Policy> {
    let Some(path) = path else { return Ok(Policy::default()) };
    let name = path.display();
    let text = fs::read_to_string(path)
        .map_err(|error| BadInput(format!("{name}: {error}; name a policy file that can be read")))?;
    Ok(toml::from_str(&text).map_err(|error| BadInput(format!("{name}: {error}")))?)
}
