//! Who may answer: names, roles, tokens.
//!
//! They live in one TOML file of the daemon's, not in the exec log's database: the log only ever appends and may be a
//! server far away, while reviewers must be known, and revoked, also when that server is gone. The daemon is the
//! only writer; the file is replaced in one step and readable by root alone.

mod store;
mod token;
mod totp;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use expacti_core::docket::{Role, Voter};

use self::store::Entry;
pub(crate) use self::token::Token;

/// Everybody who may answer.
#[derive(Debug)]
pub(crate) struct Reviewers {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    entries: BTreeMap<String, Entry>,
    // Tokens that were right once, by their hash: argon2 is slow on purpose, and a console asks often.
    verified: HashMap<[u8; 32], String>,
    saved_at: u64,
}

/// A new reviewer as an administrator describes them.
#[derive(Clone, Debug, Default)]
pub(crate) struct New {
    /// Unique, also among those who were revoked: records of the past name it.
    pub(crate) name: String,
    /// What they may do.
    pub(crate) roles: BTreeSet<Role>,
    /// Further names that rules may ask for.
    pub(crate) teams: BTreeSet<String>,
    /// A user of this host who is them, on the local socket, without a token.
    pub(crate) uid: Option<u32>,
    /// They approve with a one-time password too.
    pub(crate) totp: bool,
}

/// What a new reviewer is told once.
#[derive(Debug)]
pub(crate) struct Welcome {
    /// Their token.
    pub(crate) token: Token,
    /// For their authenticator app.
    pub(crate) totp_uri: Option<String>,
}

/// What may be shown of a reviewer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    /// Name, roles and teams.
    pub(crate) voter: Voter,
    /// The user of this host who is them.
    pub(crate) uid: Option<u32>,
    /// They approve with a one-time password too.
    pub(crate) totp: bool,
    /// Seconds since the epoch.
    pub(crate) created: u64,
    /// Seconds since the epoch, to the minute.
    pub(crate) last_use: Option<u64>,
    /// They may not answer any more, since then.
    pub(crate) revoked: Option<u64>,
}

/// What went wrong with reviewers.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReviewersError {
    /// The file is not readable or not writable.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file is not what the daemon wrote.
    #[error("{}: {why}; restore it from a back-up, or remove it and add the reviewers again", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// Where and why.
        why: String,
    },
    /// The name cannot be one.
    #[error("`{0}` is no reviewer's name: use 1 to 64 of a-z, 0-9, `.`, `_` and `-`, with a letter first")]
    BadName(String),
    /// The name is taken.
    #[error("there is or was a reviewer `{0}`; records name them, so choose another name")]
    Taken(String),
    /// The uid is somebody else already.
    #[error("uid {uid} is already reviewer `{name}`")]
    UidTaken {
        /// Which.
        uid: u32,
        /// Who.
        name: String,
    },
    /// There is no such reviewer.
    #[error("there is no reviewer `{0}`")]
    Unknown(String),
    /// The system gave no randomness, or the hash could not be made.
    #[error("no token could be made: {0}")]
    Crypto(String),
}

impl Reviewers {
    /// Reads the file; there is none before the first reviewer.
    pub(crate) fn open(path: &Path) -> Result<Self, ReviewersError> {
        let state = State { entries: store::load(path)?, ..State::default() };
        Ok(Self { path: path.to_owned(), state: Mutex::new(state) })
    }

    /// Everybody, also those who were revoked.
    pub(crate) fn list(&self) -> Vec<Known> {
        self.state().entries.iter().map(|(name, entry)| entry.known(name)).collect()
    }

