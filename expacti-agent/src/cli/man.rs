//! `expacti man`: manual pages, made from the options themselves.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use super::ending::Ending;

/// Write a manual page for each subcommand into a folder
#[derive(Args)]
pub(super) struct Man {
    /// The folder; it is made if need be
    folder: PathBuf,
}

impl Man {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        std::fs::create_dir_all(&self.folder).with_context(|| self.folder.display().to_string())?;
        clap_mangen::generate_to(super::command(), &self.folder)
            .with_context(|| self.folder.display().to_string())?;
        Ok(Ending::Done)
    }
}
