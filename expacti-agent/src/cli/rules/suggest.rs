//! `expacti rules suggest`: rules that the exec log speaks for, accepted one by one.

use std::io::{self, BufRead as _, IsTerminal as _, Write};
use std::path::PathBuf;

use clap::Args;
use expacti_agent::log::Reader;
use expacti_core::Tools;

use crate::cli::connect::Connect;
use crate::cli::ending::{BadInput, Ending};
use crate::cli::explain::policy;
use crate::cli::json;
use crate::cli::log::{block_on, now, said};
use crate::cli::pending::plain;
use crate::cli::rule_files::RuleFiles;
use crate::client::{Client, segment};
use crate::daemon::engine::Engine;
use crate::suggestions::{look_back, part_of_the_past};
use crate::wire::{Acceptance, AcceptedView, SuggestedCommand, SuggestionPage, SuggestionView};

/// Propose rules out of what ran and was approved, and keep those that you accept
#[derive(Args)]
#[command(after_help = "\
Examples:
  expacti rules suggest                              # on a terminal: asks about each
  expacti rules suggest agent:claude since:7d
  expacti rules suggest --accept seen-npm-run-1a2b3c4d5e6f7081
  expacti rules suggest --exec-log /var/lib/expacti/log.db --starter all > proposed.toml

Each comes with how often it would have matched, with what lies beside it and is not taken, and with what somebody
refused and it would take. What is accepted is kept with the rules that \"always\" made, and is in force at once.

Exit codes: 0 done, 1 something that was to be accepted is not suggested, 2 the input was wrong.")]
pub(super) struct Suggest {
    /// Accept this one: its name, or its number in the list that the same question gives now; may be given again
    #[arg(long, value_name = "NAME|N", conflicts_with = "exec_log")]
    accept: Vec<String>,
    /// What was seen less often is not worth a rule
    #[arg(long, value_name = "N", default_value_t = Acceptance::at_least())]
    at_least: u64,
    /// One JSON object for all of it; nobody is asked
    #[arg(long)]
    json: bool,
    /// Ask no daemon: read this exec log, with the rules given here, and print only
    #[arg(long, value_name = "PLACE", num_args = 0..=1, default_missing_value = "/var/lib/expacti/log.db")]
    exec_log: Option<String>,
    #[command(flatten)]
    rules: RuleFiles,
    /// With --exec-log, the agents' policy, a TOML file [default: the built-in one]
    #[arg(long, value_name = "FILE", requires = "exec_log")]
    policy: Option<PathBuf>,
    /// Which part of the past: agent:claude since:7d exe:git cwd:/work [default: the last 30 days]
    #[arg(value_name = "QUESTION")]
    question: Vec<String>,
    #[command(flatten)]
    connect: Connect,
}

impl Suggest {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        if let Some(place) = self.exec_log.clone() {
            let page = block_on(self.without_daemon(&place))?;
            self.show(&page)?;
            return Ok(Ending::Done);
        }
        if self.rules.clone().into_named().is_some() {
            let what = "--rules and --starter go with --exec-log; a daemon has its own rules";
            return Err(BadInput(what.to_owned()).into());
        }
        let client = self.connect.client("cli")?;
        let question = self.question.join(" ");
        let page: SuggestionPage = client.get(&format!(
            "/v1/rules/suggestions?q={}&at_least={}",
            segment(&question),
            self.at_least
        ))?;
        let taken = Taking { client, at: Acceptance { q: question, at_least: self.at_least } };
        if !self.accept.is_empty() {
            return self.accept(&page, &taken);
        }
        if self.json || !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            self.show(&page)?;
            return Ok(Ending::Done);
        }
        ask(&page, &taken)
    }

    async fn without_daemon(&self, place: &str) -> anyhow::Result<SuggestionPage> {
        let filter = part_of_the_past(&self.question.join(" "), now()).map_err(BadInput)?;
        let tools = Tools::embedded();
        let (policy, rules) = (policy(self.policy.as_ref())?, self.rules.load(&tools)?);
        let engine = Engine::of_one_policy(tools, policy, rules);
        let reader = Reader::open(&place.parse().map_err(said)?).await.map_err(said)?;
        let looked = look_back(&reader, &filter).await.map_err(said)?;
        Ok(looked.page(&engine, self.at_least))
    }

    fn show(&self, page: &SuggestionPage) -> anyhow::Result<()> {
        let mut out = io::stdout().lock();
        if self.json {
            writeln!(out, "{}", json::pretty(page)?)?;
            return Ok(());
        }
        for (number, suggestion) in (1..).zip(&page.suggestions) {
            write_one(&mut out, number, suggestion)?;
        }
        summary(&mut out, page)?;
        Ok(())
    }

    fn accept(&self, page: &SuggestionPage, taking: &Taking) -> anyhow::Result<Ending> {
        let mut out = io::stdout().lock();
        let mut ending = Ending::Done;
        for wanted in &self.accept {
            let by_number = || page.suggestions.get(wanted.parse::<usize>().ok()?.checked_sub(1)?);
            let found = page.suggestions.iter().find(|one| one.name == *wanted).or_else(by_number);
            if let Some(one) = found {
                taking.accept(one, self.json, &mut out)?;
            } else {
                writeln!(io::stderr(), "expacti: {wanted:?} is not suggested; nothing was kept of it")?;
                ending = Ending::No;
            }
        }
        Ok(ending)
    }
}

