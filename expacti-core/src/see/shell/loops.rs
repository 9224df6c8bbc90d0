//! How often a command runs, as far as the loops around it say.

use super::Reader;

/// From so many turns on they are many, whatever runs in them.
const MANY: u64 = 100_000;
/// Bytes of a loop's head that are looked at for numbers.
const MAX_HEAD: usize = 256;

/// What stands around a command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Around {
    /// No loop.
    #[default]
    Nothing,
    /// A loop over some things.
    Loop,
    /// A loop of very many turns.
    Many,
    /// A loop without end, whose first command this is.
    Endless(usize),
}

impl Around {
    /// The same, seen from a text with so many commands before.
    pub(crate) const fn behind(self, start: usize) -> Self {
        match self {
            Self::Endless(first) => Self::Endless(first + start),
            Self::Nothing | Self::Loop | Self::Many => self,
        }
    }

    /// What a loop inside of it says of its commands.
    pub(super) fn and(self, inner: Self) -> Self {
        match (self, inner) {
            (_, Self::Endless(_)) | (Self::Nothing, _) => inner,
            (Self::Endless(_), _) => self,
            (Self::Many, _) | (_, Self::Many) => Self::Many,
            (Self::Loop, _) => Self::Loop,
        }
    }

    /// As it is told to a reader of an inner text, which numbers its commands anew.
    pub(super) const fn for_inner_text(self) -> Self {
        match self {
            Self::Endless(_) => Self::Loop,
            Self::Nothing | Self::Loop | Self::Many => self,
        }
    }
}

impl Reader<'_> {
    /// Whether the condition behind a `while` or `until` of `length` bytes can never end the loop.
    pub(super) fn always_holds(&self, length: usize) -> bool {
        let condition = self.rest().get(length..).unwrap_or_default().trim_start_matches([' ', '\t']);
        let until = self.rest().starts_with("until");
        let forms: &[&str] = if until {
            &["false", "! true"]
        } else {
            &["true", ":", "[ 1", "((1", "(( 1", "[[ 1", "! false", "test 1", "/bin/true"]
        };
        forms.iter().any(|form| {
            condition
                .strip_prefix(form)
                .is_some_and(|rest| rest.trim_start_matches([' ', ']', ')']).starts_with([';', '\n']))
        })
    }

    /// What the head of a `for`, which begins here, says of how often its body runs.
    pub(super) fn told_by_head(&self) -> Around {
        let rest = self.rest().trim_start_matches([' ', '\t']);
        let Some(counted) = rest.strip_prefix("((") else { return Around::Loop };
        let head = &counted[..counted.floor_char_boundary(MAX_HEAD)];
        let head = head.split_once("))").map_or(head, |(head, _)| head);
        let mut parts = head.split(';').map(str::trim);
        let (first, condition) = (parts.next().unwrap_or_default(), parts.next());
        match condition {
            Some("" | "1" | "true") => Around::Endless(self.commands.len()),
            Some(condition) if span(first, condition) >= MANY => Around::Many,
            Some(_) | None => Around::Loop,
        }
    }
}

/// Whether a word of the head of a `for` stands for very many: `$(seq 100000)`, `{1..100000}`.
pub(crate) fn is_many(word: &str) -> bool {
    let word = &word[..word.floor_char_boundary(MAX_HEAD)];
    let counted = ["$(seq ", "`seq "].iter().find_map(|open| word.split_once(open));
    let (from, to) = if let Some((_, rest)) = counted {
        let mut numbers = rest.split([' ', ')', '`']).filter(|word| is_number(word));
        let (first, last) = (numbers.next().unwrap_or_default(), numbers.next_back());
        last.map_or(("", first), |last| (first, last))
    } else if let Some((from, rest)) = word.split_once('{').and_then(|(_, rest)| rest.split_once("..")) {
        (from, rest.split(['.', '}']).next().unwrap_or_default())
    } else {
        return false;
    };
    span(from, to) >= MANY
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// How many there are from the last number in one text to the last in the other.
fn span(from: &str, to: &str) -> u64 {
    let last = |text: &str| {
        let mut numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
        numbers.next_back().map_or(0, |digits| digits.parse().unwrap_or(u64::MAX))
    };
    last(to).abs_diff(last(from)).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::is_many;

    #[test]
    fn many_is_told_by_how_far_it_is_from_the_first_to_the_last() {
        for (word, many) in [
            ("$(seq 100000)", true),
            ("$(seq 1 200000)", true),
            ("$(seq 0 2 900000)", true),
            ("`seq 1000000`", true),
            ("{1..100000}", true),
            ("x{000001..999999}", true),
            ("$(seq 99999999999999999999)", true),
            ("$(seq 100)", false),
            ("$(seq 20240101 20240131)", false),
            ("{20240101..20240131}", false),
            ("$(cat 100000)", false),
            ("{a..z}", false),
            ("100000", false),
        ] {
            assert_eq!(is_many(word), many, "{word}");
        }
    }
}
