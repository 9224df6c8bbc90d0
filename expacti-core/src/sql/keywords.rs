//! SQL by its words: for what does not parse, and for functions that act from within harmless statements.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::tools::{Statement, Undo};

/// A word, or `;`, outside of literals and comments.
#[derive(Debug)]
pub(super) struct Token {
    word: String,
    at: Range<usize>,
    /// A parenthesis follows.
    called: bool,
}

/// What can be dropped, altered or made.
const THINGS: [&str; 26] = [
    "table",
    "tables",
    "database",
    "schema",
    "keyspace",
    "index",
    "view",
    "materialized",
    "user",
    "role",
    "column",
    "collection",
    "stream",
    "function",
    "procedure",
    "trigger",
    "warehouse",
    "stage",
    "pipe",
    "sequence",
    "owned",
    "tablespace",
    "login",
    "system",
    "extension",
    "partition",
];

/// Whether a verb of SQL and the words behind it are the beginning of a statement, not of a sentence.
pub(super) fn is_statement(verb: &str, rest: &[String]) -> bool {
    let word = |at: usize| rest.get(at).map_or("", |word| word.trim_end_matches([';', ',']));
    let has = |wanted: &str| rest.iter().any(|word| word == wanted);
    match verb {
        "drop" | "alter" | "create" => THINGS.contains(&word(0)) && !word(1).is_empty(),
        "truncate" => word(0) == "table" && !word(1).is_empty(),
        "delete" => word(0) == "from" && !word(1).is_empty(),
        "insert" => word(0) == "into" && (has("values") || has("select")),
        "update" => word(1) == "set" || word(2) == "set",
        "grant" => has("to") && (has("on") || has("all")),
        // Cypher.
        "detach" => word(0) == "delete",
        _ => false,
    }
}

/// The words of a text. Literals and quoted names are left out; the bodies of `$$..$$` and what MySQL runs from
/// `/*! .. */` are not, because they are code.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let start = at;
        match byte {
            b'\'' | b'"' | b'`' => at = after_literal(bytes, at),
            b'-' if bytes.get(at + 1) == Some(&b'-') => at = after_line(bytes, at),
            b'#' => at = after_line(bytes, at),
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                if bytes.get(at + 2) == Some(&b'!') {
                    at += 3;
                } else {
                    at = find(bytes, at + 2, b"*/").map_or(bytes.len(), |end| end + 2);
                }
            }
            b';' => {
                at += 1;
                found.push(Token { word: ";".to_owned(), at: start..at, called: false });
            }
            b'_' | b'a'..=b'z' | b'A'..=b'Z' | b'\\' | 0x80.. => {
                at += 1;
                while bytes
                    .get(at)
                    .is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'!' | 0x80..))
                {
                    at += 1;
                }
                let word = text.get(start..at).unwrap_or_default().to_ascii_lowercase();
                found.push(Token { word, at: start..at, called: bytes.get(at) == Some(&b'(') });
            }
            b'=' | b'0'..=b'9' => {
                at += 1;
                found.push(Token { word: char::from(*byte).to_string(), at: start..at, called: false });
            }
            _ => at += 1,
        }
    }
    found
}

fn after_literal(bytes: &[u8], start: usize) -> usize {
    let quote = bytes[start];
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        if *byte == b'\\' && quote == b'\'' && bytes.get(at) == Some(&b'\'') {
            at += 1;
        } else if *byte == quote {
            break;
        }
    }
    at
}

fn after_line(bytes: &[u8], start: usize) -> usize {
    find(bytes, start, b"\n").unwrap_or(bytes.len())
}

fn find(bytes: &[u8], from: usize, needle: &[u8]) -> Option<usize> {
    bytes.get(from..)?.windows(needle.len()).position(|window| window == needle).map(|at| from + at)
}

/// The tokens of each statement.
pub(super) fn statements(tokens: &[Token]) -> impl Iterator<Item = &[Token]> {
    tokens.split(|token| token.word == ";").filter(|statement| !statement.is_empty())
}

