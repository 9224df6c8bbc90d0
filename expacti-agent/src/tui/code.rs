//! Asking for a one-time password before an approval leaves.

use ratatui::crossterm::event::KeyCode;

use super::app::Ask;
use crate::wire::VoteBody;

/// Digits of a one-time password.
const DIGITS: usize = 6;

/// An approval that waits for its author's password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Code {
    /// The card it is about.
    pub(super) id: u64,
    body: VoteBody,
    digits: String,
}

/// What came of a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// It goes on.
    More(Code),
    /// The approval leaves, with its password.
    Whole(Ask),
    /// It was called off.
    Dropped,
}

impl Code {
    pub(super) fn ask(id: u64, body: VoteBody) -> Self {
        Self { id, body, digits: String::new() }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "every other key does nothing")]
    pub(super) fn on_key(mut self, key: KeyCode) -> Typed {
        match key {
            KeyCode::Esc => return Typed::Dropped,
            KeyCode::Enter if self.digits.len() == DIGITS => {
                return Typed::Whole(Ask::Vote(self.id, self.body, Some(self.digits)));
            }
            KeyCode::Backspace => {
                self.digits.pop();
            }
            KeyCode::Char(digit) if digit.is_ascii_digit() && self.digits.len() < DIGITS => {
                self.digits.push(digit);
            }
            _ => {}
        }
        Typed::More(self)
    }

    /// The line that asks. Who looks over a shoulder sees how many digits there are.
    pub(super) fn line(&self) -> String {
        let typed = "*".repeat(self.digits.len());
        format!("one-time password to approve ticket {}: {typed}_  (Enter, or Esc to leave it)", self.id)
    }
}