    /// Adds somebody. The token is in the answer and nowhere else.
    pub(crate) fn add(&self, new: New, now: u64) -> Result<Welcome, ReviewersError> {
        if !is_name(&new.name) {
            return Err(ReviewersError::BadName(new.name));
        }
        // Hashing takes a moment, so it is done before anybody has to wait for the lock.
        let token = Token::random(&new.name)?;
        let token_hash = token.hash()?;
        let totp_secret = new.totp.then(totp::Secret::random).transpose()?;
        let totp_uri = totp_secret.as_ref().map(|secret| secret.uri(&new.name));
        let mut state = self.state();
        if state.entries.contains_key(&new.name) {
            return Err(ReviewersError::Taken(new.name));
        }
        if let Some(uid) = new.uid
            && let Some((name, _)) = state.entries.iter().find(|(_, entry)| entry.is_uid(uid))
        {
            return Err(ReviewersError::UidTaken { uid, name: name.clone() });
        }
        let entry = Entry::new(&new, token_hash, totp_secret, now);
        let mut entries = state.entries.clone();
        entries.insert(new.name, entry);
        store::save(&self.path, &entries)?;
        state.entries = entries;
        Ok(Welcome { token, totp_uri })
    }

    /// Takes somebody's right away, at once.
    pub(crate) fn revoke(&self, name: &str, now: u64) -> Result<(), ReviewersError> {
        let mut state = self.state();
        let mut entries = state.entries.clone();
        let Some(entry) = entries.get_mut(name).filter(|entry| entry.revoked.is_none()) else {
            return Err(ReviewersError::Unknown(name.to_owned()));
        };
        entry.revoke(now);
        // Even if the file cannot be written they may not answer as long as this daemon runs.
        state.entries.clone_from(&entries);
        state.verified.retain(|_, verified| verified != name);
        store::save(&self.path, &entries)
    }

    /// Whose token this is. Takes tens of milliseconds the first time, on purpose.
    pub(crate) fn by_token(&self, text: &str, now: u64) -> Option<Voter> {
        let token = Token::parse(text)?;
        let fingerprint = token.fingerprint();
        let known = self.state().verified.get(&fingerprint).cloned();
        if let Some(name) = known {
            return self.use_of(&name, now);
        }
        let hash = self.state().entries.get(token.name())?.token_hash.clone()?;
        if !token.matches(&hash) {
            return None;
        }
        // Somebody may have been revoked while the hash was compared: `use_of` looks again.
        let voter = self.use_of(token.name(), now)?;
        self.state().verified.insert(fingerprint, voter.name.clone());
        Some(voter)
    }

    /// Somebody who was known before, as they are now.
    pub(crate) fn by_name(&self, name: &str, now: u64) -> Option<Voter> {
        self.use_of(name, now)
    }

    /// The file that they are kept in.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Who this user of the host is.
    pub(crate) fn by_uid(&self, uid: u32, now: u64) -> Option<Voter> {
        let name = self.state().entries.iter().find(|(_, entry)| entry.is_uid(uid))?.0.clone();
        self.use_of(&name, now)
    }

    /// Whether they must show a one-time password.
    pub(crate) fn needs_totp(&self, name: &str) -> bool {
        self.state().entries.get(name).is_some_and(|entry| entry.totp_secret.is_some())
    }

    /// Whether the one-time password is right and was not used before.
    pub(crate) fn check_totp(&self, name: &str, code: &str, now: u64) -> bool {
        let mut state = self.state();
        let Some(entry) = state.entries.get_mut(name) else { return false };
        let Some(secret) = &entry.totp_secret else { return false };
        let Some(step) = secret.step_of(code, now) else { return false };
        if entry.totp_step.is_some_and(|used| step <= used) {
            return false;
        }
        entry.totp_step = Some(step);
        // A code must not work twice, also not after a restart.
        store::save(&self.path, &state.entries).is_ok()
    }

