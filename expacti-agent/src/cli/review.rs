//! `expacti review`: the terminal UI.

use std::io::{self, IsTerminal as _};

use clap::Args;

use super::connect::Connect;
use super::ending::{BadInput, Ending};

/// Review what waits, on the whole terminal
#[derive(Args)]
pub(super) struct Review {
    /// Choose and scroll with the mouse too. Your terminal then selects text only with Shift held
    #[arg(long)]
    mouse: bool,
    #[command(flatten)]
    connect: Connect,
}

impl Review {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            let why = "`expacti review` needs a terminal; `expacti pending --json` is for scripts";
            return Err(BadInput(why.to_owned()).into());
        }
        crate::tui::run(&self.connect.client("tui")?, self.mouse)?;
        Ok(Ending::Done)
    }
}
