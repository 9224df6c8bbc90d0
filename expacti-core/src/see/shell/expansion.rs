//! What stands behind `$` and in backquotes.

use super::fields::Fields;
use super::variables::Value;
use super::{MAX_NESTING, Reader, Trouble};

/// Bytes of an expansion that are looked through for its end.
const MAX_CHANGE: usize = 256;
/// Places in a value that one expansion replaces.
const MAX_REPLACED: usize = 1024;
/// Bytes of an index into an array.
const MAX_INDEX: usize = 16;

impl<'t> Reader<'t> {
    /// Reads what a `$` begins.
    pub(super) fn dollar(&mut self, fields: &mut Fields, quoted: bool) {
        let start = self.position;
        match self.peek_at(1) {
            Some(b'(') => {
                if self.peek_at(2) == Some(b'(') && self.arithmetic(3) {
                    fields.unknown(self.text.get(start..self.position).unwrap_or_default());
                    return;
                }
                self.position += 2;
                let range = self.substitution();
                self.substituted_value(fields, quoted, range, start);
            }
            Some(b'{') => self.parameter(fields, quoted),
            Some(b'\'') if !quoted => {
                self.position += 2;
                self.ansi_c(fields);
            }
            Some(b'"') if !quoted => {
                self.position += 2;
                self.double_quoted(fields);
            }
            Some(digit @ b'1'..=b'9') => {
                self.position += 2;
                let before = self.text.get(..start).unwrap_or_default();
                if before.ends_with("$IFS") || before.ends_with("${IFS}") {
                    // `$IFS$9`: an unset parameter that only ends the name before it.
                    return;
                }
                let name = char::from(digit).to_string();
                self.variable(fields, quoted, &name, start);
            }
            Some(all @ (b'@' | b'*')) => {
                self.position += 2;
                self.elements(fields, quoted, "@", all == b'*', start);
            }
            Some(b'#' | b'?' | b'-' | b'$' | b'!' | b'0') => {
                self.position += 2;
                fields.unknown(self.text.get(start..self.position).unwrap_or_default());
            }
            Some(b'_' | b'a'..=b'z' | b'A'..=b'Z') => {
                self.position += 1;
                let name = self.name();
                self.variable(fields, quoted, name, start);
            }
            _ => {
                self.position += 1;
                fields.text("$");
            }
        }
    }

