//! `expacti rules simulate`: what would have been decided otherwise, had these rules been in force.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::PathBuf;

use clap::Args;
use expacti_core::Tools;
use expacti_core::evaluation::{DecidedBy, Decision};
use expacti_core::policy::Policy;
use expacti_core::request::ExecRequest;
use expacti_core::rules::quoted;
use expacti_core::untrusted::Untrusted;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cli::ending::{BadInput, Ending};
use crate::cli::json;
use crate::cli::rule_files::RuleFiles;
use crate::daemon::engine::Engine;
use crate::judging::{Outcome, request_of};

/// Say what would have been decided otherwise, had these rules been in force
#[derive(Args)]
#[command(after_help = "\
A line of the log is {\"request\": {...}, \"decision\": \"allow\"|\"hold\"|\"deny\"}; other keys are passed over.

Exit codes: 0 nothing would have been otherwise, 1 something would, 2 the input was wrong (what is right is compared).")]
pub(super) struct Simulate {
    #[command(flatten)]
    rules: RuleFiles,
    /// The past as JSON lines [default: standard input]
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Write one JSON object a line instead of text
    #[arg(long)]
    json: bool,
}

/// One line of the past.
#[derive(Deserialize)]
struct Past {
    request: Value,
    decision: Decision,
}

/// One difference.
#[derive(Serialize)]
struct Change {
    line: usize,
    was: Decision,
    would_be: Decision,
    decided_by: DecidedBy,
    request: ExecRequest,
}

#[derive(Serialize)]
struct BadLine {
    line: usize,
    error: String,
}

impl Simulate {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let tools = Tools::embedded();
        let rules = self.rules.load(&tools)?;
        let engine = Engine::of_one_policy(tools, Policy::default(), rules);
        let mut input: Box<dyn BufRead> = match &self.log {
            None => Box::new(io::stdin().lock()),
            Some(path) => Box::new(BufReader::new(File::open(path).map_err(|error| {
                BadInput(format!("{}: {error}; name a log that can be read", path.display()))
            })?)),
        };
        let mut out = BufWriter::new(io::stdout().lock());
        let mut tally: BTreeMap<(Decision, Decision), usize> = BTreeMap::new();
        let mut bad = 0;
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            if input.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            match compare(&line, number, &engine) {
                Ok((kind, change)) => {
                    *tally.entry(kind).or_default() += 1;
                    if let Some(change) = change {
                        self.show(&mut out, &change)?;
                    }
                }
                Err(error) => {
                    bad += 1;
                    writeln!(out, "{}", json::line(&BadLine { line: number, error })?)?;
                }
            }
        }
        if !self.json {
            summary(&mut out, &tally)?;
        }
        out.flush()?;
        let changed = tally.keys().any(|(was, would_be)| was != would_be);
        Ok(match (bad, changed) {
            (0, false) => Ending::Done,
            (0, true) => Ending::No,
            (_, _) => Ending::SomeBadInput,
        })
    }

    fn show(&self, out: &mut impl Write, change: &Change) -> anyhow::Result<()> {
        if self.json {
            writeln!(out, "{}", json::line(change)?)?;
            return Ok(());
        }
        let argv = Untrusted::from(quoted(change.request.argv.iter().map(Untrusted::as_bytes)));
        let by = match &change.decided_by {
            DecidedBy::Rule { name, .. } => format!("rule {name}"),
            DecidedBy::Anomaly => "anomaly".to_owned(),
            DecidedBy::Grant { ticket } => format!("grant {ticket}"),
            DecidedBy::Threshold => "score".to_owned(),
            DecidedBy::Incomplete => "gaps".to_owned(),
        };
        let (was, would_be) = (word(change.was), word(change.would_be));
        writeln!(out, "{:>6}: {was:>5} -> {would_be:<5} ({by})  {argv}", change.line)?;
        Ok(())
    }
}

fn compare(
    line: &[u8],
    number: usize,
    engine: &Engine,
) -> Result<((Decision, Decision), Option<Change>), String> {
    let past: Past = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let request = request_of(past.request)?;
    let outcome = Outcome::of(request, engine);
    let would_be = outcome.evaluation.decision;
    let change = (would_be != past.decision).then_some(Change {
        line: number,
        was: past.decision,
        would_be,
        decided_by: outcome.evaluation.decided_by,
        request: outcome.request,
    });
    Ok(((past.decision, would_be), change))
}

fn summary(out: &mut impl Write, tally: &BTreeMap<(Decision, Decision), usize>) -> io::Result<()> {
    let total: usize = tally.values().sum();
    let same: usize = tally.iter().filter(|((was, would_be), _)| was == would_be).map(|(_, n)| n).sum();
    writeln!(out, "{total} execs, {same} decided alike")?;
    for ((was, would_be), count) in tally.iter().filter(|((was, would_be), _)| was != would_be) {
        writeln!(out, "{count:>6}  {} -> {}", word(*was), word(*would_be))?;
    }
    Ok(())
}

fn word(decision: Decision) -> &'static str {
    match decision {
        Decision::Allow => "allow",
        Decision::Hold => "hold",
        Decision::Deny => "deny",
    }
}
