//! `match` and `not_match`: requests that a rule must and must not match.

use crate::request::{Agent, ExecRequest, Executable};
use crate::rules::examples::Example;
use crate::rules::quote::unquoted;
use crate::rules::read::{Item, Table};
use crate::untrusted::Untrusted;

const KEYS: [&str; 7] = ["argv", "shell", "cwd", "env", "agent", "user", "exe"];

pub(super) fn examples(table: &Table<'_>) -> Option<Vec<Example>> {
    let mut examples = Vec::new();
    for (key, matches) in [("match", true), ("not_match", false)] {
        let Some(item) = table.get(key) else { continue };
        let Some(items) = item.array() else {
            item.problem("examples are a list", "put them in brackets");
            return None;
        };
        for item in &items {
            examples.push(Example {
                request: example(item)?,
                matches,
                offset: item.offset,
                key: item.key.clone(),
            });
        }
    }
    Some(examples)
}

fn example(item: &Item<'_>) -> Option<ExecRequest> {
    if let Some(items) = item.array() {
        return Some(ExecRequest { argv: words(&items)?, ..ExecRequest::default() });
    }
    if let toml::de::DeValue::String(text) = item.value {
        return Some(ExecRequest { argv: typed_in_a_shell(text), ..ExecRequest::default() });
    }
    let table = item.table()?;
    table.only(&KEYS);
    let text = |key| table.get(key).map_or(Some(None), |item| item.text().map(Some));
    let argv = match (table.get("argv"), text("shell")?) {
        (Some(item), None) => words(&item.list())?,
        (None, Some(shell)) => in_a_shell(shell),
        (Some(_), Some(_)) | (None, None) => {
            table.problem("an example has argv or shell", "write one of the two");
            return None;
        }
    };
    let mut request = ExecRequest { argv, cwd: text("cwd")?.map(Untrusted::from), ..ExecRequest::default() };
    request.agent = Agent { name: text("agent")?.unwrap_or_default().to_owned(), ..Agent::default() };
    if let Some(path) = text("exe")? {
        request.exe = Executable { path: path.into(), ..Executable::default() };
    }
    if let Some(user) = table.get("user") {
        let uid = u32::try_from(user.integer_within(0, i64::from(u32::MAX) - 1)?).ok()?;
        request.credentials.uid = uid;
        request.credentials.euid = uid;
    }
    if let Some(env) = table.get("env") {
        for (name, value) in env.table()?.items() {
            request.env.insert(name.into(), value.text()?.into());
        }
    }
    Some(request)
}

fn words(items: &[Item<'_>]) -> Option<Vec<Untrusted>> {
    items.iter().map(|item| item.text().map(Untrusted::from)).collect()
}

/// Plain words are the command itself; anything else needs a shell.
fn typed_in_a_shell(text: &str) -> Vec<Untrusted> {
    // A tilde and braces are words to us and more to a shell.
    let plain =
        unquoted(text).filter(|words| !words.is_empty() && !text.contains(['*', '?', '[', '{', '~', '=']));
    match plain {
        Some(words) => words.into_iter().map(Untrusted::from).collect(),
        None => in_a_shell(text),
    }
}

fn in_a_shell(text: &str) -> Vec<Untrusted> {
    ["sh", "-c", text].map(Untrusted::from).to_vec()
}
