//! Databases that exist to be dropped: those of tests, on this machine.

use super::{Candidate, Look, paths};
use crate::tools::{Category, Reach, glob};

/// Options that name a database.
const DATABASE: [&str; 9] =
    ["-d", "--dbname", "--database", "--db", "--url", "--uri", "-url", "--database-url", "-D"];
/// Options that name an environment of an application.
const ENVIRONMENT: [&str; 4] = ["--settings", "--env", "--environment", "-e"];
/// Options that name a machine.
const HOST: [&str; 4] = ["-h", "--host", "-S", "--server"];
/// Variables of libraries that name a machine.
const HOST_VARIABLES: [&str; 5] = ["PGHOST", "DB_HOST", "DATABASE_HOST", "MYSQL_HOST", "POSTGRES_HOST"];
/// Words of a command that are looked at.
const MAX_WORDS: usize = 64;

/// Whether all that a command destroys lies in a database whose name says that tests make it anew.
pub(super) fn is_one(look: &Look<'_>, all: &[Candidate<'_>], base: &Candidate<'_>) -> bool {
    let Some(tool) = look.tool else { return false };
    let reaches = |reach: &Reach| matches!(reach, Reach::Database | Reach::Application);
    if look.seen.elsewhere || look.seen.privileged || !tool.reach.iter().any(reaches) {
        return false;
    }
    let dropped = dropped_databases(look);
    let is_data = |candidate: &Candidate<'_>| {
        let data = |category: &Category| {
            matches!(
                category,
                Category::DatabaseWrite
                    | Category::DatabaseSchema
                    | Category::DatabaseRead
                    | Category::ReadOnly
            )
        };
        let modifiers = &look.known.modifiers;
        candidate.id == modifiers.calls_destroy.id && tool.reach.contains(&Reach::Database)
            || candidate.id == modifiers.command_in_argument.id && dropped.is_some()
            || !candidate.categories.is_empty() && candidate.categories.iter().all(data)
    };
    // Nothing else in it may be what makes it loud.
    let loud = all.iter().chain([base]).filter(|candidate| candidate.total() >= 60);
    loud.into_iter().all(is_data)
        && is_here(look)
        && names_one(look, tool.reach.contains(&Reach::Application), dropped.as_deref())
}

/// Whether no option and no variable leads to another machine.
fn is_here(look: &Look<'_>) -> bool {
    let hosts = look.arguments.all_values().filter(|(name, _)| HOST.contains(name)).map(|(_, host)| host);
    let mut hosts = hosts.map(str::to_owned).chain(set(look, |name| HOST_VARIABLES.contains(&name)));
    hosts.all(|host| is_local(&host))
}

/// Whether what the command works on is named after tests, by itself or by the environment that it chooses.
fn names_one(look: &Look<'_>, application: bool, dropped: Option<&[String]>) -> bool {
    let context = &look.known.context;
    let by_option: Vec<&str> = {
        let named = look.arguments.all_values().filter(|(name, _)| DATABASE.contains(name));
        named.map(|(_, value)| value).filter(|value| !value.contains(' ')).collect()
    };
    if let Some(dropped) = dropped {
        return dropped.iter().all(|name| is_test(look, name));
    }
    if !by_option.is_empty() {
        return by_option.iter().all(|name| is_test(look, name));
    }
    let urls = set(look, |name| {
        let known = context.variables.get(&Reach::Database).into_iter().flatten();
        !HOST_VARIABLES.contains(&name) && known.into_iter().any(|pattern| glob(pattern, name))
    });
    if !urls.is_empty() {
        return urls.iter().all(|url| is_test(look, url));
    }
    if application {
        let is_environment = |name: &str| {
            let known = context.variables.get(&Reach::Application).into_iter().flatten();
            known.into_iter().any(|pattern| glob(pattern, name))
        };
        let mut chosen = set(look, is_environment);
        // `rake db:drop RAILS_ENV=test`
        chosen.extend(look.arguments.free().iter().take(MAX_WORDS).filter_map(|word| {
            word.text
                .split_once('=')
                .filter(|(name, _)| is_environment(name))
                .map(|(_, value)| value.to_owned())
        }));
        let named = look.arguments.all_values().filter(|(name, _)| ENVIRONMENT.contains(name));
        // `--settings=shop.settings.test`
        chosen.extend(named.filter_map(|(_, value)| value.rsplit(['.', '/']).next().map(str::to_owned)));
        return !chosen.is_empty()
            && chosen.iter().all(|value| context.throwaway_words.iter().any(|word| word == value));
    }
    let free = look.arguments.free().iter().take(MAX_WORDS).filter(|word| !word.text.contains(' '));
    let mut test = false;
    for word in free.filter(|word| !is_dump(&word.text)) {
        if !word.literal || paths::has_word(&word.text, &context.production_words) {
            return false;
        }
        test |= is_test(look, &word.text);
    }
    test
}

