//! `[rules]`: where rules come from.

use std::path::PathBuf;

use expacti_core::rules::STARTER_SETS;
use expacti_core::rules::read::Table;

use super::read;

pub(super) const KEYS: [&str; 2] = ["files", "starters"];

/// Where rules come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RuleSettings {
    /// Files, and folders whose `*.toml` files are read.
    pub(crate) files: Vec<PathBuf>,
    /// Starter sets that are in the binary.
    pub(crate) starters: Vec<String>,
}

impl RuleSettings {
    pub(super) fn read(&mut self, table: &Table<'_>) {
        table.only(&KEYS);
        if let Some(items) = table.get("files").and_then(|item| {
            read::texts(&item)?;
            item.array()
        }) {
            self.files = items.iter().filter_map(read::absolute).collect();
        }
        if let Some(items) = table.get("starters").and_then(|item| {
            read::texts(&item)?;
            item.array()
        }) {
            let known: Vec<(&str, &str)> =
                STARTER_SETS.iter().map(|set| (set.name, set.name)).chain([("all", "all")]).collect();
            let named = items.iter().filter_map(|item| read::word_of(item, &known));
            self.starters = named.map(str::to_owned).collect();
        }
    }
}
