//! Lists of patterns, of which hardly any has to be compared with a text to know that it does not fit.

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

impl Pairs {
    pub(crate) fn of(text: &str) -> Self {
        if text.len() > MAX_TEXT { Self(u128::MAX) } else { Self::between(text.as_bytes(), |_| true) }
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn between(text: &[u8], counts: impl Fn(u8) -> bool) -> Self {
        let pairs = text.windows(2).filter_map(|pair| <[u8; 2]>::try_from(pair).ok());
        let counting = pairs.filter(|pair| pair.iter().all(|byte| counts(*byte)));
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

impl From<Vec<String>> for Patterns {
    fn from(texts: Vec<String>) -> Self {
        let is_plain = |byte| !matches!(byte, b'*' | b'?');
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
        self.0
            .iter()
            .filter(move |pattern| pairs.has_all_of(pattern.needs))
            .map(|pattern| pattern.text.as_str())
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
    }
}
