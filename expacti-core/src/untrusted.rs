//! Bytes that came from an agent.
//!
//! An agent chooses its own argv, file names and environment, so any of them can carry terminal escapes, bidi
//! overrides or invisible characters made to mislead a reviewer. [`Untrusted`] keeps the exact bytes and shows
//! them escaped: there is no way to print it raw by accident.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::de::{self, MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Exact bytes from an agent; `Display` escapes everything that is not plainly visible.
///
/// In JSON it is a string where the bytes are UTF-8, else `{"base64": "..."}`; both read back to the same bytes.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Untrusted(Vec<u8>);

impl Untrusted {
    /// The bytes as they are. Never write them to a terminal or a page.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text where it is UTF-8. Never write it to a terminal or a page.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// The text with undecodable bytes replaced, for matching and parsing, never for showing.
    pub fn to_lossy(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// The bytes, given away.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// How many bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Vec<u8>> for Untrusted {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<&[u8]> for Untrusted {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl From<&str> for Untrusted {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl From<String> for Untrusted {
    fn from(text: String) -> Self {
        Self(text.into_bytes())
    }
}

impl fmt::Debug for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// Visible ASCII as it is (the backslash doubled), other letters of other scripts as `\u{..}`, bytes that are
/// not UTF-8 as `\xNN`. What looks alike can therefore never be told from what is not.
impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                match c {
                    '\\' => f.write_str("\\\\")?,
                    '\n' => f.write_str("\\n")?,
                    '\r' => f.write_str("\\r")?,
                    '\t' => f.write_str("\\t")?,
                    ' '..='~' => write!(f, "{c}")?,
                    _ => write!(f, "\\u{{{:x}}}", u32::from(c))?,
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

impl Serialize for Untrusted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(text) = self.as_str() {
            return serializer.serialize_str(text);
        }
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("base64", &BASE64.encode(&self.0))?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Untrusted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrBase64;

        impl<'de> Visitor<'de> for TextOrBase64 {
            type Value = Untrusted;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or {\"base64\": \"...\"}")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Untrusted, E> {
                Ok(text.into())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Untrusted, A::Error> {
                let Some((key, value)) = map.next_entry::<String, String>()? else {
                    return Err(de::Error::missing_field("base64"));
                };
                if key != "base64" || map.next_key::<String>()?.is_some() {
                    return Err(de::Error::unknown_field(&key, &["base64"]));
                }
                BASE64.decode(value).map(Untrusted).map_err(de::Error::custom)
            }
        }

        deserializer.deserialize_any(TextOrBase64)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_misleads_a_reader_is_shown_escaped() {
        let cases: [(&[u8], &str); 6] = [
            (b"rm -rf /tmp/x", "rm -rf /tmp/x"),
            (b"\x1b[2Kls\r\n\x08", "\\u{1b}[2Kls\\r\\n\\u{8}"),
            ("a\u{202e}b\u{200b}c".as_bytes(), "a\\u{202e}b\\u{200b}c"),
            (b"\xff\x9b0m", "\\xff\\x9b0m"),
            (b"C:\\x", "C:\\\\x"),
            ("\u{430}".as_bytes(), "\\u{430}"),
        ];
        for (bytes, shown) in cases {
            assert_eq!(Untrusted::from(bytes).to_string(), shown);
        }
    }

    proptest! {
        #[test]
        fn json_keeps_every_byte(bytes: Vec<u8>) {
            let before = Untrusted::from(bytes);
            let json = serde_json::to_string(&before).unwrap();
            prop_assert_eq!(serde_json::from_str::<Untrusted>(&json).unwrap(), before);
        }

        #[test]
        fn shown_text_is_printable_ascii(bytes: Vec<u8>) {
            let shown = Untrusted::from(bytes).to_string();
            prop_assert!(shown.chars().all(|c| (' '..='~').contains(&c)));
        }
    }
}
