//! A command as one text that a shell would read back to the same words.

/// Words that need no quotes stay as they are; the others stand in single quotes. Different words never give the
/// same text.
pub fn quoted<'a>(words: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut text = Vec::new();
    for (i, word) in words.into_iter().enumerate() {
        if i > 0 {
            text.push(b' ');
        }
        let bare = |b: &u8| b.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(b);
        if !word.is_empty() && word.iter().all(bare) {
            text.extend_from_slice(word);
            continue;
        }
        text.push(b'\'');
        for byte in word {
            if *byte == b'\'' {
                text.extend_from_slice(b"'\\''");
            } else {
                text.push(*byte);
            }
        }
        text.push(b'\'');
    }
    text
}

/// The words of a command written with spaces and quotes. `None` where a quote is open or a shell would do more
/// than split words.
pub(crate) fn unquoted(text: &str) -> Option<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut chars = text.chars();
    let push = |word: &mut Option<Vec<u8>>, c: char| {
        word.get_or_insert_default().extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    };
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\n' => words.extend(word.take()),
            '\'' => {
                word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '\'' => break,
                        c => push(&mut word, c),
                    }
                }
            }
            '"' => {
                word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '"' => break,
                        '\\' => push(&mut word, chars.next()?),
                        '$' | '`' => return None,
                        c => push(&mut word, c),
                    }
                }
            }
            '\\' => push(&mut word, chars.next()?),
            '$' | '`' | ';' | '&' | '|' | '<' | '>' | '(' | ')' => return None,
            c => push(&mut word, c),
        }
    }
    words.extend(word);
    Some(words)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn slices(words: &[Vec<u8>]) -> impl Iterator<Item = &[u8]> {
        words.iter().map(Vec::as_slice)
    }

    #[test]
    fn joined_words_keep_their_borders() {
        let one = quoted([&b"rm"[..], b"-rf a"]);
        let two = quoted([&b"rm"[..], b"-rf", b"a"]);
        assert_eq!(one, b"rm '-rf a'");
        assert_eq!(two, b"rm -rf a");
    }

    #[test]
    fn what_a_shell_would_expand_is_no_list_of_words() {
        for text in ["echo $X", "a; b", "a | b", "a > b", "'open", "`x`", "\"$X\""] {
            assert_eq!(unquoted(text), None, "{text}");
        }
        assert_eq!(
            unquoted(r#"a "b c" '' d\ e"#),
            Some([&b"a"[..], b"b c", b"", b"d e"].map(Vec::from).to_vec())
        );
    }

    proptest! {
        #[test]
        fn quoting_reads_back(words: Vec<String>) {
            let words: Vec<Vec<u8>> = words.into_iter().map(String::into_bytes).collect();
            let text = String::from_utf8(quoted(slices(&words))).unwrap();
            prop_assert_eq!(unquoted(&text), Some(words));
        }

        #[test]
        fn different_words_are_different_texts(a: Vec<Vec<u8>>, b: Vec<Vec<u8>>) {
            prop_assert_eq!(quoted(slices(&a)) == quoted(slices(&b)), a == b);
        }
    }
}
