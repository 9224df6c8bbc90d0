//! Rules as a human leaves them behind who allowed for good what waited once.

use std::fmt::Write as _;

use super::Wait;

/// A rule for each of them. Numbers of processes and names of temporary files may be others the next time.
pub(super) fn approving(waits: &[Wait]) -> String {
    let mut each: Vec<_> = waits.iter().map(|wait| (wait.exe.as_str(), meant(&wait.argv))).collect();
    each.sort_unstable();
    each.dedup();
    let mut text = String::new();
    for (number, (exe, pattern)) in each.iter().enumerate() {
        // A string of JSON is one of TOML, too.
        let exe = serde_json::Value::from(*exe);
        // Writing into a string does not fail.
        let _ = write!(
            text,
            "[[rule]]\nname = \"approved-{number}\"\ndecision = \"allow\"\nbecause = \"a human allowed it\"\nexe = [{exe}]\n{pattern}\n"
        );
    }
    text
}

/// What is the same each time is spelled out, which covers a script with all that it may start; each of that is asked about
/// when it starts.
fn meant(argv: &[String]) -> String {
    let pattern = pattern(argv);
    if pattern.contains("[0-9") {
        return format!("regex = {}", serde_json::Value::from(pattern));
    }
    format!(
        "argv = {}\nmax_risk = 100\n\
         covers = {{ env = [\"*\"], expansions = true, unseen = true, inner = true, redirections = [\"**\"] }}",
        serde_json::Value::from(argv.to_vec())
    )
}

fn pattern(argv: &[String]) -> String {
    let line = argv.join(" ");
    let mut rest = line.as_str();
    let mut pattern = "^".to_owned();
    while let Some(c) = rest.chars().next() {
        // What the compiler hands to the assembler.
        if let Some(behind) = rest.strip_prefix("/tmp/cc").and_then(|behind| behind.get(6..)) {
            pattern.push_str("/tmp/cc[0-9A-Za-z]{6}");
            rest = behind;
        } else if c.is_ascii_digit() {
            pattern.push_str("[0-9]+");
            rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        } else {
            if c.is_ascii_punctuation() {
                pattern.push('\\');
            }
            pattern.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    pattern + "$"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_one_command_with_any_numbers() {
        let argv = ["rm", "-f", "conf123.sh"].map(str::to_owned);
        assert_eq!(pattern(&argv), r"^rm \-f conf[0-9]+\.sh$");
        let argv = ["as", "/tmp/ccqKD6Vd.s"].map(str::to_owned);
        assert_eq!(pattern(&argv), r"^as /tmp/cc[0-9A-Za-z]{6}\.s$");
    }
}
