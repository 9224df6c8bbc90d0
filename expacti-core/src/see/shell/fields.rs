//! What one word of the text becomes, once quotes, braces and known variables are resolved.

use crate::assessment::Word;

/// More unquoted braces and commas than this in one word are not multiplied out.
const MAX_BRACES: usize = 48;
/// More words than this are not made of one.
const MAX_FIELDS: usize = 64;

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

    /// Notes an unquoted `{`, `,` or `}` that comes next. A comma or closing brace only matters where one was opened.
    pub(super) fn note_brace(&mut self, byte: u8) {
        if byte == b'{' || !self.current.braces.is_empty() {
            self.current.braces.push(self.current.text.len());
        }
    }

    /// A `]` comes next; with a `[` before it that is a pattern.
    pub(super) fn close_bracket(&mut self, opened: bool) {
        self.current.unknown |= opened && self.source_so_far().len() > 1;
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
