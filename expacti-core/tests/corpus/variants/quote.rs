//! Quoting for shells and for string literals of other languages.

/// A character that no shell gives a meaning, wherever it stands in an argument.
pub(crate) fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_./:@%+=,-".contains(c)
}

/// One word for a POSIX shell.
pub(crate) fn word(word: &str) -> String {
    if !word.is_empty() && word.chars().all(is_plain) { word.into() } else { single(word) }
}

/// Words for a POSIX shell, so that it sees exactly these arguments.
pub(crate) fn join(words: &[String]) -> String {
    words.iter().map(|w| word(w)).collect::<Vec<_>>().join(" ")
}

/// In single quotes, whatever is inside.
pub(crate) fn single(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A string literal in double quotes that Python, awk, Ruby, Lua and JavaScript read alike.
pub(crate) fn literal(text: &str) -> String {
    format!(
        "\"{}\"",
        text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\t', "\\t")
    )
}

/// A string literal in single quotes for Perl and PHP.
pub(crate) fn perl(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// Every byte written by `each`.
pub(crate) fn bytes(text: &str, each: impl Fn(u8) -> String) -> String {
    text.bytes().map(each).collect()
}
