//! `expacti metrics`: what the daemon counts.

use std::io::{self, Write as _};

use clap::Args;

use super::connect::Connect;
use super::ending::Ending;

/// Print what is counted, as Prometheus reads it (`/v1/metrics`)
#[derive(Args)]
pub(super) struct Metrics {
    #[command(flatten)]
    connect: Connect,
}

impl Metrics {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let page = self.connect.client("cli")?.text("/v1/metrics")?;
        io::stdout().lock().write_all(page.as_bytes())?;
        Ok(Ending::Done)
    }
}