/// The text a statement was read from, up to the next `;`.
pub(super) fn source<'t>(text: &'t str, statement: &[Token]) -> &'t str {
    let Some(first) = statement.first() else { return "" };
    let end = statement.last().map_or(first.at.end, |last| last.at.end);
    let rest = text.get(end..).unwrap_or_default();
    let tail = rest.find(';').unwrap_or(rest.len());
    text.get(first.at.start..end + tail).unwrap_or_default()
}

/// The class of a statement that does not parse.
pub(super) fn class<'k>(
    statement: &[Token],
    source: &str,
    known: &'k BTreeMap<String, Statement>,
) -> &'k str {
    let Some(first) = statement.first() else { return "meta" };
    if first.word.starts_with('\\') {
        return key(known, client_command(&first.word, statement, source));
    }
    if first.word == "system" && source.len() > "system".len() && statement.len() > 1 && !source.contains('=')
    {
        return key(known, "client-shell");
    }
    if matches!(first.word.as_str(), "explain" | "describe" | "desc") {
        let analyzes = statement.get(1).is_some_and(|token| token.word.starts_with("analy"));
        let inner = if analyzes { statement.get(2..).unwrap_or_default() } else { &[] };
        let class = if inner.is_empty() { "explain" } else { class(inner, source, known) };
        return key(
            known,
            if matches!(class, "select" | "select-for-update" | "maintenance") { "explain" } else { class },
        );
    }
    // At its start the longest fitting words tell what it is; after that any that is worse.
    let mut best: Option<(&str, usize)> = None;
    for (name, entry) in known {
        for keyword in &entry.keywords {
            let length = keyword.len();
            if begins(statement, keyword) && best.is_none_or(|(_, longest)| length > longest) {
                best = Some((name, length));
            }
        }
    }
    let words = words(statement);
    let mut worst = best.map(|(name, _)| name);
    let points = |name: &str| known.get(name).map_or(0, |entry| entry.points);
    for (name, entry) in known {
        if worst.is_none_or(|name| entry.points > points(name))
            && entry.undo >= Undo::Hard
            && entry
                .keywords
                .iter()
                .any(|keyword| begins_with_one(keyword, &words) && occurs(statement, keyword))
        {
            worst = Some(name);
        }
    }
    let elided = source.contains("...") || source.contains('…');
    let no_where = !elided && !statement.iter().any(|token| token.word == "where");
    match worst {
        Some("update") if no_where && first.word == "update" => key(known, "update-all"),
        Some("delete") if no_where => key(known, "delete-all"),
        Some(name) => key(known, name),
        None => key(known, "unknown"),
    }
}

/// Classes of functions and clauses that act wherever they stand.
pub(super) fn functions<'k>(
    statement: &'k [Token],
    known: &'k BTreeMap<String, Statement>,
) -> impl Iterator<Item = &'k str> {
    let words = words(statement);
    // `pg_drop_replication_slot(`, `delete_job(`: a call whose name says what it takes away.
    let destroys = statement.iter().any(|token| {
        let parts = token.word.split('_').filter(|_| token.called);
        token.word.contains('_')
            && parts.take(4).any(|part| {
                matches!(part, "drop" | "delete" | "purge" | "destroy" | "truncate" | "wipe" | "unlink")
            })
    });
    let by_name = known.get_key_value("delete").filter(|_| destroys).map(|(key, _)| key.as_str());
    by_name.into_iter().chain(
        ["server-program", "kill-session", "disable-safety", "secret-table"].into_iter().filter_map(
            move |name| {
                let (key, entry) = known.get_key_value(name)?;
                let found = |keyword: &String| begins_with_one(keyword, &words) && occurs(statement, keyword);
                entry.keywords.iter().any(found).then_some(key.as_str())
            },
        ),
    )
}

/// Classes of statements that parse as harmless settings and are not (`SET GLOBAL`, `RESET MASTER`).
pub(super) fn settings<'k>(
    statement: &'k [Token],
    known: &'k BTreeMap<String, Statement>,
) -> impl Iterator<Item = &'k str> {
    let sets = statement
        .first()
        .is_some_and(|token| matches!(token.word.as_str(), "set" | "reset" | "change" | "stop"));
    ["grant", "lock"].into_iter().filter(move |_| sets).filter_map(move |name| {
        let (key, entry) = known.get_key_value(name)?;
        entry.keywords.iter().any(|keyword| begins(statement, keyword)).then_some(key.as_str())
    })
}

