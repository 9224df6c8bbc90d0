//! `expacti log`: attempts, newest first; or as they come, with `--follow`.

use std::io::{Write as _, stdout};
use std::time::Duration;

use clap::Args;
use expacti_agent::log::export::{csv_head, csv_line};
use expacti_agent::log::{Cursor, Reader};
use expacti_core::record::Attempt;
use expacti_core::record::attempt::State;
use expacti_core::record::filter::Filter;
use serde::Serialize;

use super::super::ending::Ending;
use super::super::json;
use super::super::style::Style;
use super::{Where, Which, block_on, said};

/// How often the log is asked for what is new.
const PULSE: Duration = Duration::from_millis(250);

#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    place: Where,
    #[command(flatten)]
    which: Which,
    /// How many at most
    #[arg(long, short = 'n', default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Go on where a page ended: the number after "next"
    #[arg(long, value_name = "CURSOR", conflicts_with = "follow")]
    after: Option<i64>,
    /// Wait for more and show it as it comes
    #[arg(long, short)]
    follow: bool,
    /// One JSON object a line
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Comma-separated values with a head
    #[arg(long)]
    csv: bool,
}

/// The last line of a page of JSON, where there is more.
#[derive(Serialize)]
struct Next {
    next: Cursor,
}

impl List {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let filter = self.which.filter()?;
        block_on(async {
            let reader = self.place.reader().await?;
            let mut out = stdout().lock();
            if self.csv {
                write!(out, "{}\r\n", csv_head())?;
            }
            let from = reader.newest().await.map_err(said)?;
            let page = reader.query(&filter, self.after.map(Cursor), self.limit).await.map_err(said)?;
            // A follower reads downwards, as time goes.
            let order: Vec<&Attempt> = if self.follow {
                page.attempts.iter().rev().collect()
            } else {
                page.attempts.iter().collect()
            };
            for attempt in order {
                self.show(&mut out, attempt)?;
            }
            match page.next {
                Some(next) if !self.follow && self.json => writeln!(out, "{}", json::line(&Next { next })?)?,
                Some(next) if !self.follow && !self.csv => writeln!(out, "more: --after {}", next.0)?,
                _ => {}
            }
            out.flush()?;
            if self.follow {
                self.keep_on(&reader, &filter, from, &mut out).await?;
            }
            Ok(Ending::Done)
        })
    }

    async fn keep_on(
        &self,
        reader: &Reader,
        filter: &Filter,
        mut at: Cursor,
        out: &mut impl std::io::Write,
    ) -> anyhow::Result<()> {
        // Names that are not known yet may come to be, so the question is asked anew each time.
        loop {
            let (attempts, next) = reader.newer(filter, at, 500).await.map_err(said)?;
            for attempt in &attempts {
                self.show(out, attempt)?;
            }
            if next == at {
                out.flush()?;
                tokio::time::sleep(PULSE).await;
            }
            at = next;
        }
    }

    fn show(&self, out: &mut impl std::io::Write, attempt: &Attempt) -> anyhow::Result<()> {
        if self.json {
            writeln!(out, "{}", json::line(attempt)?)?;
        } else if self.csv {
            write!(out, "{}\r\n", csv_line(attempt))?;
        } else {
            writeln!(out, "{}", line(Style::of_stdout(), attempt))?;
        }
        Ok(())
    }
}

/// One attempt on one line: when, which, how risky, how it ended, whose, what.
pub(super) fn line(style: Style, attempt: &Attempt) -> String {
    let evaluation = &attempt.attempted.evaluation;
    let time = attempt.time.get(..19).unwrap_or(&attempt.time).replace('T', " ");
    let risk = style
        .level(evaluation.level, &format!("{:>3} {:<8}", evaluation.score, evaluation.level.to_string()));
    let agent = expacti_core::untrusted::Untrusted::from(attempt.attempted.request.agent.name.as_str());
    let by = expacti_core::untrusted::Untrusted::from(attempt.decided_by());
    let ended = format!("{:<9} {by:<12}", state(style, attempt.state), by = by.to_string());
    format!(
        "{} {:<14} {risk} {ended} {:<10} {}",
        style.dim(&time),
        attempt.id,
        agent.to_string(),
        attempt.command()
    )
}

/// How it ended, in colour.
pub(super) fn state(style: Style, state: State) -> String {
    use expacti_core::evaluation::Decision;
    let text = format!("{:<9}", state.name());
    match state {
        State::Allowed => style.decision(Decision::Allow, &text),
        State::Denied => style.decision(Decision::Deny, &text),
        State::Pending => style.decision(Decision::Hold, &text),
        State::Withdrawn => style.dim(&text),
    }
}
