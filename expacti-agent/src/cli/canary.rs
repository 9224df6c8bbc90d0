//! `expacti canary`: what the daemon's canary would become if the gate let it. It does nothing.

use clap::Args;

use super::ending::Ending;

/// Do nothing; the gate must refuse it
#[derive(Args)]
pub(super) struct Canary {}

impl Canary {
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "every subcommand is run alike")]
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        Ok(Ending::Done)
    }
}
