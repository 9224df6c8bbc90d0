//! A map's value that says whose it is.
//!
//! The kernel gives an element of a hash map to another key as soon as it is replaced or removed, while a program that
//! has just looked it up still reads. What it reads then is another key's, or half of each, and a look-up may miss what
//! was there all the time. So every value that a verdict hangs on carries a seal over its words and its key: a reader
//! copies the words, compares, and looks again where they do not match.

/// How often a reader looks before it gives up: each time something else must have been written in the same nanoseconds.
pub const LOOKS: u32 = 3;

/// The seal of these words under this key. Not against people, who cannot write here: against mixed-up words. Every word
/// is mixed into all bits that follow, so that no exchange of words or bytes cancels out.
#[inline(always)]
#[must_use]
pub fn seal<const N: usize>(key: u64, words: [u64; N]) -> u64 {
    let mut sum = mixed(key);
    for word in words {
        sum = mixed(sum ^ word);
    }
    sum
}

#[inline(always)]
fn mixed(word: u64) -> u64 {
    let product = word.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    product ^ product >> 32
}

#[cfg(test)]
mod tests {
    use super::seal;

    #[test]
    fn it_tells_keys_words_and_their_order_apart() {
        let whole = seal(7, [1, 2]);
        for other in [seal(8, [1, 2]), seal(7, [2, 1]), seal(7, [1, 3]), seal(7, [0, 2]), seal(1, [7, 2])] {
            assert_ne!(whole, other);
        }
        assert_eq!(whole, seal(7, [1, 2]));
    }

    /// As a copy that another one overtakes leaves it.
    #[test]
    fn no_mixture_of_two_is_whole() {
        let (old, new) = ([1, 10, 100, 0], [1, 11, 101, 2]);
        let bytes = |key: u64, words: [u64; 4]| {
            let mut bytes = [0_u8; 40];
            for (place, word) in bytes.chunks_exact_mut(8).zip(words.into_iter().chain([seal(key, words)])) {
                place.copy_from_slice(&word.to_le_bytes());
            }
            bytes
        };
        let word = |bytes: &[u8; 40], at: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&bytes[at * 8..][..8]);
            u64::from_le_bytes(word)
        };
        let (old, new) = (bytes(3, old), bytes(4, new));
        for cut in 1..40 {
            let mut mixed = old;
            mixed[..cut].copy_from_slice(&new[..cut]);
            if mixed == old || mixed == new {
                continue;
            }
            let words = [0, 1, 2, 3].map(|at| word(&mixed, at));
            for key in [3, 4] {
                assert_ne!(seal(key, words), word(&mixed, 4), "cut after {cut} bytes under {key}");
            }
        }
    }
}
