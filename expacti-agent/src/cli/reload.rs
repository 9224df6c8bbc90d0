//! `expacti reload`: configuration and rules anew.

use std::io::{self, Write as _};

use clap::Args;

use super::connect::Connect;
use super::ending::Ending;
use super::pending::plain;
use crate::wire::ReloadView;

/// Make the daemon read its configuration and rules again: all of it or nothing
#[derive(Args)]
pub(super) struct Reload {
    #[command(flatten)]
    connect: Connect,
}

impl Reload {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let done: ReloadView = self.connect.client("cli")?.call("POST", "/v1/reload")?;
        let mut out = io::stdout().lock();
        writeln!(out, "{} rules are in force, as generation {}", done.rules, done.generation)?;
        for (names, what) in [
            (done.enrolled, "is gated now"),
            (done.withdrawn, "is not gated any more"),
            (done.at_next_start, "was changed, and takes effect when the daemon starts next"),
        ] {
            for name in names {
                writeln!(out, "{} {what}", plain(&name))?;
            }
        }
        Ok(Ending::Done)
    }
}
