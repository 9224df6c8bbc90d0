//! Whether a program loads what was brought, because an option or its text says so.

use super::known::Known;
use crate::score::Look;
use crate::tools::Tool;

/// Values, and names in program text, that are compared with what was brought.
const MAX_LOADED: usize = 64;
/// How program text loads other files, by language: calls, and endings that may be left out.
const LOADING: [(&str, &[&str], &[&str]); 5] = [
    (
        "python",
        &["import ", "from ", "CDLL(", "LoadLibrary(", "import_module(", "run_path(", "exec(open("],
        &[".py", ".so"],
    ),
    (
        "javascript",
        &["require(", "import(", "import ", "from ", "dlopen("],
        &[".js", ".mjs", ".cjs", ".ts", ".node"],
    ),
    ("ruby", &["require ", "require_relative ", "require(", "load ", "load("], &[".rb", ".so"]),
    ("perl", &["require ", "do ", "use "], &[".pl", ".pm"]),
    (
        "php",
        &["include ", "require ", "include_once ", "require_once ", "include(", "require("],
        &[".php", ".phar"],
    ),
];

/// Whether one of its options loads a file that was brought: `node -r ./x.js`, `java -javaagent:x.jar`.
pub(super) fn by_option(look: &Look<'_>, tool: &Tool, brought: &Known) -> bool {
    let directory = look.seen.directory.as_deref();
    let is_one = |file: &str| brought.has_file(file, directory);
    let named = look.arguments.values(&tool.loads).map(|(value, _)| value);
    let behind_colon = look.arguments.flag_names().filter_map(|name| {
        let (name, file) = name.split_once(':')?;
        tool.loads.iter().any(|option| option == name).then_some(file)
    });
    named.chain(behind_colon).take(MAX_LOADED).any(|value| value.split(':').chain([value]).any(is_one))
}

/// Whether its program text loads a file that was brought: `import x`, `require('./x')`.
pub(super) fn by_text(look: &Look<'_>, brought: &Known) -> bool {
    let directory = look.seen.directory.as_deref();
    look.seen.code.iter().any(|(language, text)| {
        let Some((_, calls, endings)) = LOADING.iter().find(|(known, ..)| known == language) else {
            return false;
        };
        let mut names = named_behind(text, calls).take(MAX_LOADED);
        brought.may_be_named_in(text)
            && names.any(|name| {
                // `from kit.run import main`
                let module = if language == "python" { name.replace('.', "/") } else { name.to_owned() };
                endings.iter().any(|end| {
                    name.ends_with(end) && brought.has_file(name, directory)
                        || brought.has_file(&format!("{module}{end}"), directory)
                })
            })
    })
}

/// What stands behind these calls: in quotes, parentheses or bare.
fn named_behind<'s>(text: &'s str, calls: &'s [&str]) -> impl Iterator<Item = &'s str> {
    let behind = |call: &'s &str| text.match_indices(*call).map(|(at, found)| &text[at + found.len()..]);
    let quoted = |c: char| matches!(c, ' ' | '(' | '"' | '\'' | '`');
    let ends = |c: char| matches!(c, '"' | '\'' | '`' | ')' | ';' | ',' | '\n' | ' ');
    let names = calls.iter().flat_map(behind);
    names
        .filter_map(move |rest| rest.trim_start_matches(quoted).split(ends).next())
        .filter(|name| !name.is_empty())
}
