//! The one pattern language of the descriptions: `*` for any text, `?` for one character, case of ASCII letters ignored.

/// Longer than any name of a file, host or branch; of longer texts only the beginning is compared.
pub(crate) const MAX_NAME: usize = 4096;

/// Whether the whole of a name or path fits `pattern`.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    fits(pattern, &text[..text.len().min(MAX_NAME)])
}

/// Whether the whole of a text of any length fits `pattern`.
pub(crate) fn glob_text(pattern: &str, text: &str) -> bool {
    fits(pattern.as_bytes(), text.as_bytes())
}

/// Linear in practice, and at worst pattern times text.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    // Most patterns only say how a text ends, and most texts end otherwise.
    if let [b'*', end @ ..] = pattern
        && !end.iter().any(|byte| matches!(byte, b'*' | b'?'))
    {
        return text.len() >= end.len() && text[text.len() - end.len()..].eq_ignore_ascii_case(end);
    }
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(b'?') => {
                p += 1;
                t += 1;
            }
            Some(c) if c.eq_ignore_ascii_case(&text[t]) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((star_p, star_t)) => {
                    p = star_p + 1;
                    t = star_t + 1;
                    // Straight to where what follows the star can begin.
                    match pattern.get(p) {
                        None => return true,
                        Some(b'*' | b'?') => {}
                        Some(c) => match text[t..].iter().position(|byte| byte.eq_ignore_ascii_case(c)) {
                            Some(at) => t += at,
                            None => return false,
                        },
                    }
                    star = Some((star_p, t));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, text, fits) in [
            ("delete-*", "delete-stack", true),
            ("delete-*", "undelete-stack", false),
            ("*/*", "origin/main", true),
            ("a?c", "ABC", true),
            ("", "", true),
            ("*", "", true),
            ("*/.env", "/srv/.ENV", true),
            ("*/.env", "/srv/.env.local", false),
            ("*.env", "env", false),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
            ("*/b?", "/a/b/bc", true),
            ("a*?b", "axyb", true),
            ("a*?b", "ab", false),
            ("*ab*", "aab", true),
            ("*ab*", "aacb", false),
        ] {
            assert_eq!(glob(pattern, text), fits, "{pattern} {text}");
        }
    }
}
