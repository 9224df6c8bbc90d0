//! Words: quoting, and what becomes of them.

use super::{Reader, Trouble};
use crate::assessment::Word;

/// More unquoted braces and commas than this in one word are not multiplied out.
const MAX_BRACES: usize = 48;
/// More words than this are not made of one.
const MAX_FIELDS: usize = 64;

/// Bytes of an extended pattern that are looked through for its end.
const MAX_PATTERN: usize = 512;

/// The fields that one word of the text becomes: usually one, none for an unset variable, several where a known
/// variable has blanks in it or braces are multiplied out.
#[derive(Debug, Default)]
pub(super) struct Fields {
    done: Vec<Field>,
    current: Field,
}

#[derive(Clone, Debug, Default)]
struct Field {
    text: String,
    unknown: bool,
    quoted: bool,
    /// Places of unquoted `{`, `,` and `}` in `text`.
    braces: Vec<usize>,
}

impl Fields {
    pub(super) fn text(&mut self, text: &str) {
        self.current.text.push_str(text);
    }

    /// Text that stands for a value nobody knows yet.
    pub(super) fn unknown(&mut self, source: &str) {
        self.current.text.push_str(source);
        self.current.unknown = true;
    }

    pub(super) fn mark_quoted(&mut self) {
        self.current.quoted = true;
    }

    /// A value: split at blanks unless it stands in quotes.
    pub(super) fn value(&mut self, value: &str, quoted: bool) {
        if quoted {
            self.text(value);
            return;
        }
        for (number, part) in value.split([' ', '\t', '\n']).enumerate() {
            if number > 0 {
                self.split();
            }
            self.text(part);
        }
        if value.contains(['*', '?']) {
            self.current.unknown = true;
        }
    }

    /// The elements of an array or the parameters: a word each, unless `joined`.
    pub(super) fn elements(&mut self, elements: &[Word], quoted: bool, joined: bool) {
        for (number, element) in elements.iter().enumerate() {
            match (number, quoted && joined) {
                (0, _) => {}
                (_, true) => self.text(" "),
                (_, false) => {
                    self.split();
                    self.current.quoted |= quoted;
                }
            }
            let text = element.text.to_lossy();
            if element.literal { self.value(&text, quoted) } else { self.unknown(&text) }
        }
    }

    pub(super) fn split(&mut self) {
        if !self.current.text.is_empty() || self.current.quoted {
            self.done.push(std::mem::take(&mut self.current));
        }
    }

    pub(super) fn source_so_far(&self) -> &str {
        &self.current.text
    }

    pub(super) fn is_unknown(&self) -> bool {
        self.current.unknown || self.done.iter().any(|field| field.unknown)
    }

    /// The words a command gets.
    pub(super) fn into_words(mut self) -> Vec<Word> {
        self.split();
        let mut words = Vec::with_capacity(self.done.len());
        for field in self.done {
            if field.braces.is_empty() {
                words.push(Word { text: field.text.into(), literal: !field.unknown });
            } else {
                braces(field, &mut words);
            }
        }
        words
    }

    /// As one word, where no splitting happens (assignments, redirections).
    pub(super) fn into_one(mut self) -> Word {
        let known = !self.is_unknown();
        let mut text = String::new();
        for field in self.done.drain(..) {
            text.push_str(&field.text);
            text.push(' ');
        }
        text.push_str(&self.current.text);
        Word { text: text.into(), literal: known }
    }
}

/// Multiplies out `a{b,c}`; what is too much stays as it is and counts as unknown.
fn braces(field: Field, words: &mut Vec<Word>) {
    if field.braces.len() > MAX_BRACES {
        words.push(Word { text: field.text.into(), literal: false });
        return;
    }
    let mut done = Vec::new();
    let mut todo = vec![(field.text, field.braces)];
    while let Some((text, places)) = todo.pop() {
        if done.len() + todo.len() > MAX_FIELDS {
            words.push(Word { text: text.into(), literal: false });
            break;
        }
        match first_group(&text, &places) {
            Some((open, close, parts)) => {
                for (from, to) in parts.into_iter().rev() {
                    let mut made = String::with_capacity(text.len());
                    made.push_str(&text[..open]);
                    made.push_str(&text[from..to]);
                    let cut = close + 1;
                    let tail_at = made.len();
                    made.push_str(&text[cut..]);
                    let mut kept: Vec<usize> =
                        places.iter().filter(|p| **p >= from && **p < to).map(|p| p - from + open).collect();
                    kept.extend(places.iter().filter(|p| **p >= cut).map(|p| p - cut + tail_at));
                    todo.push((made, kept));
                }
            }
            None => match first_range(&text, &places) {
                Some((open, close, values)) => {
                    for value in values.into_iter().rev() {
                        let made = format!("{}{value}{}", &text[..open], &text[close + 1..]);
                        let moved = |place: &usize| place - close - 1 + open + value.len();
                        let kept = places.iter().filter(|place| **place > close).map(moved).collect();
                        todo.push((made, kept));
                    }
                }
                None => done.push(text),
            },
        }
    }
    words.extend(done.into_iter().map(|text| Word { text: text.into(), literal: !field.unknown }));
}

