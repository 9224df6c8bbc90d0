//! What a piece of SQL does, as the names of classes in `knowledge/sql.toml`.
//!
//! SQL that parses is classed by its tree; the rest by the most dangerous of its keywords, outside of literals and
//! comments. The parser backtracks, so texts that are long or deeply nested go to the keywords at once.

mod keywords;
mod parsed;

use std::collections::BTreeMap;

use sqlparser::dialect::{Dialect, GenericDialect, MySqlDialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::Parser;

use crate::tools::{SqlSource, Statement};

/// Longer texts are not parsed.
const MAX_PARSED: usize = 8 * 1024;
/// Texts with more parentheses in each other are not parsed.
const MAX_NESTING: usize = 8;
/// Statements of one text that are told apart.
const MAX_STATEMENTS: usize = 256;

/// The classes of the statements in `text`, keys of `known`.
pub(crate) fn classes<'k>(
    text: &str,
    source: SqlSource,
    known: &'k BTreeMap<String, Statement>,
) -> Vec<&'k str> {
    let mut found = Vec::new();
    let mut add = |class: &str| {
        if let Some((key, _)) = known.get_key_value(class)
            && !found.contains(&key.as_str())
        {
            found.push(key.as_str());
        }
    };
    if source == SqlSource::Sqlite && text.trim_start().starts_with('.') {
        add(keywords::dot_command(text));
        return found;
    }
    let words = keywords::tokens(text);
    let mut statements = 0;
    for statement in keywords::statements(&words) {
        statements += 1;
        if statements > MAX_STATEMENTS {
            add("unknown");
            break;
        }
        let source_text = keywords::source(text, statement);
        // Functions that do something are called from harmless statements too, so keywords are looked at in any case.
        for class in keywords::functions(statement, known) {
            add(class);
        }
        if keywords::runs_text(statement) {
            // DO and EXECUTE run what stands in literals, so these are looked at as code.
            let inside = source_text.replace(['\'', '"', '$'], " ");
            let inner = keywords::tokens(&inside);
            add(keywords::class(&inner, &inside, known));
        }
        for class in keywords::settings(statement, known) {
            add(class);
        }
        match parse(source_text, source) {
            Some(parsed) => parsed.iter().for_each(|parsed| match parsed::class(parsed) {
                "unknown" => add(keywords::class(statement, source_text, known)),
                class => add(class),
            }),
            None => add(keywords::class(statement, source_text, known)),
        }
    }
    found
}

/// Whether a text that nobody called SQL is some, of the kind that changes something: `drop table x`, `delete from x`.
pub(crate) fn looks_like_sql(text: &str) -> bool {
    const FIRST: [&str; 9] =
        ["drop", "truncate", "delete", "alter", "update", "grant", "insert", "create", "detach"];
    let is_letter = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let bytes = text.as_bytes();
    let begins = |at: usize, word: &str| {
        bytes.get(at..at + word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word.as_bytes()))
            && !at.checked_sub(1).is_some_and(|before| is_letter(bytes[before]))
            && !bytes.get(at + word.len()).is_some_and(|b| is_letter(*b))
    };
    let starts = bytes.iter().enumerate().filter(|(_, b)| b"dtaugicDTAUGIC".contains(b));
    starts.map(|(at, _)| at).any(|at| {
        let Some(first) = FIRST.iter().find(|word| begins(at, word)) else { return false };
        let rest = text.get(at + first.len()..).unwrap_or_default();
        let words: Vec<String> = rest.split_whitespace().take(8).map(str::to_ascii_lowercase).collect();
        keywords::is_statement(first, &words)
    })
}

fn parse(text: &str, source: SqlSource) -> Option<Vec<sqlparser::ast::Statement>> {
    if text.len() > MAX_PARSED || nesting(text) > MAX_NESTING || text.trim_start().starts_with(['\\', '.']) {
        return None;
    }
    let dialect: &dyn Dialect = match source {
        SqlSource::Postgresql => &PostgreSqlDialect {},
        SqlSource::Mysql => &MySqlDialect {},
        SqlSource::Sqlite => &SQLiteDialect {},
        SqlSource::Generic => &GenericDialect {},
    };
    Parser::parse_sql(dialect, text).ok().filter(|statements| !statements.is_empty())
}

/// The deepest nesting of brackets, and of what else makes the parser call itself, counted generously: nothing that
/// closes inside of a literal is taken for a close.
fn nesting(text: &str) -> usize {
    let mut open = 0usize;
    let mut deepest = 0;
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' | b'<' => open += 1,
            b')' | b']' | b'}' | b'>' => open = open.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(open);
    }
    let lower = text.to_ascii_lowercase();
    let repeats = ["not ", "case ", "- -", "--", "+ +", "~ ~", "explain ", "interval ", "with "];
    let repeated = repeats.iter().map(|word| lower.matches(word).count() / 8).max().unwrap_or_default();
    deepest.max(repeated)
}

#[cfg(test)]
mod tests;
