//! Single values, each with the complaint that helps. A value that is wrong leaves the default, and a problem.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use expacti_core::evaluation::Level;
use expacti_core::policy::Risk;
use expacti_core::rules::read::{Item, Table, nearest};
use expacti_core::time::parse_duration;

/// A text, as it is.
pub(super) fn text(table: &Table<'_>, key: &str, into: &mut String) {
    if let Some(text) = table.get(key).and_then(|item| item.text()) {
        text.clone_into(into);
    }
}

/// A text that is nothing where it is empty.
pub(super) fn optional_text(table: &Table<'_>, key: &str, into: &mut Option<String>) {
    if let Some(text) = table.get(key).and_then(|item| item.text()) {
        *into = (!text.is_empty()).then(|| text.to_owned());
    }
}

/// An absolute path.
pub(super) fn path(table: &Table<'_>, key: &str, into: &mut PathBuf) {
    if let Some(path) = table.get(key).and_then(|item| absolute(&item)) {
        *into = path;
    }
}

/// An absolute path that is none where it is empty.
pub(super) fn optional_path(table: &Table<'_>, key: &str, into: &mut Option<PathBuf>) {
    let Some(item) = table.get(key) else { return };
    match item.text() {
        Some("") => *into = None,
        Some(_) => {
            if let Some(path) = absolute(&item) {
                *into = Some(path);
            }
        }
        None => {}
    }
}

/// A path that does not depend on where the daemon was started.
pub(super) fn absolute(item: &Item<'_>) -> Option<PathBuf> {
    let text = item.text()?;
    if text.starts_with('/') {
        return Some(text.into());
    }
    item.problem(format!("{text:?} is not an absolute path"), "begin it with /");
    None
}

/// True or false.
pub(super) fn switch(table: &Table<'_>, key: &str, into: &mut bool) {
    if let Some(value) = table.get(key).and_then(|item| item.boolean()) {
        *into = value;
    }
}

/// A whole number within bounds.
pub(super) fn number<T: TryFrom<i64>>(table: &Table<'_>, key: &str, min: i64, max: i64, into: &mut T) {
    let value = table.get(key).and_then(|item| item.integer_within(min, max));
    if let Some(value) = value.and_then(|value| T::try_from(value).ok()) {
        *into = value;
    }
}

/// A power of two within bounds.
pub(super) fn power_of_two(table: &Table<'_>, key: &str, min: i64, max: i64, into: &mut u32) {
    let Some(item) = table.get(key) else { return };
    let Some(value) = item.integer_within(min, max) else { return };
    match u32::try_from(value) {
        Ok(value) if value.is_power_of_two() => *into = value,
        _ => item.problem(format!("{value} is no power of two"), "write one: 1024, 2048, 4096"),
    }
}

/// A duration such as `90s`.
pub(super) fn duration(table: &Table<'_>, key: &str, into: &mut Duration) {
    if let Some(value) = table.get(key).and_then(|item| duration_of(&item)) {
        *into = value;
    }
}

/// The same, or `"never"` for none.
pub(super) fn duration_or_never(table: &Table<'_>, key: &str, into: &mut Option<Duration>) {
    let Some(item) = table.get(key) else { return };
    if is_never(&item) {
        *into = None;
    } else if let Some(value) = duration_of(&item) {
        *into = Some(value);
    }
}

/// The same as a value.
pub(super) fn duration_of(item: &Item<'_>) -> Option<Duration> {
    let text = item.text()?;
    let value = match text.strip_suffix("ms") {
        Some(number) => number.parse().ok().filter(|ms| *ms > 0).map(Duration::from_millis),
        None => parse_duration(text).map(Duration::from_secs),
    };
    if value.is_none() {
        item.problem(
            format!("{text:?} is no duration"),
            "write a number above 0 and ms, s, m, h, d or w: \"90s\"",
        );
    }
    value
}

/// A list of texts, which may be empty.
pub(super) fn texts(item: &Item<'_>) -> Option<Vec<String>> {
    let Some(items) = item.array() else {
        item.problem("this is not a list", "write a list of strings: [\"one\", \"two\"]");
        return None;
    };
    items.iter().map(|item| item.text().map(str::to_owned)).collect()
}

/// The same as a set.
pub(super) fn set(item: &Item<'_>) -> Option<BTreeSet<String>> {
    texts(item).map(|texts| texts.into_iter().collect())
}

/// One of a few words.
pub(super) fn word<T: Copy>(table: &Table<'_>, key: &str, known: &[(&str, T)], into: &mut T) {
    if let Some(value) = table.get(key).and_then(|item| word_of(&item, known)) {
        *into = value;
    }
}

/// The same as a value.
pub(super) fn word_of<T: Copy>(item: &Item<'_>, known: &[(&str, T)]) -> Option<T> {
    let text = item.text()?;
    if let Some((_, value)) = known.iter().find(|(name, _)| *name == text) {
        return Some(*value);
    }
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let help = match nearest(text, &names) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("write one of {}", names.join(", ")),
    };
    item.problem(format!("{text:?} is not known here"), help);
    None
}

/// A level's name or a score.
pub(super) fn risk(table: &Table<'_>, key: &str, into: &mut Risk) {
    if let Some(value) = table.get(key).and_then(|item| item.risk()) {
        *into = value;
    }
}

/// The same, or `"never"` for none.
pub(super) fn risk_or_never(table: &Table<'_>, key: &str, into: &mut Option<Risk>) {
    let Some(item) = table.get(key) else { return };
    if is_never(&item) {
        *into = None;
    } else if let Some(risk) = item.risk() {
        *into = Some(risk);
    }
}

/// `"never"`.
pub(super) fn is_never(item: &Item<'_>) -> bool {
    matches!(item.value, toml::de::DeValue::String(text) if text == "never")
}

/// A level's name.
pub(super) fn level_of(item: &Item<'_>) -> Option<Level> {
    let levels = [
        ("LOW", Level::Low),
        ("MEDIUM", Level::Medium),
        ("HIGH", Level::High),
        ("CRITICAL", Level::Critical),
    ];
    word_of(item, &levels)
}

/// One value for every level, or a table with some of them.
pub(super) fn per_level<T>(
    table: &Table<'_>,
    key: &str,
    into: [&mut T; 4],
    read: impl Fn(&Item<'_>) -> Option<T>,
) where
    T: Clone,
{
    const LEVELS: [&str; 4] = ["low", "medium", "high", "critical"];
    let Some(item) = table.get(key) else { return };
    if !matches!(item.value, toml::de::DeValue::Table(_)) {
        if let Some(value) = read(&item) {
            for level in into {
                *level = value.clone();
            }
        }
        return;
    }
    let Some(levels) = item.table() else { return };
    levels.only(&LEVELS);
    for (name, into) in LEVELS.into_iter().zip(into) {
        if let Some(value) = levels.get(name).and_then(|item| read(&item)) {
            *into = value;
        }
    }
}
