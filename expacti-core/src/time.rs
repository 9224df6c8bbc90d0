//! Wall-clock time as an argument: this crate reads no clock.

use serde::{Deserialize, Serialize};

/// Seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

/// Seconds of a duration such as `90s`, `15m`, `8h`, `7d` or `2w`.
pub fn parse_duration(text: &str) -> Option<u64> {
    let unit = text.chars().next_back()?;
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
    number.checked_mul(seconds).filter(|total| *total > 0)
}

impl Timestamp {
    /// This much later.
    #[must_use]
    pub fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// As in TOML and RFC 3339: `2027-01-31T18:00:00Z`.
    pub fn to_rfc3339(self) -> String {
        let (days, of_day) = (self.0 / 86_400, self.0 % 86_400);
        let (year, month, day) = date_of(days);
        let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// The date of a day since 1970-01-01, counted in 400-year eras of years that start in March.
fn date_of(days: u64) -> (u64, u64, u64) {
    let from_march_0000 = days + 719_468;
    let (era, of_era) = (from_march_0000 / 146_097, from_march_0000 % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_dates() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_825_600, "2000-02-29T12:00:00Z"),
            (1_795_206_859, "2026-11-20T20:34:19Z"),
        ] {
            assert_eq!(Timestamp(seconds).to_rfc3339(), text);
        }
    }

    #[test]
    fn durations_need_a_number_and_a_unit() {
        assert_eq!(parse_duration("7d"), Some(604_800));
        assert_eq!(parse_duration("90s"), Some(90));
        for wrong in ["", "7", "d", "0h", "-1h", "1.5h", "7 d", "99999999999999999w", "7\u{e9}"] {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
    }
}
