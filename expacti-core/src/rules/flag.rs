//! Options of a command as users write them: `-f`, `-rf`, `--force`, `--forc`, `--force=yes`.

/// Whether `word` gives the option `flag`, bundled with others, shortened or with a value.
///
/// It rather says yes once too often: deny rules then catch more, and allow rules with `no_flag` cover less.
pub(crate) fn gives_flag(word: &[u8], flag: &[u8]) -> bool {
    if word == flag {
        return true;
    }
    if let Some(long) = flag.strip_prefix(b"--") {
        let Some(given) = word.strip_prefix(b"--") else { return false };
        let name = given.split(|b| *b == b'=').next().unwrap_or(given);
        return name == long || (name.len() >= 2 && long.starts_with(name));
    }
    let Some(short) = flag.strip_prefix(b"-") else { return false };
    let Some(given) = word.strip_prefix(b"-").filter(|given| !given.starts_with(b"-")) else { return false };
    match short {
        // A single letter may stand anywhere in a bundle, its value behind it.
        [letter] => given.split(|b| *b == b'=').next().is_some_and(|bundle| bundle.contains(letter)),
        // Tools such as `find` and `terraform` have words behind one dash.
        name => given.split(|b| *b == b'=').next() == Some(name),
    }
}

/// Whether `word` is exactly this option, alone or with `=value`: what an allow rule can vouch for.
pub(crate) fn is_flag(word: &[u8], flag: &[u8]) -> bool {
    word == flag
        || (flag.starts_with(b"--") && word.strip_prefix(flag).is_some_and(|rest| rest.starts_with(b"=")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_is_found_in_every_spelling() {
        for (word, flag) in [
            ("-f", "-f"),
            ("-rf", "-f"),
            ("-fr", "-f"),
            ("--force", "--force"),
            ("--forc", "--force"),
            ("--force=1", "--force"),
            ("-auto-approve=true", "-auto-approve"),
            ("+x", "+x"),
        ] {
            assert!(gives_flag(word.as_bytes(), flag.as_bytes()), "{word} {flag}");
        }
        for (word, flag) in [
            ("force", "--force"),
            ("--f", "--force"),
            ("-", "-f"),
            ("--force", "-f"),
            ("--forced", "--force"),
        ] {
            assert!(!gives_flag(word.as_bytes(), flag.as_bytes()), "{word} {flag}");
        }
    }

    #[test]
    fn an_allow_rule_vouches_for_exact_options_only() {
        assert!(is_flag(b"--color=never", b"--color"));
        assert!(!is_flag(b"--colo", b"--color"));
        assert!(!is_flag(b"-nf", b"-n"));
        assert!(!is_flag(b"-n=5", b"-n"));
    }
}
