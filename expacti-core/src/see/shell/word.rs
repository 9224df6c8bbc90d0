//! Words: quoting, and what becomes of them.

use super::fields::Fields;
use super::{Reader, Trouble};

/// Bytes of an extended pattern that are looked through for its end.
const MAX_PATTERN: usize = 512;

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
                    fields.note_brace(byte);
                    self.plain(&mut fields, 1);
                }
                b'[' => {
                    bracket = true;
                    self.plain(&mut fields, 1);
                }
                b']' => {
                    fields.close_bracket(bracket);
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