/// The databases that SQL among the arguments drops, if each of its statements drops or makes a whole one.
fn dropped_databases(look: &Look<'_>) -> Option<Vec<String>> {
    let reader = look.tool?.sql.as_ref()?;
    let mut given = look.arguments.values(&reader.options);
    let (text, true) = given.next()? else { return None };
    let mut dropped = Vec::new();
    let text = text.to_ascii_lowercase();
    for statement in text.split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
        let words: Vec<&str> = statement.split_whitespace().collect();
        match words.as_slice() {
            ["create", "database", ..] => {}
            ["drop", "database", "if", "exists", name] | ["drop", "database", name] => {
                dropped.push(name.trim_matches(['`', '"']).to_owned());
            }
            _ => return None,
        }
    }
    (given.next().is_none() && !dropped.is_empty()).then_some(dropped)
}

/// Whether the name, path or address of a database says that it is one of tests, and on this machine.
fn is_test(look: &Look<'_>, name: &str) -> bool {
    if name.contains(['$', '`']) {
        return false;
    }
    if name == ":memory:" {
        return true;
    }
    let database = match name.split_once("://") {
        Some((_, rest)) => {
            let (machine, path) = rest.split_once('/').unwrap_or((rest, ""));
            let host = machine.rsplit('@').next().unwrap_or(machine);
            if !is_local(host.rsplit_once(':').map_or(host, |(host, _)| host)) {
                return false;
            }
            path.split('?').next().unwrap_or(path)
        }
        None => name,
    };
    let throwaway = &look.known.context.throwaway_words;
    let mut parts = database.split(|c: char| !c.is_ascii_alphanumeric());
    parts.any(|part| throwaway.iter().any(|word| word == part))
        && !paths::has_word(database, &look.known.context.production_words)
}

fn is_local(host: &str) -> bool {
    matches!(host, "" | "localhost" | "127.0.0.1" | "::1" | "[::1]" | ".") || host.starts_with('/')
}

fn is_dump(file: &str) -> bool {
    [".sql", ".dump", ".gz", ".zst", ".tar", ".bak", ".json", ".csv"].iter().any(|end| file.ends_with(end))
}

/// The values of the variables of which `wanted` holds, as the command and its surroundings set them.
fn set(look: &Look<'_>, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    let mut at = Some(look.at);
    for _ in 0..4 {
        let Some(seen) = at.and_then(|number| look.all.get(number)) else { break };
        let assigned = seen.assignments.iter().filter(|(name, _)| wanted(name));
        values.extend(assigned.map(|(_, value)| value.text.to_lossy().into_owned()));
        at = seen.parent;
    }
    let inherited = look.request.env.iter().filter_map(|(name, value)| Some((name.as_str()?, value)));
    values.extend(inherited.filter(|(name, _)| wanted(name)).map(|(_, value)| value.to_lossy().into_owned()));
    values
}