/// The class of a command of SQLite's client.
pub(super) fn dot_command(text: &str) -> &'static str {
    match text.split_whitespace().next().unwrap_or_default() {
        ".shell" | ".system" => "client-shell",
        ".import" | ".read" | ".restore" | ".clone" | ".load" | ".recover" => "copy-in",
        _ => "meta",
    }
}

/// Whether a statement runs text: `DO`, `EXECUTE`, `PREPARE`, or a call of them inside.
pub(super) fn runs_text(statement: &[Token]) -> bool {
    let runs = |word: &str| matches!(word, "do" | "execute" | "prepare" | "exec" | "sp_executesql");
    statement.first().is_some_and(|token| runs(&token.word))
        || statement.iter().skip(1).any(|token| token.word == "execute")
}

fn client_command(word: &str, statement: &[Token], source: &str) -> &'static str {
    let runs = statement.iter().any(|token| token.word == "program");
    match word {
        "\\copy" if runs => "server-program",
        "\\g" | "\\o" | "\\gx" | "\\w" if source.contains('|') => "client-shell",
        "\\!" => "client-shell",
        "\\copy" if statement.iter().any(|token| token.word == "from") => "copy-in",
        "\\copy" => "copy-out",
        "\\i" | "\\ir" | "\\include" | "\\g" | "\\gexec" | "\\o" | "\\setenv" | "\\cd" => "unknown",
        _ if word.starts_with("\\!") => "client-shell",
        _ => "meta",
    }
}

/// The different words of a statement, so that what cannot occur is not searched for.
/// The words of a statement, and with what bytes they begin: of most keywords there is none to begin with.
struct Words<'t> {
    all: BTreeSet<&'t str>,
    beginnings: [bool; 256],
}

fn words(statement: &[Token]) -> Words<'_> {
    let mut words = Words { all: BTreeSet::new(), beginnings: [false; 256] };
    for token in statement {
        words.all.insert(&token.word);
        if let Some(first) = token.word.bytes().next() {
            words.beginnings[usize::from(first)] = true;
        }
    }
    words
}

fn begins_with_one(keyword: &str, words: &Words<'_>) -> bool {
    keyword.bytes().next().is_some_and(|first| words.beginnings[usize::from(first)])
        && keyword.split([' ', '=']).next().is_some_and(|first| words.all.contains(first))
}

fn begins(statement: &[Token], keyword: &str) -> bool {
    // Of most, the first word is already another.
    let may_fit = |first: &Token| match keyword.bytes().next() {
        Some(b'*' | b' ' | b'=') => true,
        byte => byte == first.word.bytes().next() && keyword.starts_with(&first.word),
    };
    statement.first().is_some_and(may_fit) && fits(statement, keyword)
}

fn occurs(statement: &[Token], keyword: &str) -> bool {
    (0..statement.len()).any(|start| fits(&statement[start..], keyword))
}

/// Whether the words of `keyword` stand at the start of `tokens`, in order; `*` lets others stand between.
fn fits(tokens: &[Token], keyword: &str) -> bool {
    let mut rest = tokens;
    let mut gap = false;
    for part in keyword.split([' ', '=']) {
        if part == "*" {
            gap = true;
            continue;
        }
        let part = if part.is_empty() { "=" } else { part };
        let reach = if gap { rest.len().min(64) } else { 1 };
        let Some(at) = rest.iter().take(reach).position(|token| token.word == part) else { return false };
        rest = &rest[at + 1..];
        if rest.first().is_some_and(|token| token.word == "=") && keyword.contains('=') {
            rest = &rest[1..];
        }
        gap = false;
    }
    true
}

fn key<'k>(known: &'k BTreeMap<String, Statement>, name: &str) -> &'k str {
    known.get_key_value(name).map_or("unknown", |(key, _)| key.as_str())
}