    fn name(&mut self) -> &'t str {
        let rest = self.rest();
        let length = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        self.position += length;
        &rest[..length]
    }

    /// Puts a variable's value into the word, or its source where nobody knows it.
    fn variable(&mut self, fields: &mut Fields, quoted: bool, name: &str, start: usize) {
        let value = self.value_of(name);
        match value {
            Value::Guess(guess) => {
                self.expanded += guess.len();
                fields.unknown(&guess);
            }
            Value::Known(value) if !quoted && name != "IFS" && self.variables.contains_key("IFS") => {
                // Something else separates words from now on.
                self.expanded += value.len();
                match self.value_of("IFS") {
                    Value::Known(separators) => {
                        fields.value(&value.replace(|c| separators.contains(c), " "), quoted);
                    }
                    Value::Unknown | Value::Guess(_) | Value::Several(_) => fields.unknown(&value),
                }
            }
            Value::Known(value) => {
                self.expanded += value.len();
                fields.value(&value, quoted);
            }
            Value::Unknown | Value::Several(_) if name == "IFS" && !quoted => fields.split(),
            Value::Unknown | Value::Several(_) => {
                fields.unknown(self.text.get(start..self.position).unwrap_or_default());
            }
        }
    }

    /// Puts all elements of an array, or all parameters, into words.
    fn elements(&mut self, fields: &mut Fields, quoted: bool, name: &str, joined: bool, start: usize) {
        match self.elements_of(name) {
            Some(elements) => {
                self.expanded += elements.iter().map(|word| word.text.as_bytes().len()).sum::<usize>();
                fields.elements(&elements, quoted, joined);
            }
            None => fields.unknown(self.text.get(start..self.position).unwrap_or_default()),
        }
    }

    /// `${name[@]}`, `${name[*]}` and `${name[2]}` of an array that is known, `${@}` and `${*}`; false (nothing taken) for
    /// all others.
    fn indexed(&mut self, fields: &mut Fields, quoted: bool, name: &str, start: usize) -> bool {
        let rest = self.rest();
        let (index, name) = match rest.as_bytes() {
            [b'@' | b'*', b'}', ..] if name.is_empty() => (&rest[..1], "@"),
            [b'[', ..] if !name.is_empty() => match rest[1..].split_once("]}") {
                Some((index, _)) if index.len() <= MAX_INDEX => (index, name),
                _ => return false,
            },
            _ => return false,
        };
        let length = if rest.starts_with('[') { index.len() + 3 } else { 2 };
        if matches!(index, "@" | "*") {
            self.position += length;
            self.elements(fields, quoted, name, index == "*", start);
            return true;
        }
        let (Ok(number), Some(elements)) = (index.parse::<usize>(), self.elements_of(name)) else {
            return false;
        };
        self.position += length;
        fields.elements(elements.get(number..=number).unwrap_or_default(), quoted, false);
        true
    }

    /// `${...}`
    fn parameter(&mut self, fields: &mut Fields, quoted: bool) {
        let start = self.position;
        self.position += 2;
        let name = self.name().to_owned();
        if !name.is_empty() && self.peek() == Some(b'}') {
            self.position += 1;
            self.variable(fields, quoted, &name, start);
            return;
        }
        if self.indexed(fields, quoted, &name, start) {
            return;
        }
        if !name.is_empty() && self.changed_value(fields, quoted, &name) {
            return;
        }
        let mut inside = Fields::default();
        self.depth += 1;
        if self.depth > MAX_NESTING {
            self.give_up();
        }
        let default_from = self.rest().strip_prefix(':').unwrap_or(self.rest());
        let has_default = !name.is_empty() && default_from.starts_with(['-', '=']);
        let has_other = !name.is_empty() && default_from.starts_with('+');
        if has_default || has_other {
            self.position += self.rest().len() - default_from.len() + 1;
        }
        loop {
            match self.peek() {
                None => {
                    self.trouble(Trouble::Unreadable);
                    break;
                }
                Some(b'}') => {
                    self.position += 1;
                    break;
                }
                Some(b'\\') => {
                    let escaped = self.rest().chars().nth(1).map_or(0, char::len_utf8);
                    self.position += 1 + escaped;
                    inside.unknown("\\");
                }
                Some(b'\'') if !quoted => {
                    let length = self.rest()[1..].find('\'').map_or(1, |at| at + 2);
                    inside.text(self.rest().get(1..length.saturating_sub(1)).unwrap_or_default());
                    self.position += length;
                }
                Some(b'"') => {
                    self.position += 1;
                    self.double_quoted(&mut inside);
                }
                Some(b'$') => self.dollar(&mut inside, quoted),
                Some(b'`') => self.backquoted(&mut inside, quoted),
                Some(_) => {
                    let rest = self.rest();
                    let length =
                        rest.bytes().position(|b| b"}\\'\"$`".contains(&b)).unwrap_or(rest.len()).max(1);
                    inside.text(&rest[..length]);
                    self.position += length;
                }
            }
        }
        self.depth -= 1;
        if name == "IFS" && !quoted {
            fields.split();
            return;
        }
        match self.value_of(&name) {
            Value::Known(value) if has_default && !value.is_empty() => fields.value(&value, quoted),
            _ if has_default || has_other => {
                // Unset or not: the default is the best guess, and it stays a guess.
                let default = inside.into_one();
                fields.unknown(&default.text.to_lossy());
            }
            Value::Unknown | Value::Guess(_) | Value::Known(_) | Value::Several(_) => {
                fields.unknown(self.text.get(start..self.position).unwrap_or_default());
            }
        }
    }

    /// `${name:2:1}`, `${name^^}`, `${name,,}`, `${name#text}`, `${name%text}` and `${name/text/other}` of a known value;
    /// false (nothing taken) for all others.
    fn changed_value(&mut self, fields: &mut Fields, quoted: bool, name: &str) -> bool {
        let rest = self.rest();
        let Some(end) = rest.bytes().take(MAX_CHANGE).position(|byte| byte == b'}') else { return false };
        let change = &rest[..end];
        if change.contains(['$', '`', '\\', '"', '\'', '*', '?', '[', '{']) {
            return false;
        }
        let Value::Known(value) = self.value_of(name) else { return false };
        let Some(changed) = change_value(&value, change) else { return false };
        self.position += end + 1;
        self.expanded += changed.len();
        fields.value(&changed, quoted);
        true
    }

    /// Takes `(( ... ))` of which `skip` characters open it; false (nothing taken) if it is no arithmetic.
    pub(super) fn arithmetic(&mut self, skip: usize) -> bool {
        if self.unclosed_arithmetic {
            return false;
        }
        let bytes = self.text.as_bytes();
        let mut depth = 2;
        let mut at = self.position + skip;
        let end = loop {
            match bytes.get(at) {
                None => {
                    // What is not closed here is not closed further on: do not look again and again.
                    self.unclosed_arithmetic = true;
                    return false;
                }
                Some(b'(') => depth += 1,
                Some(b')') if depth == 2 => {
                    if bytes.get(at + 1) != Some(&b')') {
                        return false;
                    }
                    break at;
                }
                Some(b')') => depth -= 1,
                Some(b'\\') => at += 1,
                Some(_) => {}
            }
            at += 1;
        };
        self.position += skip;
        let mut scratch = Fields::default();
        while self.position < end {
            match self.peek() {
                Some(b'$') => self.dollar(&mut scratch, true),
                Some(b'`') => self.backquoted(&mut scratch, true),
                _ => self.position += self.rest().chars().next().map_or(1, char::len_utf8),
            }
        }
        if self.position == end {
            self.position += 2;
        } else {
            // A substitution inside reached beyond the end that was counted.
            self.trouble(Trouble::Unreadable);
        }
        true
    }
}

