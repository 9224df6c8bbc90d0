//! `expacti log prune`.

use std::io::{Write as _, stdout};

use clap::Args;
use expacti_agent::log::{Config, Log, LogError, Place};
use expacti_core::record::attempt::rfc3339;
use expacti_core::record::filter::Filter;

use super::super::ending::{BadInput, Ending};
use super::{Where, block_on, now, said};

/// Remove old entries for good, and leave a signed tombstone in the chain. The daemon must not run: it does the
/// same by itself where a retention time is set
#[derive(Args)]
pub(super) struct Prune {
    #[command(flatten)]
    place: Where,
    /// Remove what is older: an age such as 90d, a day, or a time
    #[arg(long, value_name = "TIME")]
    before: String,
    /// Why; the tombstone says it for ever
    #[arg(long, value_name = "TEXT")]
    because: String,
    /// Do it, without asking
    #[arg(long)]
    yes: bool,
}

impl Prune {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let now = now();
        let mut filter = Filter::default();
        filter
            .set("until", &self.before, now)
            .map_err(|error| BadInput(error.to_string().replacen("until", "before", 1)))?;
        let before = filter.until.unwrap_or(i64::MIN);
        if before > now {
            return Err(BadInput(format!("'{}' is not in the past", self.before)).into());
        }
        if self.because.trim().is_empty() {
            return Err(
                BadInput("say why in --because: the tombstone is what an auditor will read".into()).into()
            );
        }
        if !self.yes {
            return Err(BadInput(format!(
                "entries before {} would be removed for good: add --yes",
                rfc3339(before)
            ))
            .into());
        }
        let place: Place = self.place.log.parse().map_err(said)?;
        block_on(async {
            // Neither a log nor a key is made here.
            self.place.reader().await?.close().await;
            if let Err(error) = expacti_agent::log::Home::look(&self.place.home) {
                return Err(BadInput(format!("only the node itself can prune its chain: {error}")).into());
            }
            let log = Log::open(Config::new(place, &self.place.home)).await.map_err(said)?;
            let pruned = log.prune(before, &self.because).await;
            log.close().await.map_err(said)?;
            let removed = pruned.map_err(|error: LogError| said(error))?;
            writeln!(stdout(), "{removed} entries before {} removed", rfc3339(before))?;
            Ok(Ending::Done)
        })
    }
}
