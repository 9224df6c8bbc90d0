//! The mouse chooses and scrolls, where it is wanted. It decides nothing: a click is too easily beside its aim.

use std::io;

use ratatui::crossterm::event::{
    DisableMouseCapture, EnableMouseCapture, MouseButton, MouseEvent, MouseEventKind,
};
use ratatui::crossterm::execute;

use super::app::{App, Ask, Mode};

/// Lines of the card for each notch of the wheel.
const NOTCH: usize = 3;

/// The terminal reports its mouse to us, instead of selecting text, as long as this lives.
pub(super) struct Captured(());

impl Captured {
    pub(super) fn take() -> io::Result<Self> {
        // Where a panic ends the program nothing is dropped.
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            before(panic);
        }));
        execute!(io::stdout(), EnableMouseCapture)?;
        Ok(Self(()))
    }
}

impl Drop for Captured {
    fn drop(&mut self) {
        give_back();
    }
}

fn give_back() {
    // A terminal that is gone has no mouse any more either.
    let _ = execute!(io::stdout(), DisableMouseCapture);
}

impl App {
    pub(super) fn on_mouse(&mut self, event: MouseEvent, now: u64) -> Option<Ask> {
        if self.mode != Mode::Browse {
            return None;
        }
        let (top, lines, first) = self.listed;
        let line = event.row.checked_sub(top).filter(|line| *line < lines);
        let down = match event.kind {
            MouseEventKind::Down(MouseButton::Left) => {
                let place = first + usize::from(line?);
                return self.queue.at(place).and_then(|id| self.select(Some(id), now));
            }
            MouseEventKind::ScrollDown => true,
            MouseEventKind::ScrollUp => false,
            MouseEventKind::Down(_)
            | MouseEventKind::Up(_)
            | MouseEventKind::Drag(_)
            | MouseEventKind::Moved
            | MouseEventKind::ScrollLeft
            | MouseEventKind::ScrollRight => return None,
        };
        if line.is_some() {
            return self.choose(if down { 1 } else { -1 }, now);
        }
        self.scroll_by(down, NOTCH);
        None
    }
}