/// What an expansion makes of a value; none for those that are not followed.
fn change_value(value: &str, change: &str) -> Option<String> {
    if let Some(range) = change.strip_prefix(':') {
        let (from, length) = match range.split_once(':') {
            Some((from, length)) => (from, Some(length.trim().parse::<usize>().ok()?)),
            None => (range, None),
        };
        let from = from.trim().parse::<usize>().ok()?;
        return Some(value.chars().skip(from).take(length.unwrap_or(usize::MAX)).collect());
    }
    match change {
        "^^" => return Some(value.to_uppercase()),
        ",," => return Some(value.to_lowercase()),
        _ => {}
    }
    if let Some(text) = change.strip_prefix("##").or_else(|| change.strip_prefix('#')) {
        return (!text.is_empty()).then(|| value.strip_prefix(text).unwrap_or(value).to_owned());
    }
    if let Some(text) = change.strip_prefix("%%").or_else(|| change.strip_prefix('%')) {
        return (!text.is_empty()).then(|| value.strip_suffix(text).unwrap_or(value).to_owned());
    }
    let (all, change) = match change.strip_prefix("//") {
        Some(change) => (true, change),
        None => (false, change.strip_prefix('/')?),
    };
    let (from, to) = change.split_once('/').unwrap_or((change, ""));
    if from.is_empty() {
        return None;
    }
    let limit = if all { MAX_REPLACED } else { 1 };
    let changed = value.replacen(from, to, limit);
    (changed.len() <= super::MAX_EXPANDED).then_some(changed)
}
