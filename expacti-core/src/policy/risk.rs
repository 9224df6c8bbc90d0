//! A bound on risk as people write it: a level or a score.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::evaluation::Level;

/// A level, or a score from 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Risk {
    /// All of a level.
    Level(Level),
    /// One score.
    Score(u8),
}

/// A text that names no level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a risk is LOW, MEDIUM, HIGH, CRITICAL or a score from 0 to 100")]
pub struct ParseRiskError;

impl Risk {
    /// A score, if it is one.
    pub fn score(score: u8) -> Option<Self> {
        (score <= 100).then_some(Self::Score(score))
    }

    /// The lowest score that belongs to it, for "from here on".
    pub fn floor(self) -> u8 {
        match self {
            Self::Score(score) => score,
            Self::Level(Level::Low) => 0,
            Self::Level(Level::Medium) => 30,
            Self::Level(Level::High) => 60,
            Self::Level(Level::Critical) => 90,
        }
    }

    /// The highest score that belongs to it, for "up to here".
    pub fn ceiling(self) -> u8 {
        match self {
            Self::Score(score) => score,
            Self::Level(Level::Low) => 29,
            Self::Level(Level::Medium) => 59,
            Self::Level(Level::High) => 89,
            Self::Level(Level::Critical) => 100,
        }
    }
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Level(level) => level.fmt(f),
            Self::Score(score) => score.fmt(f),
        }
    }
}

impl FromStr for Risk {
    type Err = ParseRiskError;

    fn from_str(text: &str) -> Result<Self, ParseRiskError> {
        Ok(Self::Level(match text.to_ascii_uppercase().as_str() {
            "LOW" => Level::Low,
            "MEDIUM" => Level::Medium,
            "HIGH" => Level::High,
            "CRITICAL" => Level::Critical,
            _ => return text.parse().ok().and_then(Self::score).ok_or(ParseRiskError),
        }))
    }
}

impl Serialize for Risk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Level(level) => level.serialize(serializer),
            Self::Score(score) => score.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Risk {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LevelOrScore;

        impl Visitor<'_> for LevelOrScore {
            type Value = Risk;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&ParseRiskError, f)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Risk, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_i64<E: de::Error>(self, score: i64) -> Result<Risk, E> {
                u8::try_from(score).ok().and_then(Risk::score).ok_or_else(|| E::custom(ParseRiskError))
            }

            fn visit_u64<E: de::Error>(self, score: u64) -> Result<Risk, E> {
                u8::try_from(score).ok().and_then(Risk::score).ok_or_else(|| E::custom(ParseRiskError))
            }
        }

        deserializer.deserialize_any(LevelOrScore)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_hold_exactly_the_scores_that_have_them() {
        for level in [Level::Low, Level::Medium, Level::High, Level::Critical] {
            let scores: Vec<u8> = (0..=100).filter(|score| Level::of(*score) == level).collect();
            let risk = Risk::Level(level);
            assert_eq!((risk.floor(), risk.ceiling()), (scores[0], scores[scores.len() - 1]));
        }
    }

    #[test]
    fn a_risk_reads_back_as_it_was_written() {
        for json in ["\"HIGH\"", "45"] {
            let risk: Risk = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&risk).unwrap(), json);
        }
        assert!(serde_json::from_str::<Risk>("101").is_err());
        assert!("SEVERE".parse::<Risk>().is_err());
    }
}
