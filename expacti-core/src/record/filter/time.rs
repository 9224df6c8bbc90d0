//! Points in time as people write them.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// What [`parse`] understands, for error messages.
pub(super) const EXPECTED: &str =
    "give an age such as 30m, 2h, 7d or 4w, a day such as 2026-11-20, or a time such as 2026-11-20T10:00Z";

/// An age before `now`, a day or a time in UTC, in microseconds since the epoch.
pub(super) fn parse(text: &str, now: i64) -> Option<i64> {
    if text == "now" {
        return Some(now);
    }
    if let Some(age) = age(text) {
        return now.checked_sub(age);
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.as_microsecond());
    }
    let civil = text.parse::<DateTime>().or_else(|_| text.parse::<Date>().map(DateTime::from)).ok()?;
    civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp().as_microsecond())
}

fn age(text: &str) -> Option<i64> {
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    let count = &text[..text.len() - 1];
    if count.is_empty() || !count.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    count.parse::<i64>().ok()?.checked_mul(unit * 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_days_and_times_are_understood() {
        let now = 1_700_000_000_000_000;
        let cases = [
            ("90s", Some(1_699_999_910_000_000)),
            ("4w", Some(1_697_580_800_000_000)),
            ("2023-11-14", Some(1_699_920_000_000_000)),
            ("2023-11-14T22:13:20", Some(now)),
            ("2023-11-14T23:13:20+01:00", Some(now)),
            ("now", Some(now)),
            ("h", None),
            ("-2h", None),
            ("9999999999999999w", None),
            ("2023-13-01", None),
            ("2ä", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text, now), expected, "{text}");
        }
    }
}
