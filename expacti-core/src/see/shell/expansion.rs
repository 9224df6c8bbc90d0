//! What stands behind `$` and in backquotes.

use std::borrow::Cow;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::word::Fields;
use super::{MAX_NESTING, Reader, ShellCommand, ShellInput, Trouble};
use crate::assessment::{Redirection, Word};

/// Bytes of an expansion that are looked through for its end.
const MAX_CHANGE: usize = 256;
/// Places in a value that one expansion replaces.
const MAX_REPLACED: usize = 1024;
/// Commands of one pipeline whose output is told.
const MAX_PIPELINE: usize = 8;

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
            Some(b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!' | b'0') => {
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
        self.expanded += value.as_ref().map_or(0, String::len);
        match value {
            Some(value) if !quoted && name != "IFS" && self.variables.contains_key("IFS") => {
                // Something else separates words from now on.
                match self.value_of("IFS") {
                    Some(separators) => fields.value(&value.replace(|c| separators.contains(c), " "), quoted),
                    None => fields.unknown(&value),
                }
            }
            Some(value) => fields.value(&value, quoted),
            None if name == "IFS" && !quoted => fields.split(),
            None => fields.unknown(self.text.get(start..self.position).unwrap_or_default()),
        }
    }

    fn value_of(&self, name: &str) -> Option<String> {
        if self.expanded > super::MAX_EXPANDED {
            return None;
        }
        match self.variables.get(name) {
            Some(value) => value.clone(),
            None if self.variables.len() >= super::MAX_VARIABLES => None,
            None => (self.environment)(name),
        }
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
        if has_default {
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
            Some(value) if has_default && !value.is_empty() => fields.value(&value, quoted),
            _ if has_default => {
                // Unset or not: the default is the best guess, and it stays a guess.
                let default = inside.into_one();
                fields.unknown(&default.text.to_lossy());
            }
            _ => fields.unknown(self.text.get(start..self.position).unwrap_or_default()),
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
        let Some(value) = self.value_of(name) else { return false };
        let Some(changed) = change_value(&value, change) else { return false };
        self.position += end + 1;
        self.expanded += changed.len();
        fields.value(&changed, quoted);
        true
    }

    /// Reads commands up to the closing parenthesis; which they are.
    pub(super) fn substitution(&mut self) -> Range<usize> {
        let start = self.commands.len();
        if self.depth >= MAX_NESTING {
            self.give_up();
            return start..start;
        }
        self.depth += 1;
        let outer = std::mem::take(&mut self.substituted);
        self.list(Some(b')'));
        self.substituted = outer;
        self.depth -= 1;
        if self.peek() == Some(b')') {
            self.position += 1;
        } else {
            self.trouble(Trouble::Unreadable);
        }
        let range = start..self.commands.len();
        self.substituted.push(range.clone());
        range
    }

    pub(super) fn backquoted(&mut self, fields: &mut Fields, quoted: bool) {
        let start = self.position;
        self.position += 1;
        let mut text = String::new();
        loop {
            match self.rest().chars().next() {
                None => {
                    self.trouble(Trouble::Unreadable);
                    break;
                }
                Some('`') => {
                    self.position += 1;
                    break;
                }
                Some('\\') => {
                    let escaped = self.rest().chars().nth(1);
                    if !matches!(escaped, Some('`' | '\\' | '$')) {
                        text.push('\\');
                    }
                    text.extend(escaped);
                    self.position += 1 + escaped.map_or(0, char::len_utf8);
                }
                Some(c) => {
                    text.push(c);
                    self.position += c.len_utf8();
                }
            }
        }
        let range = self.nested_text(&text);
        self.substituted.push(range.clone());
        self.substituted_value(fields, quoted, range, start);
    }

    /// Puts the output of commands into the word where it can be told (`$(echo rm)`), else their source.
    fn substituted_value(&mut self, fields: &mut Fields, quoted: bool, range: Range<usize>, start: usize) {
        match self.output_of_range(range) {
            Some(value) => fields.value(value.trim_end_matches('\n'), quoted),
            None => fields.unknown(self.text.get(start..self.position).unwrap_or_default()),
        }
    }

    /// What these commands print together, where that can be told.
    pub(super) fn output_of_range(&self, range: Range<usize>) -> Option<String> {
        let first = range.start;
        let commands = self.commands.get(range)?;
        let last = commands.last()?;
        match &last.input {
            ShellInput::Inherited if commands.len() == 1 => output_of(&last.words, &last.redirections, None),
            ShellInput::Text(text) if commands.len() == 1 => {
                output_of(&last.words, &last.redirections, Some(text))
            }
            ShellInput::Pipe(_) => piped_output(commands, first),
            ShellInput::Inherited | ShellInput::Text(_) | ShellInput::File | ShellInput::Pending(_) => None,
        }
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

    /// `$'...'` up to and with its closing quote.
    fn ansi_c(&mut self, fields: &mut Fields) {
        fields.mark_quoted();
        let rest = self.rest();
        let mut escaped = false;
        let end = rest.bytes().position(|b| {
            let closes = b == b'\'' && !escaped;
            escaped = b == b'\\' && !escaped;
            closes
        });
        if end.is_none() {
            self.trouble(Trouble::Unreadable);
        }
        let body = &rest[..end.unwrap_or(rest.len())];
        fields.text(&unescape(body));
        self.position = (self.position + body.len() + 1).min(self.text.len());
    }

    /// Takes over commands that a reader of an inner text found.
    pub(super) fn adopt(&mut self, commands: Vec<ShellCommand>) -> Range<usize> {
        let start = self.commands.len();
        for mut command in commands {
            if let ShellInput::Pipe(range) = &mut command.input {
                *range = range.start + start..range.end + start;
            }
            for range in &mut command.substituted {
                *range = range.start + start..range.end + start;
            }
            self.commands.push(command);
        }
        start..self.commands.len()
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

/// What a command prints, where that needs no running: `echo`, `printf` without arguments, `which`, `command -v`, and
/// what only passes on or decodes a known `input`.
pub(crate) fn output_of(words: &[Word], redirections: &[Redirection], input: Option<&str>) -> Option<String> {
    let words: Option<Vec<_>> = words.iter().map(|word| word.literal.then(|| word.text.to_lossy())).collect();
    let words = words?;
    if redirections.iter().any(|redirection| redirection.writes && redirection.target.is_some()) {
        return None;
    }
    let (name, arguments) = words.split_first()?;
    let name = name.rsplit('/').next().unwrap_or(name);
    match (name, arguments) {
        ("echo", [option, rest @ ..])
            if option.starts_with('-') && option.contains('e') && option.len() < 4 =>
        {
            Some(unescape(&rest.join(" ")))
        }
        ("echo", [option, rest @ ..]) if option == "-n" => Some(rest.join(" ")),
        ("echo", rest) => Some(rest.join(" ")),
        ("printf", [format, rest @ ..]) if !format.starts_with('-') => formatted(format, rest),
        ("which", [program]) => Some(program.as_ref().to_owned()),
        ("command", [option, program]) if option == "-v" => Some(program.as_ref().to_owned()),
        ("cat" | "tee", [] | [_]) if arguments.iter().all(|argument| argument == "-") => {
            input.map(str::to_owned)
        }
        ("rev", []) => input.map(|text| text.trim_end().chars().rev().collect()),
        ("tr", [option, set]) if option == "-d" => {
            let set = character_set(set)?;
            input.map(|text| text.chars().filter(|c| !set.contains(c)).collect())
        }
        ("tr", [from, to]) => translated(input?, from, to),
        ("openssl", [name, options @ ..])
            if matches!(name.as_ref(), "base64" | "enc" | "a")
                && options.iter().any(|option| option == "-d")
                && options.iter().all(|option| matches!(option.as_ref(), "-d" | "-A" | "-a" | "-base64")) =>
        {
            decoded(input?)
        }
        ("base64", [option]) if matches!(option.as_ref(), "-d" | "-D" | "--decode" | "-di") => {
            decoded(input?)
        }
        ("xxd", options) if options.iter().any(|option| option.contains('r')) => unhexed(input?),
        _ => None,
    }
}

/// The output of a pipeline, each command of which reads only from the one before it. `offset` is the first one's number.
fn piped_output(commands: &[ShellCommand], offset: usize) -> Option<String> {
    if commands.len() > MAX_PIPELINE {
        return None;
    }
    let mut text: Option<String> = None;
    for (number, command) in commands.iter().enumerate() {
        let before = match &command.input {
            ShellInput::Inherited if number == 0 => None,
            ShellInput::Text(text) if number == 0 => Some(text.clone()),
            ShellInput::Pipe(range) if number > 0 && *range == (offset + number - 1..offset + number) => text,
            ShellInput::Inherited
            | ShellInput::Text(_)
            | ShellInput::Pipe(_)
            | ShellInput::File
            | ShellInput::Pending(_) => return None,
        };
        text = Some(output_of(&command.words, &command.redirections, before.as_deref())?);
    }
    text
}

/// What `printf FORMAT ARGUMENTS` prints, where it only puts texts together.
fn formatted(format: &str, arguments: &[Cow<'_, str>]) -> Option<String> {
    let mut printed = String::new();
    let mut left = arguments.iter();
    loop {
        let before = left.len();
        let mut pieces = format.split('%');
        printed.push_str(&unescape(pieces.next().unwrap_or_default()));
        let mut after_percent = false;
        for piece in pieces {
            if after_percent {
                // The second of `%%`: what follows it is plain.
                printed.push_str(&unescape(piece));
                after_percent = false;
                continue;
            }
            let mut chars = piece.chars();
            match chars.next() {
                None => {
                    printed.push('%');
                    after_percent = true;
                    continue;
                }
                Some('s' | 'd' | 'i' | 'u') => printed.extend(left.next().map(AsRef::as_ref)),
                Some('b') => printed.extend(left.next().map(|text| unescape(text))),
                Some('c') => printed.extend(left.next().and_then(|text| text.chars().next())),
                Some(_) => return None,
            }
            printed.push_str(&unescape(chars.as_str()));
        }
        // The format is used again until all arguments are taken.
        if left.len() == 0 || left.len() == before || printed.len() > super::MAX_EXPANDED {
            return Some(printed);
        }
    }
}

/// What `tr FROM TO` makes of a text.
fn translated(text: &str, from: &str, to: &str) -> Option<String> {
    let (from, to) = (character_set(from)?, character_set(to)?);
    let last = *to.last()?;
    let map =
        |c: char| from.iter().rposition(|f| *f == c).map_or(c, |at| to.get(at).copied().unwrap_or(last));
    Some(text.chars().map(map).collect())
}

/// The characters of a set of `tr`: single ones and ranges. None where it has classes.
fn character_set(set: &str) -> Option<Vec<char>> {
    if set.contains("[:") || set.contains("[=") || set.len() > 256 {
        return None;
    }
    let chars: Vec<char> = unescape(set).chars().filter(|c| !matches!(c, '[' | ']')).collect();
    let mut found = Vec::new();
    let mut rest = chars.as_slice();
    while let Some((first, after)) = rest.split_first() {
        if let ['-', last, ..] = after {
            if last < first || u32::from(*last) - u32::from(*first) > 256 {
                return None;
            }
            found.extend(*first..=*last);
            rest = &after[2..];
        } else {
            found.push(*first);
            rest = after;
        }
    }
    Some(found)
}

fn decoded(text: &str) -> Option<String> {
    let bare: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let bytes = BASE64.decode(bare).ok()?;
    String::from_utf8(bytes).ok()
}

fn unhexed(text: &str) -> Option<String> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = digits.chunks_exact(2).map(pair).collect();
    String::from_utf8(bytes?).ok()
}

/// Resolves the escapes of `$'..'`, `echo -e` and `printf`. Unknown ones stay as they are.
pub(crate) fn unescape(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_owned();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        let Some((kind, after)) = rest.split_first() else {
            bytes.push(b'\\');
            break;
        };
        rest = after;
        let simple = match kind {
            b'n' => Some(b'\n'),
            b't' => Some(b'\t'),
            b'r' => Some(b'\r'),
            b'a' => Some(7),
            b'b' => Some(8),
            b'e' | b'E' => Some(27),
            b'f' => Some(12),
            b'v' => Some(11),
            b'\\' | b'\'' | b'"' | b'?' => Some(*kind),
            _ => None,
        };
        if let Some(byte) = simple {
            bytes.push(byte);
            continue;
        }
        let (radix, most, before) = match kind {
            b'x' => (16, 2, 0),
            b'u' => (16, 4, 0),
            b'U' => (16, 8, 0),
            b'0'..=b'7' => (8, 3, 1),
            _ => {
                bytes.extend([b'\\', *kind]);
                continue;
            }
        };
        let digits: Vec<u8> = (before == 1)
            .then_some(*kind)
            .into_iter()
            .chain(rest.iter().copied())
            .take(most)
            .take_while(|b| char::from(*b).is_digit(radix))
            .collect();
        rest = rest.get(digits.len() - before..).unwrap_or_default();
        let value = std::str::from_utf8(&digits).ok().and_then(|text| u32::from_str_radix(text, radix).ok());
        match (kind, value) {
            (b'u' | b'U', Some(value)) => {
                let c = char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER);
                bytes.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
            (_, Some(value)) => bytes.push(u8::try_from(value & 0xff).unwrap_or_default()),
            (_, None) => bytes.extend([b'\\', *kind]),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