/// How one is accepted.
struct Taking {
    client: Client,
    at: Acceptance,
}

impl Taking {
    fn accept(&self, one: &SuggestionView, json: bool, out: &mut impl Write) -> anyhow::Result<()> {
        let path = format!("/v1/rules/suggestions/{}/accept", segment(&one.name));
        let accepted: AcceptedView = self.client.post(&path, &self.at)?;
        if json {
            writeln!(out, "{}", json::line(&accepted)?)?;
        } else {
            writeln!(out, "{} is in force (generation {})", plain(&accepted.name), accepted.generation)?;
        }
        Ok(())
    }
}

/// One after the other.
fn ask(page: &SuggestionPage, taking: &Taking) -> anyhow::Result<Ending> {
    let mut out = io::stdout().lock();
    let mut answers = io::stdin().lock();
    for (number, suggestion) in (1..).zip(&page.suggestions) {
        write_one(&mut out, number, suggestion)?;
        loop {
            write!(out, "Keep this rule? [y]es, [n]o, [q]uit: ")?;
            out.flush()?;
            let mut answer = String::new();
            if answers.read_line(&mut answer)? == 0 {
                writeln!(out)?;
                return Ok(Ending::Done);
            }
            match answer.trim() {
                "y" | "yes" => taking.accept(suggestion, false, &mut out)?,
                "n" | "no" | "" => {}
                "q" | "quit" => return Ok(Ending::Done),
                _ => continue,
            }
            break;
        }
        writeln!(out)?;
    }
    summary(&mut out, page)?;
    Ok(Ending::Done)
}

/// The rule, and as comments what speaks for and against it: what is printed can be kept as a file.
fn write_one(out: &mut impl Write, number: usize, one: &SuggestionView) -> io::Result<()> {
    writeln!(out, "# {number}. {}", plain(&one.pattern))?;
    writeln!(
        out,
        "# ran {} times, approved by humans {}; alone it saves {} questions; up to score {}",
        one.matched, one.approved, one.saves, one.score
    )?;
    for (what, commands) in [
        ("it takes", &one.examples),
        ("beside it, not taken", &one.beside),
        ("REFUSED, and it takes it", &one.refused),
    ] {
        for SuggestedCommand { id, command, became, .. } in commands {
            writeln!(out, "#   {what}: {} ({}, {})", plain(command), plain(became), plain(id))?;
        }
    }
    for line in one.text.lines() {
        writeln!(out, "{}", plain(line))?;
    }
    writeln!(out)
}

fn summary(out: &mut impl Write, page: &SuggestionPage) -> io::Result<()> {
    let more = if page.more { " (there are older ones)" } else { "" };
    writeln!(
        out,
        "# {} attempts looked at{more}; {} of them would wait for a human now, {} with all of these accepted",
        page.looked_at,
        page.asked,
        page.asked.saturating_sub(page.saved)
    )
}
