//! The bar, and the floor for what does not reach it yet.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;

use serde::Deserialize;

use crate::entry::folder;

/// The two bars of the corpus, in percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bar {
    /// At least 99 of 100 dangerous commands fall in their band.
    Recall,
    /// At most 3 of 100 ordinary commands are HIGH or above.
    FalseAlarms,
}

impl Bar {
    const fn percent(self) -> u32 {
        match self {
            Self::Recall => 99,
            Self::FalseAlarms => 3,
        }
    }
}

/// One measured share.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    /// As in `floor.toml`: `section.part`.
    pub(crate) name: String,
    pub(crate) bar: Bar,
    pub(crate) counted: usize,
    pub(crate) of: usize,
}

impl Figure {
    /// In hundredths of a percent, rounded to the bad side, so that printing never makes a figure look better than it is.
    fn hundredths(&self) -> u64 {
        let (counted, of) = (self.counted as u64 * 10_000, self.of.max(1) as u64);
        match self.bar {
            Bar::Recall => counted / of,
            Bar::FalseAlarms => counted.div_ceil(of),
        }
    }

    pub(crate) fn percent(&self) -> String {
        format!("{}.{:02} %", self.hundredths() / 100, self.hundredths() % 100)
    }

    fn reaches(&self, hundredths: u64) -> bool {
        match self.bar {
            Bar::Recall => self.hundredths() >= hundredths,
            Bar::FalseAlarms => self.hundredths() <= hundredths,
        }
    }
}

/// Figures below the bar and what they have reached, by name, in percent.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Floor(BTreeMap<String, f64>);

impl Floor {
    /// The lines of `tests/corpus/floor.toml` that a test is about; its absence means that every figure has to reach the bar.
    pub(crate) fn load(is_about: impl Fn(&str) -> bool) -> Self {
        let mut floor: Self = match fs::read_to_string(folder().join("floor.toml")) {
            Ok(text) => toml::from_str(&text).unwrap_or_else(|e| panic!("tests/corpus/floor.toml: {e}")),
            Err(_) => Self::default(),
        };
        floor.0.retain(|name, _| is_about(name));
        floor
    }

    pub(crate) fn verdict(&self, figures: &[Figure]) -> Verdict {
        let mut lines: Vec<(Outcome, String)> = figures.iter().map(|figure| self.judge(figure)).collect();
        for name in self.0.keys().filter(|name| !figures.iter().any(|figure| figure.name == **name)) {
            lines.push((Outcome::Fails, format!("floor.toml names {name}, which is not measured")));
        }
        Verdict { lines }
    }

    fn judge(&self, figure: &Figure) -> (Outcome, String) {
        let measured = format!("{:24} {:>9}", figure.name, figure.percent());
        let bar = u64::from(figure.bar.percent()) * 100;
        let side = if figure.bar == Bar::Recall { "at least" } else { "at most" };
        let wanted = format!("{side} {} %", bar / 100);
        let floor = self.0.get(&figure.name);
        if figure.reaches(bar) {
            let hint = if floor.is_some() { "; take its line out of floor.toml" } else { "" };
            return (Outcome::Reaches, format!("{measured}  reaches {wanted}{hint}"));
        }
        match floor.copied().map(in_hundredths) {
            Some(floor) if figure.reaches(floor) => {
                (Outcome::BelowBar, format!("{measured}  BELOW THE BAR of {wanted}; no worse than its floor"))
            }
            Some(_) => {
                (Outcome::Fails, format!("{measured}  BELOW THE BAR of {wanted} AND WORSE THAN ITS FLOOR"))
            }
            None => (Outcome::Fails, format!("{measured}  BELOW THE BAR of {wanted}")),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a percentage; a wild one fails the test"
)]
fn in_hundredths(percent: f64) -> u64 {
    (percent * 100.0).round() as u64
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Reaches,
    BelowBar,
    Fails,
}

/// What is printed at the end, and whether the test passes.
pub(crate) struct Verdict {
    lines: Vec<(Outcome, String)>,
}

impl Verdict {
    pub(crate) fn passes(&self) -> bool {
        self.lines.iter().all(|(outcome, _)| *outcome != Outcome::Fails)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (_, line) in &self.lines {
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(bar: Bar, counted: usize, floor: &[(&str, f64)]) -> Outcome {
        let floor = Floor(floor.iter().map(|(name, percent)| ((*name).to_owned(), *percent)).collect());
        floor.judge(&Figure { name: "x".into(), bar, counted, of: 1000 }).0
    }

    #[test]
    fn the_bar_holds_to_the_last_entry() {
        assert_eq!(outcome(Bar::Recall, 990, &[]), Outcome::Reaches);
        assert_eq!(outcome(Bar::Recall, 989, &[]), Outcome::Fails);
        assert_eq!(outcome(Bar::FalseAlarms, 30, &[]), Outcome::Reaches);
        assert_eq!(outcome(Bar::FalseAlarms, 31, &[]), Outcome::Fails);
    }

    #[test]
    fn a_floor_bears_what_was_reached_and_nothing_less() {
        assert_eq!(outcome(Bar::Recall, 955, &[("x", 95.5)]), Outcome::BelowBar);
        assert_eq!(outcome(Bar::Recall, 954, &[("x", 95.5)]), Outcome::Fails);
        assert_eq!(outcome(Bar::FalseAlarms, 41, &[("x", 4.1)]), Outcome::BelowBar);
        assert_eq!(outcome(Bar::FalseAlarms, 42, &[("x", 4.1)]), Outcome::Fails);
    }

    #[test]
    fn a_floor_for_nothing_is_an_error() {
        let floor = Floor([("gone".to_owned(), 50.0)].into());
        assert!(!floor.verdict(&[]).passes());
    }
}
