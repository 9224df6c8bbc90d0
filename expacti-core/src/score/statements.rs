//! SQL and program text inside a command.

use std::borrow::Cow;
use std::collections::HashSet;

use super::read_once::Verdict;
use super::{Candidate, Look, calls, net, read_once};
use crate::request::Stdin;
use crate::see::{Input, carries_program, is_standard_input, written};
use crate::sql;
use crate::tools::{Call, Category, SqlReader, SqlSource, Statement, Undo};

/// Bytes of program text that are searched for calls.
const MAX_CODE: usize = 64 * 1024;

/// Statements of one program text that are read.
const MAX_STATEMENTS: usize = 32;

/// How statements begin that take something away or give something.
const DESTROYING: [&str; 6] = ["delete", "drop", "truncate", "update", "alter", "grant"];

pub(super) fn candidates<'t>(look: &Look<'t>) -> Vec<Candidate<'t>> {
    let mut found = Vec::new();
    if let Some(reader) = look.tool.and_then(|tool| tool.sql.as_ref()) {
        sql_candidates(look, reader, &mut found);
    }
    for (language, text) in &look.seen.code {
        code_candidates(look, language, text, &mut found);
    }
    if look.seen.code.is_empty()
        && let Some(text) = program_on_input(look)
    {
        code_candidates(look, "", text, &mut found);
    }
    found
}

/// What a program that builds or runs others is given as its standard input by name: `go run - <<< '...'`.
fn program_on_input<'s>(look: &Look<'s>) -> Option<&'s str> {
    let category = |category: &Category| matches!(category, Category::BuildAndTest | Category::CodeExecution);
    let runs = look.tool?.otherwise.categories.iter().any(category);
    let named = look.arguments.free().iter().any(|word| is_standard_input(&word.text));
    match &look.seen.input {
        Input::Text(text) if runs && named => Some(text),
        Input::Text(_) | Input::Request | Input::Pipe | Input::File => None,
    }
}

fn sql_candidates<'t>(look: &Look<'t>, reader: &'t SqlReader, found: &mut Vec<Candidate<'t>>) {
    let known = look.known;
    let first = look.arguments.free().first().map(|word| word.text.as_ref());
    if !reader.under.is_empty() && !reader.under.iter().any(|under| Some(under.as_str()) == first) {
        return;
    }
    let mut texts: Vec<Cow<'_, str>> = Vec::new();
    texts.extend(look.arguments.values(&reader.options).map(|(text, _)| Cow::Borrowed(text)));
    if let Some(from) = reader.from_argument {
        texts.extend(look.arguments.free().iter().skip(from).map(|word| Cow::Borrowed(word.text.as_ref())));
    }
    if texts.is_empty() {
        net::statements_in(look, found);
        net::calls_in(look, found);
    }
    let mut read = HashSet::new();
    let written = look
        .arguments
        .values(&reader.files)
        .filter(|(file, _)| read.insert(*file))
        .filter_map(|(file, _)| written::text_of(look.all, look.at, file));
    let mut given: Vec<Cow<'_, str>> = written.map(Cow::Owned).collect();
    let mut unseen =
        look.arguments.values(&reader.files).any(|(file, _)| !matches!(file, "-" | "/dev/stdin"));
    if texts.is_empty() && given.is_empty() && !unseen && !reader.options_only {
        match &look.seen.input {
            Input::Text(text) => given.push(Cow::Borrowed(text.as_ref())),
            Input::Pipe | Input::File => unseen = true,
            Input::Request => {
                unseen = carries_program(&look.request.stdin) && look.request.stdin != Stdin::Other;
            }
        }
    }
    if unseen && receives_a_dump(look) {
        found.push(Look::stand_alone(&known.modifiers.bulk_to_network, Category::DatabaseWrite));
    }
    if unseen {
        let named = look.arguments.values(&reader.files).map(|(file, _)| Cow::Borrowed(file));
        let redirected = look.seen.redirections.iter().filter(|redirection| !redirection.writes);
        let read = redirected.filter_map(|redirection| redirection.target.as_ref());
        let mut files = named.chain(read.map(|target| target.text.to_lossy()));
        let made = look.seen.upstream.iter().filter_map(|number| look.all.get(*number));
        let mut texts = made.flat_map(|earlier| earlier.words.iter().skip(1).take(32));
        let destroys = texts.any(|word| sql::looks_like_sql(&word.text.to_lossy()));
        let modifier = if destroys || files.any(|file| net::names_destruction(look, &file)) {
            &known.modifiers.name_destroys
        } else {
            &known.modifiers.input_unknown
        };
        found.push(Look::stand_alone(modifier, Category::DatabaseWrite));
    }
    for text in texts {
        statements_of(look, &Verdict::of(look, &text, reader.dialect), found);
    }
    for text in given {
        match look.so_far.read_once.given(look, &text, reader.dialect) {
            Some(verdict) => statements_of(look, &verdict, found),
            None => found.push(read_once::too_much(look)),
        }
    }
}

