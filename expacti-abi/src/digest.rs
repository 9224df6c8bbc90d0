//! SipHash-2-4 with 128 bits of output, over 64-bit words.
//!
//! The kernel programs and the daemon run this very code. The key is random and set at load: an agent that
//! cannot learn it cannot make two argument vectors with one digest. Strings are absorbed with their NUL and padded
//! with zero bytes to whole words, which can be undone in one way only: no two lists of strings
//! give the same words.

/// A digest as it lies in maps and events.
pub type Digest = [u64; 2];

/// Running state.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Sip {
    v0: u64,
    v1: u64,
    v2: u64,
    v3: u64,
    words: u64,
}

const _: () = assert!(size_of::<Sip>() == 40);

impl Sip {
    /// A fresh state under this key.
    #[inline]
    pub fn new(key: [u64; 2]) -> Self {
        Self {
            v0: key[0] ^ 0x736f_6d65_7073_6575,
            v1: key[1] ^ 0x646f_7261_6e64_6f6d ^ 0xee,
            v2: key[0] ^ 0x6c79_6765_6e65_7261,
            v3: key[1] ^ 0x7465_6462_7974_6573,
            words: 0,
        }
    }

    /// Absorbs one word.
    #[inline]
    pub fn word(&mut self, word: u64) {
        self.v3 ^= word;
        self.round();
        self.round();
        self.v0 ^= word;
        self.words = self.words.wrapping_add(1);
    }

    /// Absorbs one string and its NUL. The string must not hold one itself.
    pub fn string(&mut self, text: &[u8]) {
        let mut chunks = text.chunks_exact(8);
        for chunk in &mut chunks {
            self.word(chunk.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)));
        }
        self.word(chunks.remainder().iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)));
    }

    /// The digest of all that was absorbed.
    #[inline]
    pub fn finish(mut self) -> Digest {
        // As in the reference, the last word carries the length in bytes in its highest byte.
        let length = self.words << 3 << 56;
        self.v3 ^= length;
        self.round();
        self.round();
        self.v0 ^= length;
        self.v2 ^= 0xee;
        self.rounds4();
        let low = self.v0 ^ self.v1 ^ self.v2 ^ self.v3;
        self.v1 ^= 0xdd;
        self.rounds4();
        [low, self.v0 ^ self.v1 ^ self.v2 ^ self.v3]
    }

    #[inline]
    fn rounds4(&mut self) {
        self.round();
        self.round();
        self.round();
        self.round();
    }

    #[inline]
    fn round(&mut self) {
        self.v0 = self.v0.wrapping_add(self.v1);
        self.v1 = self.v1.rotate_left(13) ^ self.v0;
        self.v0 = self.v0.rotate_left(32);
        self.v2 = self.v2.wrapping_add(self.v3);
        self.v3 = self.v3.rotate_left(16) ^ self.v2;
        self.v0 = self.v0.wrapping_add(self.v3);
        self.v3 = self.v3.rotate_left(21) ^ self.v0;
        self.v2 = self.v2.wrapping_add(self.v1);
        self.v1 = self.v1.rotate_left(17) ^ self.v2;
        self.v2 = self.v2.rotate_left(32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u64; 2] = [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908];

    #[test]
    fn agrees_with_another_implementation() {
        use core::hash::Hasher as _;

        use siphasher::sip128::{Hasher128 as _, SipHasher24};

        let words: [u64; 40] = core::array::from_fn(|i| 0x0123_4567_89ab_cdef_u64.wrapping_mul(i as u64 + 1));
        for count in 0..=words.len() {
            let mut ours = Sip::new(KEY);
            let mut theirs = SipHasher24::new_with_keys(KEY[0], KEY[1]);
            for word in &words[..count] {
                ours.word(*word);
                theirs.write(&word.to_le_bytes());
            }
            let theirs = theirs.finish128();
            assert_eq!(ours.finish(), [theirs.h1, theirs.h2], "{count} words");
        }
    }

    fn digest(strings: &[&[u8]]) -> Digest {
        let mut sip = Sip::new(KEY);
        for string in strings {
            sip.string(string);
        }
        sip.finish()
    }

    #[test]
    fn where_a_string_ends_counts() {
        let different: [&[&[u8]]; 8] = [
            &[b"ab", b"c"],
            &[b"a", b"bc"],
            &[b"abc"],
            &[b"abc", b""],
            &[b"", b"abc"],
            &[b"12345678"],
            &[b"12345678", b""],
            &[b"1234567", b"8"],
        ];
        for (i, left) in different.iter().enumerate() {
            for right in &different[i + 1..] {
                assert_ne!(digest(left), digest(right), "{left:?} {right:?}");
            }
        }
    }

    #[test]
    fn the_key_counts() {
        let mut other = Sip::new([1, 2]);
        other.string(b"git");
        assert_ne!(digest(&[b"git"]), other.finish());
    }
}
