//! Lists of patterns, of which hardly any has to be compared with a text to know that it does not fit.

use std::rc::Rc;

use serde::Deserialize;

use super::glob::glob;

/// Patterns of a list.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Vec<String>")]
pub(crate) struct Patterns {
    /// By the bit under which each is looked up: one that it needs and few others do. Behind those the ones without any.
    all: Vec<Pattern>,
    /// Where those of each bit end.
    ends: Vec<usize>,
}

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
/// Behind the bits: where patterns stand that need none.
const NO_BIT: usize = u128::BITS as usize;
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

    /// The places of its bits.
    fn bits(self) -> impl Iterator<Item = usize> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            let bit = left.trailing_zeros();
            left &= left.wrapping_sub(1);
            (bit < u128::BITS).then_some(bit as usize)
        })
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
        let mut all: Vec<Pattern> = texts.into_iter().map(pattern).collect();
        let mut needing = [0_usize; NO_BIT];
        all.iter().flat_map(|pattern| pattern.needs.bits()).for_each(|bit| needing[bit] += 1);
        let rarest =
            |pattern: &Pattern| pattern.needs.bits().min_by_key(|bit| needing[*bit]).unwrap_or(NO_BIT);
        all.sort_by_cached_key(rarest);
        let ends = (0..=NO_BIT).map(|bit| all.partition_point(|pattern| rarest(pattern) <= bit)).collect();
        Self { all, ends }
    }
}

impl Patterns {
    /// Whether one of them fits the whole of a name or path.
    pub(crate) fn fit(&self, text: &str) -> bool {
        self.that_may_fit(Pairs::of(text)).any(|pattern| glob(pattern, text))
    }

    /// Those that may fit a text with these pairs.
    pub(crate) fn that_may_fit(&self, pairs: Pairs) -> impl Iterator<Item = &str> {
        let looked_up = pairs.bits().chain([NO_BIT]).flat_map(|bit| self.under(bit));
        looked_up.filter(move |pattern| pairs.has_all_of(pattern.needs)).map(|pattern| pattern.text.as_str())
    }

    /// The same, where it is known what they need of these pairs.
    pub(crate) fn that_may_fit_with(
        &self,
        pairs: Pairs,
        needed: Rc<PairsNeeded>,
    ) -> impl Iterator<Item = &str> {
        let mut numbered = self.all.iter().enumerate();
        std::iter::from_fn(move || {
            let is_there =
                |number: usize| needed.0.get(number).is_none_or(|needed| pairs.has_all_of(*needed));
            numbered.find(|(number, _)| is_there(*number)).map(|(_, pattern)| pattern.text.as_str())
        })
    }

    /// Those that are looked up under a bit.
    fn under(&self, bit: usize) -> &[Pattern] {
        let start = bit.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default();
        self.ends.get(bit).and_then(|end| self.all.get(start..*end)).unwrap_or_default()
    }

    /// What the patterns need beside what is there already.
    pub(crate) fn needed_beside(&self, there: &PairsToldApart) -> PairsNeeded {
        let needs = |pattern: &Pattern| {
            let pairs =
                neighbours(pattern.text.as_bytes()).filter(|pair| pair.iter().all(|byte| is_plain(*byte)));
            Pairs(pairs.filter(|pair| !there.has(*pair)).fold(0, |bits, pair| bits | Pairs::bit(pair)))
        };
        PairsNeeded(self.all.iter().map(needs).collect())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|pattern| pattern.text.as_str())
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
            let fits = patterns.that_may_fit_with(pairs, needed).any(|pattern| glob(pattern, &text));
            prop_assert_eq!(fits, one_fits);
        }
    }
}