fn statements_of<'t>(look: &Look<'t>, verdict: &Verdict, found: &mut Vec<Candidate<'t>>) {
    let known = look.known;
    if verdict.names_system_file {
        found.push(Look::stand_alone(&known.modifiers.secret_path, Category::SecretsAndCredentials));
    }
    if verdict.calls_destroy {
        let mut candidate = Look::stand_alone(&known.modifiers.calls_destroy, Category::DatabaseWrite);
        candidate.undo = Undo::Hard;
        found.push(candidate);
    }
    of_classes(look, &verdict.classes, found);
}

/// What the table of statements says about some classes.
pub(super) fn of_classes<'t>(look: &Look<'t>, classes: &[impl AsRef<str>], found: &mut Vec<Candidate<'t>>) {
    for class in classes {
        if let Some((name, statement)) = look.known.sql.get_key_value(class.as_ref()) {
            found.push(of_statement(&format!("sql.{name}"), statement));
        }
    }
}

/// Whether a whole database is written into one on another machine: `pg_dump a | psql -h b`.
fn receives_a_dump(look: &Look<'_>) -> bool {
    let dumps = |number: &usize| {
        let seen = look.all.get(*number);
        seen.and_then(|seen| look.tools.find(&seen.program.name)).is_some_and(|tool| tool.bulk)
    };
    let mut hosts = look.arguments.all_values().filter(|(name, _)| matches!(*name, "-h" | "--host"));
    let elsewhere =
        |host: &str| !matches!(host, "localhost" | "127.0.0.1" | "::1" | "") && !host.starts_with('/');
    look.seen.upstream.iter().any(dumps) && hosts.any(|(_, host)| elsewhere(host))
}

/// What a row of a table of statements or requests says.
pub(super) fn of_statement<'t>(id: &str, statement: &'t Statement) -> Candidate<'t> {
    Candidate {
        id: Cow::Owned(id.to_owned()),
        points: statement.points,
        why: Cow::Borrowed(&statement.why),
        categories: Cow::Owned(vec![statement.category]),
        undo: statement.undo,
        production: statement.production,
        with: Vec::new(),
    }
}

/// The last place up to `most` where a text can be cut.
pub(super) fn floor(text: &str, most: usize) -> usize {
    (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}

fn code_candidates<'t>(look: &Look<'t>, language: &str, text: &str, found: &mut Vec<Candidate<'t>>) {
    if text.len() > MAX_CODE {
        found.push(Look::stand_alone(&look.known.modifiers.too_deep, Category::CodeExecution));
    }
    let squeezed: String = text.chars().filter(|c| !c.is_whitespace()).take(MAX_CODE).collect();
    let fits = |call: &Call| {
        (call.languages.is_empty() || call.languages.iter().any(|known| known == language))
            && call.texts.iter().any(|needle| squeezed.contains(needle.as_str()))
            && (call.also.is_empty() || call.also.iter().any(|needle| squeezed.contains(needle.as_str())))
            && !call.unless.iter().any(|needle| squeezed.contains(needle.as_str()))
    };
    if calls::destroys(&text[..floor(text, MAX_CODE)], &look.known.code.words) {
        let mut candidate = Look::stand_alone(&look.known.modifiers.calls_destroy, Category::CodeExecution);
        candidate.undo = Undo::Hard;
        found.push(candidate);
    }
    if !text.contains(":memory:") {
        sql_in_code(look, &text[..floor(text, MAX_CODE)], found);
    }
    for call in look.known.code.calls.iter().filter(|call| fits(call)) {
        found.push(Candidate {
            id: Cow::Borrowed(&call.id),
            points: call.points,
            why: Cow::Borrowed(&call.why),
            categories: Cow::Borrowed(&call.categories),
            undo: call.undo,
            production: (call.undo > Undo::Easy).then_some(25),
            with: Vec::new(),
        });
    }
}

/// Statements that stand as strings in program text: `db.execute('drop table x')`.
fn sql_in_code<'t>(look: &Look<'t>, text: &str, found: &mut Vec<Candidate<'t>>) {
    let begins = |string: &&str| {
        let first = string.split_whitespace().next().unwrap_or_default();
        DESTROYING.iter().any(|verb| first.eq_ignore_ascii_case(verb))
    };
    let strings = strings(text).filter(begins).filter(|string| sql::looks_like_sql(string));
    for string in strings.take(MAX_STATEMENTS) {
        of_classes(look, &sql::classes(string, SqlSource::Generic, &look.known.sql), found);
    }
}

/// What stands between quotes in program text, of whichever language.
pub(super) fn strings(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let open = rest.find(['"', '\'', '`'])?;
        let from = &rest[open..];
        let triple = ["\"\"\"", "'''"].into_iter().find(|quote| from.starts_with(quote));
        let quote = triple.unwrap_or(&from[..1]);
        let inside = &from[quote.len()..];
        let end = inside.find(quote)?;
        rest = &inside[end + quote.len()..];
        Some(&inside[..end])
    })
}
