//! `expacti rules simulate`: what would have been decided otherwise, had these rules been in force.

mod past;

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::Args;
use expacti_core::Tools;
use expacti_core::evaluation::{DecidedBy, Decision};
use expacti_core::request::ExecRequest;
use expacti_core::rules::quoted;
use expacti_core::untrusted::Untrusted;
use serde::Serialize;

use self::past::{Past, Place};
use crate::cli::ending::Ending;
use crate::cli::explain::policy;
use crate::cli::json;
use crate::cli::json_lines::BadLine;
use crate::cli::rule_files::RuleFiles;
use crate::daemon::engine::Engine;
use crate::judging::Outcome;

/// Say what would have been decided otherwise, had these rules been in force
#[derive(Args)]
#[command(after_help = "\
Examples:
  expacti rules simulate --rules new.toml --exec-log
  expacti rules simulate --rules new.toml --exec-log /var/lib/expacti/log.db agent:claude since:7d
  expacti rules simulate --starter all --log past.jsonl

A line of a file is {\"request\": {...}, \"decision\": \"allow\"|\"hold\"|\"deny\"}; other keys are passed over. The exec log is
read, never written. What was decided is what the engine said then, before humans answered. Secrets are masked in the
log, so a rule about a secret's value cannot be tried out on it.

Exit codes: 0 nothing would have been otherwise, 1 something would, 2 the input was wrong (what is right is compared).")]
pub(super) struct Simulate {
    #[command(flatten)]
    rules: RuleFiles,
    /// The agent's policy, a TOML file [default: the built-in one]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The past as JSON lines [default: standard input]
    #[arg(long, value_name = "FILE", conflicts_with = "exec_log")]
    log: Option<PathBuf>,
    /// The past from the exec log: a path of SQLite or postgres://USER@HOST/DATABASE
    #[arg(long, value_name = "PLACE", num_args = 0..=1, default_missing_value = "/var/lib/expacti/log.db")]
    exec_log: Option<String>,
    /// Write one JSON object a line instead of text
    #[arg(long)]
    json: bool,
    /// With --exec-log, which attempts: agent:claude level:high since:2h "drop table"
    #[arg(value_name = "QUESTION", requires = "exec_log")]
    question: Vec<String>,
}

/// One difference.
#[derive(Serialize)]
struct Change {
    #[serde(flatten)]
    place: Place,
    was: Decision,
    would_be: Decision,
    decided_by: DecidedBy,
    request: ExecRequest,
}

/// What came of all comparisons.
#[derive(Default)]
struct Tally {
    pairs: BTreeMap<(Decision, Decision), usize>,
    bad: usize,
}

impl Simulate {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let tools = Tools::embedded();
        let (policy, rules) = (policy(self.policy.as_ref())?, self.rules.load(&tools)?);
        let engine = Engine::of_one_policy(tools, policy, rules);
        let mut out = BufWriter::new(io::stdout().lock());
        let mut tally = Tally::default();
        past::each(self.log.as_ref(), self.exec_log.as_deref(), &self.question, |past| {
            self.compare(past, &engine, &mut tally, &mut out)
        })?;
        if !self.json {
            summary(&mut out, &tally)?;
        }
        out.flush()?;
        let changed = tally.pairs.keys().any(|(was, would_be)| was != would_be);
        Ok(match (tally.bad, changed) {
            (0, false) => Ending::Done,
            (0, true) => Ending::No,
            (_, _) => Ending::SomeBadInput,
        })
    }

    fn compare(
        &self,
        past: Result<Past, BadLine>,
        engine: &Engine,
        tally: &mut Tally,
        out: &mut impl Write,
    ) -> anyhow::Result<()> {
        let past = match past {
            Ok(past) => past,
            Err(bad) => {
                tally.bad += 1;
                return Ok(writeln!(out, "{}", json::line(&bad)?)?);
            }
        };
        let outcome = Outcome::of(past.request, engine);
        let would_be = outcome.evaluation.decision;
        *tally.pairs.entry((past.decision, would_be)).or_default() += 1;
        if would_be == past.decision {
            return Ok(());
        }
        let decided_by = outcome.evaluation.decided_by;
        let change =
            Change { place: past.place, was: past.decision, would_be, decided_by, request: outcome.request };
        self.show(out, &change)
    }

    fn show(&self, out: &mut impl Write, change: &Change) -> anyhow::Result<()> {
        if self.json {
            return Ok(writeln!(out, "{}", json::line(change)?)?);
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
        writeln!(out, "{:>6}: {was:>5} -> {would_be:<5} ({by})  {argv}", change.place.to_string())?;
        Ok(())
    }
}

fn summary(out: &mut impl Write, tally: &Tally) -> io::Result<()> {
    let total: usize = tally.pairs.values().sum();
    let differs = |(was, would_be): &(Decision, Decision)| was != would_be;
    let same: usize = tally.pairs.iter().filter(|(pair, _)| !differs(pair)).map(|(_, count)| count).sum();
    writeln!(out, "{total} execs, {same} decided alike")?;
    for ((was, would_be), count) in tally.pairs.iter().filter(|(pair, _)| differs(pair)) {
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
