//! The elements of an argv pattern: words, `"..."`, lists of words, and typed holes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::words::{flags, path_glob, regex, text_glob};
use crate::rules::hole::Hole;
use crate::rules::pattern::{Element, Repeat};
use crate::rules::read::{Item, Table};

const KINDS: [&str; 12] =
    ["literal", "base64", "any", "word", "number", "path", "below", "url", "glob", "regex", "flag", "any_of"];
const REST: &str = "...";

/// One element of a sequence.
pub(super) fn element(item: &Item<'_>) -> Option<Element> {
    if let toml::de::DeValue::String(text) = item.value
        && text.as_ref() == REST
    {
        return Some(Element::Rest);
    }
    let toml::de::DeValue::Table(_) = item.value else {
        return hole(item).map(|hole| Element::Words(hole, Repeat::Once));
    };
    let table = item.table()?;
    if let Some(options) = table.get("options") {
        table.only(&["options"]);
        let takes_none = options.array().is_some_and(|array| array.is_empty());
        return if takes_none {
            Some(Element::Options(Vec::new()))
        } else {
            flags(&options).map(Element::Options)
        };
    }
    let modifier = |key| table.get(key).map_or(Some(false), |item| item.boolean());
    let repeat = match (modifier("optional")?, modifier("many")?) {
        (false, false) => Repeat::Once,
        (true, false) => Repeat::Optional,
        (_, true) => Repeat::Many,
    };
    typed(&table, &["options", "optional", "many"]).map(|hole| Element::Words(hole, repeat))
}

/// A pattern for one word.
pub(super) fn hole(item: &Item<'_>) -> Option<Hole> {
    if let Some(items) = item.array() {
        if items.is_empty() {
            item.problem("the list is empty, so it could never match", "name at least one word");
            return None;
        }
        let holes: Vec<Option<Hole>> = items.iter().map(hole).collect();
        return holes.into_iter().collect::<Option<Vec<_>>>().map(Hole::AnyOf);
    }
    match item.value {
        toml::de::DeValue::String(text) if text.as_ref() == REST => {
            item.problem(
                "\"...\" stands for any number of words, and here is place for one",
                "use {any = true}",
            );
            None
        }
        toml::de::DeValue::String(text) => Some(Hole::Literal(text.as_bytes().to_vec())),
        toml::de::DeValue::Table(_) => typed(&item.table()?, &[]),
        toml::de::DeValue::Integer(_)
        | toml::de::DeValue::Float(_)
        | toml::de::DeValue::Boolean(_)
        | toml::de::DeValue::Datetime(_)
        | toml::de::DeValue::Array(_) => {
            item.problem(
                "this is no word",
                "write a string, a list of strings, or a hole such as {path = \"/tmp/**\"}",
            );
            None
        }
    }
}

fn typed(table: &Table<'_>, also: &[&str]) -> Option<Hole> {
    let known: Vec<&str> = KINDS.iter().chain(also).copied().collect();
    table.only(&known);
    let mut given = KINDS.iter().filter_map(|key| Some((*key, table.get(key)?)));
    let (Some((kind, item)), None) = (given.next(), given.next()) else {
        table.problem("a hole has exactly one kind", format!("write one of {}", KINDS.join(", ")));
        return None;
    };
    match kind {
        "literal" => Some(Hole::Literal(item.text()?.as_bytes().to_vec())),
        "base64" => match BASE64.decode(item.text()?) {
            Ok(bytes) => Some(Hole::Literal(bytes)),
            Err(error) => {
                item.problem(format!("this is not base64: {error}"), "encode the bytes of the word");
                None
            }
        },
        "any" => flag_kind(&item).then_some(Hole::Any),
        "word" => flag_kind(&item).then_some(Hole::Plain),
        "number" => number(&item),
        "path" => path_glob(&item, item.text()?).map(Hole::Path),
        "below" => below(&item),
        "url" => {
            let hosts = item.texts()?;
            let globs: Option<Vec<_>> =
                hosts.iter().map(|host| text_glob(&item, &host.to_ascii_lowercase())).collect();
            globs.map(Hole::Url)
        }
        "glob" => text_glob(&item, item.text()?).map(Hole::Glob),
        "regex" => regex(&item).map(Hole::Regex),
        "flag" => flags(&item).map(Hole::Flag),
        _ => hole(&item),
    }
}

fn flag_kind(item: &Item<'_>) -> bool {
    let is_true = item.boolean();
    if is_true == Some(false) {
        item.problem("false has no meaning here", "write true, or another kind of hole");
    }
    is_true == Some(true)
}

/// `true` for any number, or `[min, max]`.
fn number(item: &Item<'_>) -> Option<Hole> {
    let Some(bounds) = item.array() else {
        return flag_kind(item).then_some(Hole::Number { min: 0, max: u64::MAX });
    };
    let [min, max] = bounds.as_slice() else {
        item.problem("bounds are two numbers", "write [min, max]");
        return None;
    };
    let (min, max) = (min.integer_within(0, i64::MAX)?, max.integer_within(0, i64::MAX)?);
    if min > max {
        item.problem("the bounds are the wrong way round", "write [min, max]");
        return None;
    }
    Some(Hole::Number { min: min.unsigned_abs(), max: max.unsigned_abs() })
}

fn below(item: &Item<'_>) -> Option<Hole> {
    let folder = item.text()?;
    if folder.is_empty() || folder.contains(['*', '?', '~', '$']) {
        item.problem(
            "this names no folder",
            "write an absolute path, \".\" or \"./sub\"; for globs use path",
        );
        return None;
    }
    Some(Hole::Below(folder.as_bytes().to_vec()))
}
