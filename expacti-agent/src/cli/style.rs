//! Colour, where it helps: on a terminal whose user has not declined it.

use std::io::{IsTerminal as _, stdout};

use expacti_core::evaluation::{Decision, Level};

/// Whether and how text is coloured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    colour: bool,
}

const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const BOLD: &str = "1";
const DIM: &str = "2";

impl Style {
    /// For standard output: <https://no-color.org>.
    pub(super) fn of_stdout() -> Self {
        let declined = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self { colour: stdout().is_terminal() && !declined && !dumb }
    }

    #[cfg(test)]
    pub(super) fn with_colour(colour: bool) -> Self {
        Self { colour }
    }

    pub(super) fn bold(self, text: &str) -> String {
        self.paint(BOLD, text)
    }

    pub(super) fn dim(self, text: &str) -> String {
        self.paint(DIM, text)
    }

    pub(super) fn decision(self, decision: Decision, text: &str) -> String {
        let colour = match decision {
            Decision::Allow => GREEN,
            Decision::Hold => YELLOW,
            Decision::Deny => RED,
        };
        self.paint(&format!("{BOLD};{colour}"), text)
    }

    pub(super) fn level(self, level: Level, text: &str) -> String {
        match level {
            Level::Low => self.paint(GREEN, text),
            Level::Medium => self.paint(YELLOW, text),
            Level::High => self.paint(RED, text),
            Level::Critical => self.paint(&format!("{BOLD};{RED}"), text),
        }
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
