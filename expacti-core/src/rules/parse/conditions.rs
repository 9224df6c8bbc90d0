//! Keys about everything but the words.

use globset::GlobMatcher;

use super::words::{path_glob, text_glob};
use crate::rules::conditions::{Conditions, Wanted};
use crate::rules::path::PathGlob;
use crate::rules::read::{Item, Table};

pub(super) fn conditions(table: &Table<'_>) -> Option<Conditions> {
    let globs = |key| table.get(key).map_or(Some(Vec::new()), |item| text_globs(&item));
    let paths = |key| table.get(key).map_or(Some(Vec::new()), |item| absolute_globs(&item));
    let hashes = |key| table.get(key).map_or(Some(Vec::new()), |item| sha256(&item));
    // All are read before any is used, so that all problems are found at once.
    let (exe, cwd) = (paths("exe"), paths("cwd"));
    let (hash, script_hash) = (hashes("sha256"), hashes("script_sha256"));
    let (agent, category, factor) = (globs("agent"), globs("category"), globs("factor"));
    let user = table.get("user").map_or(Some(Vec::new()), |item| users(&item));
    let env = table.get("env").map_or(Some(Vec::new()), |item| variables(&item));
    let min_risk = table.get("min_risk").map_or(Some(None), |item| item.risk().map(Some));
    Some(Conditions {
        exe: exe?,
        sha256: hash?,
        script_sha256: script_hash?,
        cwd: cwd?,
        agent: agent?,
        user: user?,
        env: env?,
        category: category?,
        factor: factor?,
        min_risk: min_risk?,
    })
}

fn text_globs(item: &Item<'_>) -> Option<Vec<GlobMatcher>> {
    item.texts()?.into_iter().map(|text| text_glob(item, text)).collect()
}

fn absolute_globs(item: &Item<'_>) -> Option<Vec<PathGlob>> {
    let texts = item.texts()?;
    if let Some(relative) = texts.iter().find(|text| !text.starts_with('/') && !text.starts_with("**/")) {
        item.problem(format!("{relative:?} is a relative path"), "begin it with / or **/");
        return None;
    }
    texts.into_iter().map(|text| path_glob(item, text)).collect()
}

fn sha256(item: &Item<'_>) -> Option<Vec<String>> {
    let texts = item.texts()?;
    let is_hash = |text: &&str| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if !texts.iter().all(is_hash) {
        item.problem("this is no SHA-256", "write 64 hexadecimal digits, as `sha256sum` prints them");
        return None;
    }
    Some(texts.into_iter().map(str::to_ascii_lowercase).collect())
}

fn users(item: &Item<'_>) -> Option<Vec<u32>> {
    let numbers = item.list().into_iter().map(|item| item.integer_within(0, i64::from(u32::MAX) - 1));
    numbers.map(|uid| u32::try_from(uid?).ok()).collect()
}

fn variables(item: &Item<'_>) -> Option<Vec<(String, Wanted)>> {
    let table = item.table()?;
    let wanted = |item: &Item<'_>| match item.value {
        toml::de::DeValue::Boolean(true) => Some(Wanted::Set),
        toml::de::DeValue::Boolean(false) => Some(Wanted::Unset),
        toml::de::DeValue::String(_)
        | toml::de::DeValue::Integer(_)
        | toml::de::DeValue::Float(_)
        | toml::de::DeValue::Datetime(_)
        | toml::de::DeValue::Array(_)
        | toml::de::DeValue::Table(_) => text_globs(item).map(Wanted::Value),
    };
    table.items().map(|(name, item)| Some((name.to_owned(), wanted(&item)?))).collect()
}
