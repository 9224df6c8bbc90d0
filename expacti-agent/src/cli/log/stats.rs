//! `expacti log stats`.

use std::io::{Write as _, stdout};

use clap::Args;
use expacti_core::untrusted::Untrusted;

use super::super::ending::Ending;
use super::super::json;
use super::{Where, Which, block_on, said};

/// Count by agent and day, and say how much needed a human
#[derive(Args)]
pub(super) struct Stats {
    #[command(flatten)]
    place: Where,
    #[command(flatten)]
    which: Which,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Stats {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let filter = self.which.filter()?;
        block_on(async {
            let stats = self.place.reader().await?.stats(&filter).await.map_err(said)?;
            let mut out = stdout().lock();
            if self.json {
                writeln!(out, "{}", json::pretty(&stats)?)?;
                return Ok(Ending::Done);
            }
            writeln!(
                out,
                "{} decided: {} allowed, {} denied, {} withdrawn",
                stats.total, stats.allowed, stats.denied, stats.withdrawn
            )?;
            writeln!(out, "{}% of the allowed ones needed no human", stats.allowed_without_a_human_percent)?;
            let reviews = &stats.reviews;
            if reviews.count > 0 {
                writeln!(
                    out,
                    "{} reviews: half within {:.1} s, nine of ten within {:.1} s, the longest {:.1} s",
                    reviews.count, reviews.p50, reviews.p90, reviews.max
                )?;
            }
            writeln!(
                out,
                "\n{:<10}  {:<20} {:>9} {:>9} {:>9}",
                "day", "agent", "allowed", "denied", "reviewed"
            )?;
            for day in &stats.days {
                let agent = Untrusted::from(day.agent.as_str()).to_string();
                writeln!(
                    out,
                    "{:<10}  {agent:<20} {:>9} {:>9} {:>9}",
                    day.date, day.allowed, day.denied, day.reviewed
                )?;
            }
            writeln!(out, "\n{:>9} {:>9}  command", "count", "denied")?;
            for counted in &stats.commands {
                writeln!(
                    out,
                    "{:>9} {:>9}  {}",
                    counted.count,
                    counted.denied,
                    Untrusted::from(counted.command.as_str())
                )?;
            }
            Ok(Ending::Done)
        })
    }
}
