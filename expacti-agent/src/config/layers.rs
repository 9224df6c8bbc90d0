//! The layers of a configuration: a file, and one for each variable of the environment that sets something.

use expacti_core::rules::read::{Problems, Table};
use expacti_core::rules::{Problem, Source};
use toml::de::{DeTable, DeValue};

use super::{Mistakes, SECTIONS};

/// One layer on its way to being read.
pub(super) struct Layer<'a> {
    /// All of it.
    pub(super) table: Table<'a>,
    /// A file is read by more people than should know a password; the environment of the daemon is not.
    pub(super) may_hold_secrets: bool,
}

/// Reads a file and the environment over it. Variables that set nothing of ours are left alone: Kubernetes, for one, puts
/// some into every container that begin as ours do.
pub(super) fn read_layers<T>(
    name: &str,
    text: &str,
    environment: impl IntoIterator<Item = (String, String)>,
    read: impl FnOnce(&[Layer<'_>]) -> T,
) -> Result<T, Mistakes> {
    let mut sources = vec![Source::file(name, text)];
    let mut variables: Vec<_> = environment.into_iter().collect();
    variables.sort_unstable();
    sources.extend(variables.iter().filter_map(|(name, value)| as_source(name, value)));

    let problems: Vec<_> = sources.iter().map(Problems::new).collect();
    let mut parsed = Vec::new();
    for (source, problems) in sources.iter().zip(&problems) {
        match DeTable::parse(&source.text) {
            Ok(table) => parsed.push((table, problems)),
            Err(error) => problems.add(
                error.span().map_or(0, |span| span.start),
                "",
                format!("this is not TOML: {}", error.message().trim().replace('\n', ", ")),
                "mend the syntax; `expacti config default` shows every key",
            ),
        }
    }
    let layers: Vec<_> = parsed
        .iter()
        .enumerate()
        .map(|(number, (table, problems))| Layer {
            table: Table::new(table.get_ref(), 0, "", problems),
            may_hold_secrets: number > 0,
        })
        .collect();
    let value = read(&layers);
    drop(layers);
    drop(parsed);

    let mut lines = Vec::new();
    for (number, problems) in problems.into_iter().enumerate() {
        let mut found = problems.into_found();
        found.sort();
        lines.extend(
            found.iter().map(|problem| if number == 0 { problem.to_string() } else { of_variable(problem) }),
        );
    }
    if lines.is_empty() { Ok(value) } else { Err(Mistakes(lines)) }
}

/// `EXPACTI_LOG_RETENTION=30d` as `[log]`, `retention = "30d"`.
fn as_source(variable: &str, value: &str) -> Option<Source> {
    let name = variable.strip_prefix("EXPACTI_")?;
    for (section, keys) in SECTIONS {
        for key in keys {
            let path = if section.is_empty() { (*key).to_owned() } else { format!("{section}.{key}") };
            if path.replace('.', "_").to_ascii_uppercase() == name {
                return Some(Source::file(variable, format!("{path} = {}", as_toml(value))));
            }
        }
    }
    None
}

/// What is a number, a truth value, a list or a table in TOML is that here; everything else is a text.
fn as_toml(value: &str) -> String {
    let whole = format!("value = {value}");
    let is_structured = DeTable::parse(&whole).is_ok_and(|table| {
        let only = table.get_ref().len() == 1;
        let value = table.get_ref().get("value");
        only && value.is_some_and(|value| {
            matches!(
                value.get_ref(),
                DeValue::Integer(_) | DeValue::Boolean(_) | DeValue::Array(_) | DeValue::Table(_)
            )
        })
    });
    if is_structured { value.to_owned() } else { toml::Value::String(value.to_owned()).to_string() }
}

/// There is one line in a variable, so its place says nothing.
fn of_variable(problem: &Problem) -> String {
    format!("{}: {}; {}", problem.at.file, problem.what, problem.help)
}
