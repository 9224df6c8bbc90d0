//! What a reviewer shows to be known: their name and 256 random bits.

use std::fmt;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::ReviewersError;

/// A token. It is never in the daemon's files, and `Debug` does not show it.
pub(crate) struct Token(String);

impl Token {
    pub(super) fn random(name: &str) -> Result<Self, ReviewersError> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(|why| ReviewersError::Crypto(why.to_string()))?;
        Ok(Self(format!("{name}.{}", URL_SAFE_NO_PAD.encode(secret))))
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let has_both_parts =
            text.rsplit_once('.').is_some_and(|(name, secret)| !name.is_empty() && !secret.is_empty());
        (text.len() <= 256 && has_both_parts).then(|| Self(text.to_owned()))
    }

    /// To be shown once, to an administrator who has just asked for it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    pub(super) fn name(&self) -> &str {
        self.0.rsplit_once('.').map_or("", |(name, _)| name)
    }

    pub(super) fn hash(&self) -> Result<String, ReviewersError> {
        Argon2::default()
            .hash_password(self.0.as_bytes())
            .map(|hash| hash.to_string())
            .map_err(|why| ReviewersError::Crypto(why.to_string()))
    }

    pub(super) fn matches(&self, hash: &str) -> bool {
        PasswordHash::new(hash)
            .is_ok_and(|hash| Argon2::default().verify_password(self.0.as_bytes(), &hash).is_ok())
    }

    /// Names a token in memory. 256 random bits need no slow hash to be safe there.
    pub(super) fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.[hidden]", self.name())
    }
}
