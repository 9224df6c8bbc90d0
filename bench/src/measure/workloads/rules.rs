//! Rules as a human leaves them behind who allowed for good what waited once.

use std::fmt::Write as _;

use super::Wait;

/// A rule for each of them. Numbers in it may be others the next time: they are of processes.
pub(super) fn approving(waits: &[Wait]) -> String {
    let mut patterns: Vec<String> = waits.iter().map(|wait| pattern(&wait.argv)).collect();
    patterns.sort_unstable();
    patterns.dedup();
    let mut text = String::new();
    for (number, pattern) in patterns.iter().enumerate() {
        // A string of JSON is one of TOML, too.
        let pattern = serde_json::Value::from(pattern.as_str());
        // Writing into a string does not fail.
        let _ = write!(
            text,
            "[[rule]]\nname = \"approved-{number}\"\ndecision = \"allow\"\nbecause = \"a human allowed it\"\nregex = {pattern}\n"
        );
    }
    text
}

fn pattern(argv: &[String]) -> String {
    let mut pattern = "^".to_owned();
    let mut digits = false;
    for c in argv.join(" ").chars() {
        if c.is_ascii_digit() {
            if !digits {
                pattern.push_str("[0-9]+");
            }
        } else {
            if c.is_ascii_punctuation() {
                pattern.push('\\');
            }
            pattern.push(c);
        }
        digits = c.is_ascii_digit();
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
    }
}