type Group = (usize, usize, Vec<(usize, usize)>);

/// The first `{..,..}`: where it opens and closes, and its parts.
fn first_group(text: &str, places: &[usize]) -> Option<Group> {
    let bytes = text.as_bytes();
    for (at, open) in places.iter().enumerate().filter(|(_, p)| bytes[**p] == b'{') {
        let mut depth = 0usize;
        let mut starts = vec![open + 1];
        for place in &places[at + 1..] {
            match bytes[*place] {
                b'{' => depth += 1,
                b'}' if depth > 0 => depth -= 1,
                b',' if depth == 0 => starts.push(place + 1),
                b'}' => {
                    if starts.len() > 1 {
                        let ends = starts[1..].iter().map(|start| start - 1).chain([*place]);
                        let parts = starts.iter().copied().zip(ends).collect();
                        return Some((*open, *place, parts));
                    }
                    break;
                }
                _ => {}
            }
        }
    }
    None
}

/// The first `{1..5}` or `{a..e}`: where it opens and closes, and what it stands for.
fn first_range(text: &str, places: &[usize]) -> Option<(usize, usize, Vec<String>)> {
    places.windows(2).find_map(|pair| {
        let (open, close) = (pair[0], pair[1]);
        let (from, to) = text.get(open + 1..close)?.split_once("..")?;
        let values: Vec<String> = match (from.parse::<u32>(), to.parse::<u32>()) {
            (Ok(from), Ok(to)) => in_order(from, to).map(|number| number.to_string()).collect(),
            _ => match (from.as_bytes(), to.as_bytes()) {
                ([from], [to]) if from.is_ascii_alphabetic() && to.is_ascii_alphabetic() => {
                    in_order(u32::from(*from), u32::from(*to))
                        .filter_map(char::from_u32)
                        .map(String::from)
                        .collect()
                }
                _ => return None,
            },
        };
        // One that was cut short would hide what it leaves out.
        (values.len() <= MAX_FIELDS).then_some((open, close, values))
    })
}

/// The numbers from one to another, upwards or downwards; one more than are made into words at most.
fn in_order(from: u32, to: u32) -> impl Iterator<Item = u32> {
    let distance = from.abs_diff(to);
    (0..=distance).take(MAX_FIELDS + 1).map(move |step| if from <= to { from + step } else { from - step })
}

