//! Escapes of `$'..'`, `echo -e` and `printf`.

use super::fields::Fields;
use super::{Reader, Trouble};

impl Reader<'_> {
    /// `$'...'` up to and with its closing quote.
    pub(super) fn ansi_c(&mut self, fields: &mut Fields) {
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
}

/// Resolves the escapes of `$'..'`, `echo -e` and `printf`. Unknown ones stay as they are.
pub(super) fn unescape(text: &str) -> String {
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
