//! Medians, and how sure they are.

use serde::{Deserialize, Serialize};

/// The middle of them; of an even number the lower of both.
pub fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// The value below which this share of them lies.
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index of a few thousand"
    )]
    let at = (sorted.len().saturating_sub(1) as f64 * share) as usize;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

/// A median with the interval in which it lies at 95 %.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The median itself.
    pub median: f64,
    /// Where it may lie at the lowest.
    pub low: f64,
    /// And at the highest.
    pub high: f64,
}

/// How often the values are drawn anew.
const DRAWS: usize = 2_000;

impl Interval {
    /// By the bootstrap: the medians of many samples, each drawn with replacement from these values. The same values
    /// always give the same interval.
    pub fn of(values: &[f64]) -> Self {
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        let mut draw = || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            values[usize::try_from(random >> 33).unwrap_or_default() % values.len()]
        };
        if values.is_empty() {
            return Self { median: f64::NAN, low: f64::NAN, high: f64::NAN };
        }
        let medians: Vec<f64> =
            (0..DRAWS).map(|_| median(&(0..values.len()).map(|_| draw()).collect::<Vec<_>>())).collect();
        Self { median: median(values), low: quantile(&medians, 0.025), high: quantile(&medians, 0.975) }
    }

    /// Whether zero lies in it: then nothing was seen to differ.
    pub fn holds_zero(&self) -> bool {
        self.low <= 0.0 && self.high >= 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_holds_the_median_and_is_always_the_same() {
        let values: Vec<f64> = (0..31).map(|n| f64::from(n * 7 % 31)).collect();
        let interval = Interval::of(&values);
        assert!((interval.median - 15.0).abs() < 1e-9);
        assert!(interval.low < 15.0 && interval.high > 15.0 && interval.low > 5.0 && interval.high < 25.0);
        assert_eq!(interval, Interval::of(&values));
        assert!(!interval.holds_zero());
    }

    #[test]
    fn around_zero_nothing_is_told_apart() {
        let values: Vec<f64> = (0..20).map(|n| f64::from(n) - 9.5).collect();
        assert!(Interval::of(&values).holds_zero());
    }
}
