//! `expacti log show`: everything about one attempt.

use std::fmt::Write as _;
use std::io::{Write as _, stdout};

use clap::Args;
use expacti_agent::log::{Around, Branch};
use expacti_core::record::Attempt;
use expacti_core::untrusted::Untrusted;
use serde::Serialize;

use super::super::ending::Ending;
use super::super::json;
use super::super::style::Style;
use super::{Where, block_on, list, said};
use crate::wire::ContainerView;

/// Show everything about one attempt, what ran before it and what it started
#[derive(Args)]
pub(super) struct Show {
    /// Its id: 42 (newest life of the gate) or 3f2a9c1e-42
    id: String,
    #[command(flatten)]
    place: Where,
    /// How many earlier ones of the session
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=1000))]
    before: u32,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Everything<'a> {
    attempt: &'a Attempt,
    around: &'a Around,
}

impl Show {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        block_on(async {
            let reader = self.place.reader().await?;
            let id = reader.find(&self.id).await.map_err(said)?;
            let found = reader.attempt(id).await.map_err(said)?;
            let attempt =
                found.ok_or_else(|| anyhow::anyhow!("the beginning of attempt {} was pruned", self.id))?;
            let around = reader.around(&attempt, self.before).await.map_err(said)?;
            let text = if self.json {
                json::pretty(&Everything { attempt: &attempt, around: &around })? + "\n"
            } else {
                everything(Style::of_stdout(), &attempt, &around)
            };
            stdout().lock().write_all(text.as_bytes())?;
            Ok(Ending::Done)
        })
    }
}

/// Writing to a String cannot fail.
fn field(text: &mut String, name: &str, value: &str) {
    if !value.is_empty() {
        let _ = writeln!(text, "  {name:<12} {value}");
    }
}

fn everything(style: Style, attempt: &Attempt, around: &Around) -> String {
    let request = &attempt.attempted.request;
    let mut text = format!("{}\n\n", list::line(style, attempt));
    for (index, word) in request.argv.iter().enumerate() {
        field(&mut text, &format!("argv[{index}]"), &word.to_string());
    }
    let exe = format!("{} (dev {}, inode {})", request.exe.path, request.exe.dev, request.exe.ino);
    field(&mut text, "executable", &exe);
    field(&mut text, "sha256", request.exe.sha256.as_deref().unwrap_or("not known"));
    field(&mut text, "folder", &request.cwd.as_ref().map(ToString::to_string).unwrap_or_default());
    for (name, value) in &request.env {
        field(&mut text, "environment", &format!("{name}={value}"));
    }
    let process = format!(
        "{}, child of {}, user {} as {}",
        attempt.attempted.pid, attempt.attempted.ppid, request.credentials.uid, request.credentials.euid
    );
    field(&mut text, "process", &process);
    field(&mut text, "terminal", &request.tty.as_ref().map(ToString::to_string).unwrap_or_default());
    for parent in &request.lineage {
        let words: Vec<String> = parent.argv.iter().map(ToString::to_string).collect();
        field(&mut text, "below", &format!("{} {}: {}", parent.pid, parent.exe, words.join(" ")));
    }
    field(
        &mut text,
        "agent",
        &format!(
            "{} in {}",
            Untrusted::from(request.agent.name.as_str()),
            Untrusted::from(request.agent.cgroup.as_str())
        ),
    );
    if let Some(container) = &request.container {
        let shown = format!("{} {}", ContainerView::from(container), container.id);
        field(&mut text, "container", &Untrusted::from(shown).to_string());
        for (name, value) in &container.labels {
            field(&mut text, "label", &Untrusted::from(format!("{name}={value}")).to_string());
        }
    }
    if request.agent.late {
        field(&mut text, "gated", "later than its first exec: what it ran before is not in the log");
    }
    field(&mut text, "node", &attempt.node.to_string());
    field(
        &mut text,
        "record",
        &format!(
            "sequence {} of {}, position {} in the chain",
            attempt.sequence, attempt.boot, attempt.position
        ),
    );
    judgement(&mut text, attempt);
    if !around.before.is_empty() {
        text.push_str("\nbefore it in the session, newest first:\n");
        around.before.iter().for_each(|other| _ = writeln!(text, "  {}", list::line(style, other)));
    }
    if !around.started.is_empty() {
        text.push_str("\nwhat it started:\n");
        branches(style, &mut text, &around.started, 1);
    }
    if around.incomplete {
        text.push_str("  ... there may be more: too much ran meanwhile\n");
    }
    text
}

/// Why it was risky, who answered, how it was decided and how it ended.
fn judgement(text: &mut String, attempt: &Attempt) {
    let evaluation = &attempt.attempted.evaluation;
    for factor in &evaluation.factors {
        field(
            text,
            "risk",
            &format!("{:+} {}: {}", factor.points, factor.name, Untrusted::from(factor.because.as_str())),
        );
    }
    for masked in &attempt.attempted.masked {
        field(text, "masked", masked);
    }
    for vote in &attempt.votes {
        let answer = if vote.approve { "approved" } else { "denied" };
        let note = Untrusted::from(vote.note.as_str());
        field(
            text,
            "vote",
            &format!(
                "{} {answer} ({}) by {} at {} {note}",
                Untrusted::from(vote.reviewer.as_str()),
                vote.scope,
                vote.via,
                vote.time
            ),
        );
    }
    if let Some(verdict) = &attempt.verdict {
        let held = seconds(verdict.held);
        let shown = format!(
            "{} by {}, {held} after the attempt, rules {}, engine {}",
            attempt.state.name(),
            Untrusted::from(attempt.decided_by()),
            evaluation.rule_generation,
            attempt.attempted.engine
        );
        field(text, "decided", &shown);
        field(text, "because", &Untrusted::from(verdict.because.as_str()).to_string());
    }
    if let Some(exit) = &attempt.exit {
        let how = exit
            .code
            .map(|code| format!("code {code}"))
            .or_else(|| exit.signal.map(|signal| format!("signal {signal}")));
        field(text, "ended", &format!("{} after {}", how.unwrap_or_default(), seconds(exit.duration_us)));
    } else if attempt.started {
        field(text, "ended", "not yet, as far as the log knows");
    }
    for alarm in &attempt.alarms {
        field(text, "ALARM", &Untrusted::from(alarm.as_str()).to_string());
    }
}

fn branches(style: Style, text: &mut String, branches: &[Branch], depth: usize) {
    for branch in branches {
        let _ = writeln!(text, "{}{}", "  ".repeat(depth), list::line(style, &branch.attempt));
        self::branches(style, text, &branch.started, depth + 1);
    }
}

fn seconds(microseconds: u64) -> String {
    match microseconds {
        0..1_000 => format!("{microseconds} us"),
        1_000..1_000_000 => format!("{} ms", microseconds / 1000),
        _ => format!("{}.{} s", microseconds / 1_000_000, microseconds / 100_000 % 10),
    }
}
