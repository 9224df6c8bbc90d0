//! One-time passwords by time (RFC 6238), as every authenticator app makes them: SHA-1, six digits, thirty seconds.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha1::Sha1;

use super::ReviewersError;

const SECONDS: u64 = 30;
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// What the app and the daemon share. It has to be kept readable: both sides compute with it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Secret([u8; 20]);

impl Secret {
    pub(super) fn random() -> Result<Self, ReviewersError> {
        let mut secret = [0; 20];
        getrandom::fill(&mut secret).map_err(|why| ReviewersError::Crypto(why.to_string()))?;
        Ok(Self(secret))
    }

    /// What an app scans or takes typed in.
    pub(super) fn uri(&self, name: &str) -> String {
        format!("otpauth://totp/expacti:{name}?secret={}&issuer=expacti", self.base32())
    }

    /// The time step whose code this is: now, the one before or the one after, for clocks that are a little off.
    pub(super) fn step_of(&self, code: &str, now: u64) -> Option<u64> {
        let current = now / SECONDS;
        (current.saturating_sub(1)..=current + 1).find(|step| same(&self.code_at(*step), code))
    }

    #[cfg(test)]
    pub(super) fn code(&self, now: u64) -> String {
        self.code_at(now / SECONDS)
    }

    fn code_at(&self, step: u64) -> String {
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(&self.0) else { return String::new() };
        mac.update(&step.to_be_bytes());
        let hash = mac.finalize().into_bytes();
        let offset = usize::from(hash[19] & 15);
        let mut four = [0; 4];
        four.copy_from_slice(&hash[offset..offset + 4]);
        let number = u32::from_be_bytes(four) & 0x7fff_ffff;
        format!("{:06}", number % 1_000_000)
    }

    fn base32(&self) -> String {
        let bits = |at: usize| self.0.get(at / 8).is_some_and(|byte| byte >> (7 - at % 8) & 1 == 1);
        let digit = |start: usize| (start..start + 5).fold(0, |value, at| value << 1 | usize::from(bits(at)));
        (0..self.0.len() * 8).step_by(5).map(|start| char::from(BASE32[digit(start)])).collect()
    }
}

/// Compares without telling by time how much is right.
fn same(expected: &str, given: &str) -> bool {
    let differs = expected.bytes().zip(given.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
    expected.len() == given.len() && !expected.is_empty() && differs == 0
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, cut to six digits.
        let secret = Secret(*b"12345678901234567890");
        let codes = [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_234_567_890, "005924"),
            (20_000_000_000, "353130"),
        ];
        for (now, code) in codes {
            assert_eq!(secret.code(now), code);
            assert_eq!(secret.step_of(code, now), Some(now / 30));
        }
        assert_eq!(secret.base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(secret.step_of("287082", 59 + 90), None);
    }
}
