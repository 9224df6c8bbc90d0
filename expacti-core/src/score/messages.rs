//! Messages to many: what is told to one person after another cannot be taken back from any of them.

use super::Look;
use crate::assessment::Word;
use crate::see::Around;

/// Words of a command that are looked at.
const MAX_WORDS: usize = 64;

/// Whether it is done for one after another of whom a list names: in a loop over things that nobody knows now, or by
/// `xargs`.
pub(super) fn goes_to_many(look: &Look<'_>) -> bool {
    let mut words = look.seen.words.iter().skip(1).take(MAX_WORDS);
    match look.seen.around {
        Around::Loop | Around::Many if words.any(names_the_turn) => true,
        Around::Nothing | Around::Loop | Around::Many | Around::Endless(_) => {
            look.seen.appends || look.handed_on_by().is_some()
        }
    }
}

/// Whether a word has what changes from turn to turn in it. Names in capitals are settings of the environment.
fn names_the_turn(word: &Word) -> bool {
    let text = word.text.to_lossy();
    let is_variable = |rest: &str| {
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        rest.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    !word.literal && text.split('$').skip(1).any(is_variable)
}
