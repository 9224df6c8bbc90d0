//! JSON that is safe to look at: what an agent wrote stays within printable ASCII.

use std::fmt::Write as _;

use serde::Serialize;

/// One line. Characters that a terminal would not show plainly are written as `\uXXXX`, which reads back the same.
pub(super) fn line<T: Serialize>(value: &T) -> serde_json::Result<String> {
    Ok(ascii(serde_json::to_string(value)?))
}

/// Several lines, for humans.
pub(super) fn pretty<T: Serialize>(value: &T) -> serde_json::Result<String> {
    Ok(ascii(serde_json::to_string_pretty(value)?))
}

/// Outside of strings JSON is ASCII, and within them every character may be escaped.
fn ascii(json: String) -> String {
    let is_plain = |byte: u8| byte == b'\n' || matches!(byte, b' '..=b'~');
    // Most of it is, and to tell costs a fraction of writing it anew.
    if json.bytes().all(is_plain) {
        return json;
    }
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if u8::try_from(c).is_ok_and(is_plain) {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a string cannot fail.
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_misleading_gets_out_and_everything_reads_back() {
        let text = "a\u{202e}b\u{1f600}\u{7f}\u{9b}\n";
        let json = line(&text).unwrap();
        assert_eq!(json, r#""a\u202eb\ud83d\ude00\u007f\u009b\n""#);
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