    fn use_of(&self, name: &str, now: u64) -> Option<Voter> {
        let mut state = self.state();
        let entry = state.entries.get_mut(name).filter(|entry| entry.revoked.is_none())?;
        entry.last_use = Some(now - now % 60);
        let voter = entry.voter(name);
        if now >= state.saved_at + 60 {
            state.saved_at = now;
            // The time of last use is a help for administrators; nothing depends on it.
            let _ = store::save(&self.path, &state.entries);
        }
        Some(voter)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is made on a copy or in one assignment, so a panic leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_name(name: &str) -> bool {
    let first_is_letter = name.starts_with(|c: char| c.is_ascii_lowercase());
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c);
    first_is_letter && name.len() <= 64 && name.chars().all(allowed)
}

#[cfg(test)]
impl Reviewers {
    /// What their authenticator shows now.
    pub(crate) fn code_of(&self, name: &str) -> String {
        let now = crate::clock::epoch_seconds();
        self.state().entries[name].totp_secret.as_ref().map(|secret| secret.code(now)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alice() -> New {
        New {
            name: "alice".into(),
            roles: BTreeSet::from([Role::Reviewer]),
            uid: Some(1000),
            ..New::default()
        }
    }

    #[test]
    fn a_token_is_known_again_after_a_restart_and_the_file_does_not_hold_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("reviewers.toml");
        let token = Reviewers::open(&path).unwrap().add(alice(), 0).unwrap().token.reveal().to_owned();
        let file = std::fs::read_to_string(&path).unwrap();
        assert!(file.contains("$argon2id$") && !file.contains(&token));
        let again = Reviewers::open(&path).unwrap();
        for _ in 0..2 {
            assert_eq!(again.by_token(&token, 90).unwrap().name, "alice");
        }
        assert_eq!(again.by_uid(1000, 90).unwrap().name, "alice");
        assert_eq!(again.list()[0].last_use, Some(60));
        assert_eq!(again.by_token("alice.AAAA", 90), None);
        assert_eq!(again.by_token(&token.replace("alice", "bob"), 90), None);
    }

    #[test]
    fn a_revoked_reviewer_is_nobody_at_once_and_their_name_stays_taken() {
        let dir = tempfile::tempdir().unwrap();
        let reviewers = Reviewers::open(&dir.path().join("reviewers.toml")).unwrap();
        let token = reviewers.add(alice(), 0).unwrap().token;
        assert!(reviewers.by_token(token.reveal(), 1).is_some());
        reviewers.revoke("alice", 2).unwrap();
        assert_eq!(reviewers.by_token(token.reveal(), 3), None);
        assert_eq!(reviewers.by_uid(1000, 3), None);
        assert!(matches!(reviewers.add(alice(), 4), Err(ReviewersError::Taken(_))));
        assert!(matches!(reviewers.revoke("alice", 5), Err(ReviewersError::Unknown(_))));
    }

    #[test]
    fn only_root_reads_the_file() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("reviewers.toml");
        Reviewers::open(&path).unwrap().add(alice(), 0).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn names_that_could_mislead_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let reviewers = Reviewers::open(&dir.path().join("reviewers.toml")).unwrap();
        for name in ["", "Alice", "alice bob", "1st", "аlice", "a\n", &"a".repeat(65)] {
            let new = New { name: name.into(), ..New::default() };
            assert!(matches!(reviewers.add(new, 0), Err(ReviewersError::BadName(_))), "{name:?}");
        }
    }

    #[test]
    fn a_one_time_password_works_once() {
        let dir = tempfile::tempdir().unwrap();
        let reviewers = Reviewers::open(&dir.path().join("reviewers.toml")).unwrap();
        let welcome = reviewers.add(New { totp: true, ..alice() }, 0).unwrap();
        assert!(welcome.totp_uri.unwrap().starts_with("otpauth://totp/expacti:alice?secret="));
        let code = reviewers.state().entries["alice"].totp_secret.as_ref().unwrap().code(1_000);
        assert!(reviewers.check_totp("alice", &code, 1_000));
        assert!(!reviewers.check_totp("alice", &code, 1_000));
        assert!(!reviewers.check_totp("alice", "000", 2_000));
    }

    #[test]
    fn a_broken_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("reviewers.toml");
        std::fs::write(&path, "[alice]\nroles = [\"king\"]\n").unwrap();
        let error = Reviewers::open(&path).unwrap_err().to_string();
        assert!(error.contains("reviewers.toml") && error.contains("king"), "{error}");
    }
}
