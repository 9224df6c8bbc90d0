//! `expacti completions`: what a shell needs to complete our options.

use std::io;

use clap::Args;
use clap_complete::Shell;

use super::ending::Ending;

/// Write a shell's completion script to standard output
#[derive(Args)]
pub(super) struct Completions {
    /// The shell that will read it
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::command(), "expacti", &mut script);
        io::Write::write_all(&mut io::stdout().lock(), &script)?;
        Ok(Ending::Done)
    }
}
