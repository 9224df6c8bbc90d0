//! The words of a command, as full-text search knows them.
//!
//! Both databases are fed these words instead of the text, so that the same question finds the same records in
//! either: no two databases split paths and flags alike.

use crate::untrusted::Untrusted;

/// Words beyond this many of one command cannot be searched for. PostgreSQL cannot tell positions beyond 16383.
pub const MOST: usize = 8192;
/// A word is cut after this many characters, in the index and in the question.
const LONGEST: usize = 64;

/// Letters, digits and `_` in a row, in lower case.
pub fn of(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().flat_map(char::to_lowercase).take(LONGEST).collect())
}

/// The words of a command line.
pub fn of_command(argv: &[Untrusted]) -> Vec<String> {
    let mut words = Vec::new();
    for argument in argv {
        words.extend(of(&argument.to_lossy()).take(MOST - words.len()));
        if words.len() >= MOST {
            break;
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_falls_into_words() {
        let argv = ["psql", "-c", "UPDATE users SET a_b='Ä';", "/srv/App.toml"].map(Untrusted::from);
        let words = of_command(&argv);
        assert_eq!(words, ["psql", "c", "update", "users", "set", "a_b", "ä", "srv", "app", "toml"]);
    }

    #[test]
    fn a_flood_of_words_is_bounded() {
        let argv = [Untrusted::from("a ".repeat(MOST * 2)), "b".into()];
        assert_eq!(of_command(&argv).len(), MOST);
        assert_eq!(of(&"x".repeat(1000)).next().unwrap().len(), LONGEST);
    }
}
