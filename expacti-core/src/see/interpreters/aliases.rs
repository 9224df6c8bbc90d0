//! Other names for modules and functions in program text: `import subprocess as s`, `from os import system as x`.

/// Imports of one text that are followed.
const MAX_IMPORTS: usize = 16;
/// Longer texts are taken as they are.
const MAX_TEXT: usize = 16 * 1024;

/// The text with the modules' own names in place of others; none where there are no others.
pub(super) fn resolved(text: &str) -> Option<String> {
    if text.len() > MAX_TEXT || !text.contains("import ") {
        return None;
    }
    let mut changed = text.to_owned();
    for (name, meant) in imports(text).take(MAX_IMPORTS) {
        changed = renamed(&changed, &name, &meant);
    }
    (changed != text).then_some(changed)
}

/// Names that a text gives, and what they stand for.
fn imports(text: &str) -> impl Iterator<Item = (String, String)> + '_ {
    let statements = text.split(['\n', ';']).map(str::trim);
    statements.flat_map(|statement| {
        let words: Vec<&str> = statement.split([' ', '\t', ',']).filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            ["import", rest @ ..] => aliases(rest, ""),
            ["from", module, "import", rest @ ..] => aliases(rest, &format!("{module}.")),
            _ => Vec::new(),
        }
    })
}

/// `a, b as c`
fn aliases(words: &[&str], module: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let named = at > 0 && words[at - 1] == "as";
        if *word == "as" || named {
            continue;
        }
        let alias = match words.get(at + 1..at + 3) {
            Some(["as", alias]) => *alias,
            _ => *word,
        };
        let meant = format!("{module}{word}");
        if alias != meant && is_name(alias) {
            found.push((alias.to_owned(), meant));
        }
    }
    found
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(in_name)
}

fn in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Puts `meant` where `name` is called or looked into.
fn renamed(text: &str, name: &str, meant: &str) -> String {
    let mut changed = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(name) {
        let (before, after) = (&rest[..at], &rest[at + name.len()..]);
        let begins = !before.as_bytes().last().is_some_and(|byte| in_name(*byte) || *byte == b'.');
        let used = after.starts_with(['.', '(']);
        changed.push_str(before);
        changed.push_str(if begins && used { meant } else { name });
        rest = after;
    }
    changed.push_str(rest);
    changed
}

#[cfg(test)]
mod tests {
    use super::resolved;

    #[test]
    fn other_names_are_looked_through() {
        for (text, meant) in [
            ("import subprocess as s; s.run(['rm'])", Some("import subprocess as s; subprocess.run(['rm'])")),
            ("from os import system as x\nx('id')", Some("from os import system as x\nos.system('id')")),
            (
                "from shutil import rmtree, move; rmtree('a')",
                Some("from shutil import rmtree, move; shutil.rmtree('a')"),
            ),
            ("import os, shutil as sh; sh.rmtree('a')", Some("import os, shutil as sh; shutil.rmtree('a')")),
            ("import os; files.run('a')", None),
            ("print('import x as y')", None),
        ] {
            assert_eq!(resolved(text).as_deref(), meant, "{text}");
        }
    }
}