impl Reader<'_> {
    /// Reads one word. The caller has seen that one begins.
    pub(super) fn word(&mut self) -> Fields {
        let mut fields = Fields::default();
        let mut bracket = false;
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' | b';' | b'&' | b'|' | b')' => break,
                b'<' | b'>' => {
                    if self.peek_at(1) != Some(b'(') {
                        break;
                    }
                    let start = self.position;
                    self.position += 2;
                    self.substitution();
                    let source = self.text.get(start..self.position).unwrap_or_default();
                    fields.unknown(source);
                }
                b'(' => {
                    if !fields.source_so_far().ends_with(['?', '*', '+', '@', '!'])
                        || !self.extended_glob(&mut fields)
                    {
                        break;
                    }
                }
                b'\\' => {
                    self.position += 1;
                    match self.rest().chars().next() {
                        Some('\n') => self.position += 1,
                        Some(escaped) => {
                            fields.mark_quoted();
                            fields.text(escaped.encode_utf8(&mut [0; 4]));
                            self.position += escaped.len_utf8();
                        }
                        None => fields.text("\\"),
                    }
                }
                b'\'' => self.single_quoted(&mut fields),
                b'"' => {
                    self.position += 1;
                    self.double_quoted(&mut fields);
                }
                b'$' => self.dollar(&mut fields, false),
                b'`' => self.backquoted(&mut fields, false),
                b'*' | b'?' => {
                    self.position += 1;
                    fields.unknown(if byte == b'*' { "*" } else { "?" });
                }
                b'{' | b'}' | b',' => {
                    let place = fields.current.text.len();
                    // A comma or closing brace only matters where one was opened.
                    if byte == b'{' || !fields.current.braces.is_empty() {
                        fields.current.braces.push(place);
                    }
                    self.plain(&mut fields, 1);
                }
                b'[' => {
                    bracket = true;
                    self.plain(&mut fields, 1);
                }
                b']' => {
                    fields.current.unknown |= bracket && fields.source_so_far().len() > 1;
                    self.plain(&mut fields, 1);
                }
                _ => {
                    let rest = self.rest();
                    let length = rest
                        .bytes()
                        .position(|b| b" \t\r\n;&|()<>\\'\"$`*?{},[]".contains(&b))
                        .unwrap_or(rest.len());
                    self.plain(&mut fields, length.max(1));
                }
            }
        }
        fields
    }

    fn plain(&mut self, fields: &mut Fields, length: usize) {
        let end = self.position + length;
        fields.text(self.text.get(self.position..end).unwrap_or_default());
        self.position = end;
    }

    fn single_quoted(&mut self, fields: &mut Fields) {
        fields.mark_quoted();
        self.position += 1;
        let rest = self.rest();
        let length = rest.find('\'').unwrap_or_else(|| {
            self.trouble(Trouble::Unreadable);
            rest.len()
        });
        fields.text(&rest[..length]);
        self.position = (self.position + length + 1).min(self.text.len());
    }

    /// The inside of double quotes, up to and with the closing one.
    pub(super) fn double_quoted(&mut self, fields: &mut Fields) {
        fields.mark_quoted();
        loop {
            match self.peek() {
                None => {
                    self.trouble(Trouble::Unreadable);
                    return;
                }
                Some(b'"') => {
                    self.position += 1;
                    return;
                }
                Some(b'\\') => {
                    match self.peek_at(1) {
                        Some(b'\n') => {}
                        Some(b'$' | b'`' | b'"' | b'\\') => {
                            let at = self.position + 1;
                            fields.text(self.text.get(at..=at).unwrap_or_default());
                        }
                        _ => {
                            fields.text("\\");
                            self.position += 1;
                            continue;
                        }
                    }
                    self.position += 2;
                }
                Some(b'$') => self.dollar(fields, true),
                Some(b'`') => self.backquoted(fields, true),
                Some(_) => {
                    let rest = self.rest();
                    let length = rest.bytes().position(|b| b"\"\\$`".contains(&b)).unwrap_or(rest.len());
                    self.plain(fields, length.max(1));
                }
            }
        }
    }

    /// `@(a|b)` and its like; false (nothing taken) if it has no end in this word.
    fn extended_glob(&mut self, fields: &mut Fields) -> bool {
        let rest = self.rest();
        // What was searched in vain is not searched again.
        let from = self.no_close_before.saturating_sub(self.position).min(rest.len());
        let to = rest.len().min(MAX_PATTERN).max(from);
        let Some(length) = rest.as_bytes()[from..to].iter().position(|b| *b == b')').map(|at| from + at)
        else {
            self.no_close_before = self.position + to;
            return false;
        };
        if rest[..length].contains(['\n', ';', '$', '`', '\'', '"']) {
            return false;
        }
        fields.unknown(&rest[..=length]);
        self.position += length + 1;
        true
    }

    /// The text of a here-document whose end was not quoted.
    pub(super) fn expand_heredoc(&mut self, text: &str) -> String {
        if self.depth >= super::MAX_NESTING {
            self.give_up();
            return String::new();
        }
        let mut inner = self.inner(text);
        let mut fields = Fields::default();
        while let Some(byte) = inner.peek() {
            match byte {
                b'\\' if matches!(inner.peek_at(1), Some(b'$' | b'`' | b'\\')) => {
                    inner.position += 1;
                    inner.plain(&mut fields, 1);
                }
                b'$' => inner.dollar(&mut fields, true),
                b'`' => inner.backquoted(&mut fields, true),
                _ => {
                    let rest = inner.rest();
                    let length =
                        rest.bytes().skip(1).position(|b| b"\\$`".contains(&b)).map_or(rest.len(), |n| n + 1);
                    inner.plain(&mut fields, length);
                }
            }
        }
        self.absorb(inner);
        fields.into_one().text.to_lossy().into_owned()
    }
}
