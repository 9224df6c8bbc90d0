//! One TOML value read as what it should be. `None` means that the problem has been noted.

use toml::de::DeValue;
use toml::value::{Datetime, Offset};

use super::table::{Item, Table};
use crate::policy::Risk;
use crate::time::Timestamp;

impl<'a> Item<'a> {
    /// Notes a problem with this value.
    pub fn problem(&self, what: impl Into<String>, help: impl Into<String>) {
        self.problems.add(self.offset, &self.key, what, help);
    }

    fn wrong_kind(&self, wanted: &str) {
        self.problem(format!("{} where {wanted} belongs", kind(self.value)), format!("write {wanted}"));
    }

    /// A string.
    pub fn text(&self) -> Option<&'a str> {
        match self.value {
            DeValue::String(text) => Some(text),
            DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => {
                self.wrong_kind("a string");
                None
            }
        }
    }

    /// True or false.
    pub fn boolean(&self) -> Option<bool> {
        let DeValue::Boolean(value) = self.value else {
            self.wrong_kind("true or false");
            return None;
        };
        Some(*value)
    }

    /// A whole number.
    pub fn integer(&self) -> Option<i64> {
        let value = match self.value {
            DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix()).ok(),
            DeValue::String(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => None,
        };
        if value.is_none() {
            self.wrong_kind("a whole number");
        }
        value
    }

    /// A whole number within bounds, both included.
    pub fn integer_within(&self, min: i64, max: i64) -> Option<i64> {
        let value = self.integer()?;
        if !(min..=max).contains(&value) {
            self.problem(format!("{value} is out of range"), format!("write a number from {min} to {max}"));
            return None;
        }
        Some(value)
    }

    /// A list; a single value counts as a list of one.
    pub fn list(&self) -> Vec<Item<'a>> {
        self.array().unwrap_or_else(|| vec![self.clone()])
    }

    /// The elements of an array; `None`, without a complaint, for anything else.
    pub fn array(&self) -> Option<Vec<Item<'a>>> {
        let DeValue::Array(array) = self.value else { return None };
        let items = array.iter().enumerate().map(|(i, value)| Item {
            value: value.get_ref(),
            offset: value.span().start,
            key: format!("{}[{i}]", self.key),
            problems: self.problems,
        });
        Some(items.collect())
    }

    /// A list of strings that is not empty; a single one may stand alone.
    pub fn texts(&self) -> Option<Vec<&'a str>> {
        let items = self.list();
        if items.is_empty() {
            self.problem(
                "the list is empty, so it could never match",
                "name something, or leave the key out",
            );
            return None;
        }
        items.iter().map(Item::text).collect()
    }

    /// A table.
    pub fn table(&self) -> Option<Table<'a>> {
        let DeValue::Table(table) = self.value else {
            self.wrong_kind("a table");
            return None;
        };
        Some(Table::new(table, self.offset, self.key.clone(), self.problems))
    }

    /// A level's name or a score.
    pub fn risk(&self) -> Option<Risk> {
        let risk = match self.value {
            DeValue::String(text) => text.parse().ok(),
            DeValue::Integer(integer) => {
                u8::from_str_radix(integer.as_str(), integer.radix()).ok().and_then(Risk::score)
            }
            DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => None,
        };
        if risk.is_none() {
            self.problem(
                "this is no risk",
                "write \"LOW\", \"MEDIUM\", \"HIGH\", \"CRITICAL\", or a score from 0 to 100",
            );
        }
        risk
    }

    /// A moment with its offset.
    pub fn moment(&self) -> Option<Timestamp> {
        let moment = match self.value {
            DeValue::Datetime(datetime) => timestamp(datetime),
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => None,
        };
        if moment.is_none() {
            self.problem(
                "this names no moment",
                "write a date and time with its offset, without quotes: 2027-01-31T18:00:00Z",
            );
        }
        moment
    }
}

fn timestamp(datetime: &Datetime) -> Option<Timestamp> {
    let (date, time) = (datetime.date?, datetime.time?);
    let offset_minutes = match datetime.offset? {
        Offset::Z => 0,
        Offset::Custom { minutes } => i64::from(minutes),
    };
    let of_day =
        i64::from(time.hour) * 3600 + i64::from(time.minute) * 60 + i64::from(time.second.unwrap_or(0));
    let days = days_since_epoch(i64::from(date.year), i64::from(date.month), i64::from(date.day));
    u64::try_from(days * 86_400 + of_day - offset_minutes * 60).ok().map(Timestamp)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, counted in years that start in March.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    365 * year + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_become_seconds_since_the_epoch() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:00:00Z", 951_825_600),
            ("2026-11-20T21:34:19+01:00", 1_795_206_859),
            ("2027-01-01T00:00:00-05:30", 1_798_781_400),
        ] {
            assert_eq!(timestamp(&text.parse().unwrap()), Some(Timestamp(seconds)), "{text}");
        }
        assert_eq!(timestamp(&"2026-11-20T21:34:19".parse().unwrap()), None);
    }
}
