//! Colours that can be read on light and dark grounds, and none where `NO_COLOR` is set.

use expacti_core::evaluation::Level;
use ratatui::style::{Color, Modifier, Style};

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Ordinary text.
    Plain,
    /// What stands for a character that cannot be shown as it is.
    Escape,
    /// What matters less.
    Faint,
    /// What matters more.
    Strong,
    /// Something of this level.
    Risk(Level),
    /// New in a script.
    Added,
    /// Gone from a script.
    Removed,
}

/// How kinds look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Theme {
    coloured: bool,
}

impl Theme {
    pub(super) fn new(coloured: bool) -> Self {
        Self { coloured }
    }

    /// As the environment asks (no-color.org).
    pub(super) fn of_environment() -> Self {
        Self::new(std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()))
    }

    pub(super) fn style(self, kind: Kind) -> Style {
        let bold = Style::new().add_modifier(Modifier::BOLD);
        let coloured = |style: Style, colour| if self.coloured { style.fg(colour) } else { style };
        match kind {
            Kind::Plain | Kind::Risk(Level::Low) => Style::new(),
            Kind::Escape => Style::new().add_modifier(Modifier::REVERSED),
            Kind::Faint => Style::new().add_modifier(Modifier::DIM),
            Kind::Strong => bold,
            // Red, magenta, green and blue keep their contrast on both grounds; yellow and cyan do not.
            Kind::Risk(Level::Medium) => coloured(Style::new(), Color::Blue),
            Kind::Risk(Level::High) => coloured(bold, Color::Red),
            Kind::Risk(Level::Critical) => coloured(bold, Color::Red).add_modifier(Modifier::REVERSED),
            Kind::Added => coloured(Style::new(), Color::Green),
            Kind::Removed => coloured(Style::new(), Color::Magenta),
        }
    }
}
