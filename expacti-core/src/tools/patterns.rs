//! Lists of patterns, of which hardly any has to be compared with a text to know that it does not fit.

use std::rc::Rc;

use serde::Deserialize;

use super::glob::glob;

/// Patterns of a list.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Vec<String>")]
pub(crate) struct Patterns(Vec<Pattern>);

#[derive(Clone, Debug)]
struct Pattern {
    text: String,
    /// What every text has that it fits.
    needs: Pairs,
}

/// The pairs of neighbouring bytes in a text, whatever the case of ASCII letters. Some share a bit, so what is missing here
/// is missing there, but not the other way round.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pairs(u128);

/// Longer texts are taken to have them all.
const MAX_TEXT: usize = 2048;
/// Places for the pairs of a text that others begin with.
const TOLD_APART: usize = 4096;

impl Pairs {
    pub(crate) fn of(text: impl AsRef<[u8]>) -> Self {
        let text = text.as_ref();
        if text.len() > MAX_TEXT { Self(u128::MAX) } else { Self::between(text, |_| true) }
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn between(text: &[u8], counts: impl Fn(u8) -> bool) -> Self {
        let counting = neighbours(text).filter(|pair| pair.iter().all(|byte| counts(*byte)));
        Self(counting.fold(0, |bits, pair| bits | Self::bit(pair)))
    }

    fn bit(pair: [u8; 2]) -> u128 {
        let [first, second] = pair.map(|byte| u32::from(byte.to_ascii_lowercase()));
        1 << ((first * 37 + second * 11) % u128::BITS)
    }

    fn has_all_of(self, needed: Self) -> bool {
        needed.0 & !self.0 == 0
    }
}

/// The pairs in a long text that others begin with, of which more have to be told apart than a few bits can.
#[derive(Debug)]
pub(crate) struct PairsToldApart([u64; TOLD_APART / 64]);

/// What each pattern of a list needs beside what such a text has.
#[derive(Debug)]
pub(crate) struct PairsNeeded(Vec<Pairs>);

impl PairsToldApart {
    pub(crate) fn of(text: &str) -> Self {
        let mut bits = [0; TOLD_APART / 64];
        for place in neighbours(text.as_bytes()).map(Self::place) {
            bits[place / 64] |= 1 << (place % 64);
        }
        Self(bits)
    }

    fn has(&self, pair: [u8; 2]) -> bool {
        let place = Self::place(pair);
        self.0[place / 64] >> (place % 64) & 1 == 1
    }

    fn place(pair: [u8; 2]) -> usize {
        let [first, second] = pair.map(|byte| usize::from(byte.to_ascii_lowercase()));
        (first * 251 + second * 7) % TOLD_APART
    }
}

fn neighbours(text: &[u8]) -> impl Iterator<Item = [u8; 2]> {
    text.windows(2).filter_map(|pair| <[u8; 2]>::try_from(pair).ok())
}

fn is_plain(byte: u8) -> bool {
    !matches!(byte, b'*' | b'?')
}

impl From<Vec<String>> for Patterns {
    fn from(texts: Vec<String>) -> Self {
        let pattern = |text: String| Pattern { needs: Pairs::between(text.as_bytes(), is_plain), text };
        Self(texts.into_iter().map(pattern).collect())
    }
}

impl Patterns {
    /// Whether one of them fits the whole of a name or path.
    pub(crate) fn fit(&self, text: &str) -> bool {
        self.that_may_fit(Pairs::of(text)).any(|pattern| glob(pattern, text))
    }

    /// Those that may fit a text with these pairs.
    pub(crate) fn that_may_fit(&self, pairs: Pairs) -> impl Iterator<Item = &str> {
        self.that_may_fit_with(pairs, None)
    }

    /// The same, if some of what they need is known to be there.
    pub(crate) fn that_may_fit_with(
        &self,
        pairs: Pairs,
        needed: Option<Rc<PairsNeeded>>,
    ) -> impl Iterator<Item = &str> {
        let needs = move |number: usize, pattern: &Pattern| {
            needed.as_ref().and_then(|needed| needed.0.get(number)).map_or(pattern.needs, |needed| *needed)
        };
        self.0
            .iter()
            .enumerate()
            .filter(move |(number, pattern)| pairs.has_all_of(needs(*number, pattern)))
            .map(|(_, pattern)| pattern.text.as_str())
    }

    /// What the patterns need beside what is there already.
    pub(crate) fn needed_beside(&self, there: &PairsToldApart) -> PairsNeeded {
        let needs = |pattern: &Pattern| {
            let pairs =
                neighbours(pattern.text.as_bytes()).filter(|pair| pair.iter().all(|byte| is_plain(*byte)));
            Pairs(pairs.filter(|pair| !there.has(*pair)).fold(0, |bits, pair| bits | Pairs::bit(pair)))
        };
        PairsNeeded(self.0.iter().map(needs).collect())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|pattern| pattern.text.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_list_fits_what_one_of_its_patterns_fits(
            patterns in prop::collection::vec("[aB/*?.]{0,6}", 1..6),
            text in "[Ab/.*]{0,9}",
        ) {
            let one_fits = patterns.iter().any(|pattern| glob(pattern, &text));
            prop_assert_eq!(Patterns::from(patterns).fit(&text), one_fits);
        }

        #[test]
        fn what_the_beginning_has_is_not_needed_of_the_rest(
            patterns in prop::collection::vec("[aB/*?.]{0,6}", 1..6),
            beginning in "[Ab/.*]{1,9}",
            rest in "[Ab/.*]{0,9}",
        ) {
            let text = format!("{beginning}{rest}");
            let one_fits = patterns.iter().any(|pattern| glob(pattern, &text));
            let patterns = Patterns::from(patterns);
            let needed = Rc::new(patterns.needed_beside(&PairsToldApart::of(&beginning)));
            let pairs = Pairs::of(&text[beginning.len() - 1..]);
            let fits = patterns.that_may_fit_with(pairs, Some(needed)).any(|pattern| glob(pattern, &text));
            prop_assert_eq!(fits, one_fits);
        }
    }
}
