//! Durations as people write them: `90s`, `30m`, `1h`, `2d`, `1h30m`.

/// Milliseconds of a duration.
pub(super) fn millis(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no duration: write 90s, 30m, 1h, 2d or 1h30m");
    let (mut total, mut digits) = (0_u64, String::new());
    for c in text.chars() {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        let unit = match c {
            's' => 1_000,
            'm' => 60_000,
            'h' => 3_600_000,
            'd' => 86_400_000,
            _ => return Err(wrong()),
        };
        let number: u64 = std::mem::take(&mut digits).parse().map_err(|_| wrong())?;
        total = number.checked_mul(unit).and_then(|ms| total.checked_add(ms)).ok_or_else(wrong)?;
    }
    if total == 0 || !digits.is_empty() {
        return Err(wrong());
    }
    Ok(total)
}

/// A duration for people: its two largest units.
pub(crate) fn in_words(ms: u64) -> String {
    let seconds = ms / 1_000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, minutes) => format!("{minutes}m{:02}s", seconds % 60),
        (0, hours, minutes) => format!("{hours}h{minutes:02}m"),
        (days, hours, _) => format!("{days}d{hours:02}h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_written() {
        assert_eq!(millis("90s"), Ok(90_000));
        assert_eq!(millis("1h30m"), Ok(5_400_000));
        assert_eq!(millis("2d"), Ok(172_800_000));
        for text in ["", "1", "h", "1x", "-1h", "0s", "1h30", "99999999999999999999d", "999999999999999999d"]
        {
            assert!(millis(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_are_said_shortly() {
        let said: Vec<String> = [0, 59_999, 61_000, 3_660_000, 90_000_000].map(in_words).to_vec();
        assert_eq!(said, ["0s", "59s", "1m01s", "1h01m", "1d01h"]);
    }
}
