//! Words written differently: quotes, escapes, expansions, blanks, look-alikes. The shell sees the same words.

use super::Variant;
use super::quote::{bytes, single};
use super::reading::{Reading, Word};

type Spelling = fn(&str) -> String;

/// For the word that names the command.
const HEADS: [(&str, Spelling); 20] = [
    ("quoting/double", |w| format!("\"{w}\"")),
    ("quoting/single", single),
    ("quoting/split", |w| around(w, |a, b| format!("{a}\"{b}\""))),
    ("quoting/empty", |w| around(w, |a, b| format!("{a}''{b}"))),
    ("quoting/backslash", |w| format!("\\{w}")),
    ("quoting/backslashes", |w| bytes(w, |b| format!("\\{}", char::from(b)))),
    ("quoting/line-break", |w| around(w, |a, b| format!("{a}\\\n{b}"))),
    ("quoting/locale", |w| format!("$\"{w}\"")),
    ("ansi-c/hex", |w| format!("$'{}'", bytes(w, |b| format!("\\x{b:02x}")))),
    ("ansi-c/octal", |w| format!("$'{}'", bytes(w, |b| format!("\\{b:03o}")))),
    ("ansi-c/unicode", |w| format!("$'{}'", bytes(w, |b| format!("\\u{b:04x}")))),
    ("expansion/default", |w| format!("${{no_such:-{w}}}")),
    ("expansion/echo", |w| format!("$(echo {w})")),
    ("expansion/backquote", |w| format!("`echo {w}`")),
    ("expansion/printf", |w| format!("$(printf '{}')", bytes(w, |b| format!("\\{b:03o}")))),
    ("expansion/arguments", |w| around(w, |a, b| format!("{a}$@{b}"))),
    ("expansion/positional", |w| around(w, |a, b| format!("{a}${{1}}{b}"))),
    ("look-alike/cyrillic", cyrillic),
    ("look-alike/full-width", full_width),
    ("look-alike/zero-width", |w| around(w, |a, b| format!("{a}\u{200b}{b}"))),
];

/// For every word without meaning to the shell.
const WORDS: [(&str, Spelling); 3] = [
    ("quoting/every-word", |w| format!("'{w}'")),
    ("quoting/every-word-split", |w| around(w, |a, b| format!("{a}''{b}"))),
    ("ansi-c/every-word", |w| format!("$'{}'", bytes(w, |b| format!("\\x{b:02x}")))),
];

pub(super) fn of(text: &str) -> Vec<Variant> {
    let Some(reading) = Reading::of(text) else { return Vec::new() };
    let head = |word: &Word| word.head && word.plain;
    let mut variants: Vec<Variant> = HEADS
        .iter()
        .filter_map(|(kind, spell)| Some(Variant::shell(kind, reading.respell(head, spell)?)))
        .chain(WORDS.iter().filter_map(|(kind, spell)| {
            Some(Variant::shell(kind, reading.respell(|word| word.plain, spell)?))
        }))
        .collect();
    variants.extend(by_variable(&reading));
    variants.extend(blanks(&reading));
    variants
}

/// The command's name comes out of a variable that is set just before.
fn by_variable(reading: &Reading<'_>) -> Vec<Variant> {
    let with = |kind: &str, set: fn(usize, &str) -> String, get: fn(usize) -> String| {
        let mut settings = String::new();
        let mut count = 0;
        let text = reading.respell(
            |word| word.head && word.plain,
            |name| {
                settings.push_str(&set(count, name));
                count += 1;
                get(count - 1)
            },
        )?;
        Some(Variant::shell(kind, settings + &text))
    };
    [
        with("expansion/variable", |n, w| format!("v{n}={w}; "), |n| format!("$v{n}")),
        with(
            "expansion/two-variables",
            |n, w| around(w, |a, b| format!("v{n}={a} w{n}={b}; ")),
            |n| format!("$v{n}$w{n}"),
        ),
        with("expansion/substring", |n, w| format!("v{n}=__{w}__; "), |n| format!("${{v{n}:2:-2}}")),
        with(
            "expansion/replacement",
            |n, w| around(w, |a, b| format!("v{n}={a}@{b}; ")),
            |n| format!("${{v{n}/@/}}"),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Other things than one blank between the words of one simple command.
fn blanks(reading: &Reading<'_>) -> Vec<Variant> {
    if !reading.simple || reading.words.len() < 2 {
        return Vec::new();
    }
    let words: Vec<&str> = reading.words.iter().map(|word| reading.source(word)).collect();
    let between = |kind, gap: &str| Variant::shell(kind, words.join(gap));
    let mut variants = vec![
        between("blanks/tab", "\t"),
        between("blanks/many", "      "),
        between("blanks/line-break", " \\\n  "),
    ];
    // A tilde is expanded at the start of a word only, and the field splitting that $IFS relies on comes later.
    if !words.iter().any(|word| word.starts_with('~')) {
        variants.push(between("blanks/ifs", "${IFS}"));
        variants.push(between("blanks/ifs-bare", "$IFS$9"));
        variants.push(between("blanks/ifs-slice", "${IFS:0:1}"));
    }
    if reading.words.iter().all(|word| word.plain) && !words.iter().any(|word| word.contains(',')) {
        variants.push(Variant::shell("blanks/braces", format!("{{{}}}", words.join(","))));
    }
    variants
}

/// A word taken apart behind its first letter.
fn around(word: &str, put: impl Fn(&str, &str) -> String) -> String {
    let (first, rest) = word.split_at(1.min(word.len()));
    put(first, rest)
}

fn cyrillic(word: &str) -> String {
    const ALIKE: [(char, char); 12] = [
        ('a', 'а'),
        ('c', 'с'),
        ('d', 'ԁ'),
        ('e', 'е'),
        ('h', 'һ'),
        ('i', 'і'),
        ('j', 'ј'),
        ('o', 'о'),
        ('p', 'р'),
        ('s', 'ѕ'),
        ('x', 'х'),
        ('y', 'у'),
    ];
    word.chars()
        .map(|c| ALIKE.iter().find(|(latin, _)| *latin == c).map_or(c, |(_, cyrillic)| *cyrillic))
        .collect()
}

fn full_width(word: &str) -> String {
    word.chars()
        .map(|c| if c.is_ascii_lowercase() { char::from_u32(u32::from(c) + 0xfee0).unwrap_or(c) } else { c })
        .collect()
}
