//! Who has signed in.
//!
//! The browser holds a random id in a cookie; the daemon keeps its hash, so that its file opens nothing for whoever reads
//! it. The file lets people stay signed in while the daemon is upgraded.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Seconds without a sign of the human after which a session ends.
pub(crate) const IDLE: u64 = 60 * 60;
/// Seconds after which a session ends whatever happens.
pub(crate) const LIFE: u64 = 12 * 60 * 60;
/// Seconds for which a one-time password that was shown in a session counts for approvals.
const TOTP_HOLDS: u64 = 60 * 60;
/// Sessions of one reviewer; the one that was not used for longest makes room.
const EACH: usize = 16;

/// Everybody who has signed in.
#[derive(Debug)]
pub(crate) struct Sessions {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// By the hash of the id.
    kept: BTreeMap<String, Kept>,
    saved_at: u64,
}

/// A session in the file. Times are seconds since the epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    name: String,
    since: u64,
    seen: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    totp: Option<u64>,
}

/// One session, as a request shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    /// Names it here, and opens nothing.
    pub(crate) key: String,
    /// Whose it is.
    pub(crate) name: String,
    /// What requests that change something must repeat: pages of others cannot know it.
    pub(crate) csrf: String,
    /// In how many seconds it ends at the latest.
    pub(crate) left: u64,
    /// A one-time password was shown in it not long ago.
    pub(crate) totp_shown: bool,
}

impl Kept {
    fn is_over(&self, now: u64) -> bool {
        now >= self.since + LIFE || now >= self.seen + IDLE
    }
}

impl Sessions {
    /// Takes up what an earlier life of the daemon left. A file that cannot be read means that all sign in anew.
    pub(crate) fn open(path: PathBuf) -> Self {
        let kept = fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let state = State { kept: kept.unwrap_or_default(), saved_at: 0 };
        Self { path, state: Mutex::new(state) }
    }

    /// Somebody has signed in. Gives the id for their cookie.
    pub(crate) fn begin(&self, name: &str, totp: bool, now: u64) -> io::Result<String> {
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let id = URL_SAFE_NO_PAD.encode(random);
        let mut state = self.state();
        state.kept.retain(|_, kept| !kept.is_over(now));
        let mut theirs: Vec<(u64, String)> = (state.kept.iter())
            .filter(|(_, kept)| kept.name == name)
            .map(|(key, kept)| (kept.seen, key.clone()))
            .collect();
        theirs.sort();
        let surplus = (theirs.len() + 1).saturating_sub(EACH);
        for (_, key) in theirs.iter().take(surplus) {
            state.kept.remove(key);
        }
        let kept = Kept { name: name.to_owned(), since: now, seen: now, totp: totp.then_some(now) };
        state.kept.insert(hash("session", &id), kept);
        // Without the file they have to sign in again after a restart, and nothing worse.
        let _ = save(&self.path, &state.kept);
        Ok(id)
    }

    /// The session of this id. `active` tells that a human did something.
    pub(crate) fn of(&self, id: &str, active: bool, now: u64) -> Option<Session> {
        let key = hash("session", id);
        let mut state = self.state();
        let kept = state.kept.get_mut(&key)?;
        if kept.is_over(now) {
            state.kept.remove(&key);
            return None;
        }
        if active {
            kept.seen = now;
        }
        let session = Session {
            csrf: hash("csrf", id),
            name: kept.name.clone(),
            left: (kept.since + LIFE).saturating_sub(now),
            totp_shown: kept.totp.is_some_and(|shown| now < shown + TOTP_HOLDS),
            key,
        };
        if active && now >= state.saved_at + 60 {
            state.saved_at = now;
            let _ = save(&self.path, &state.kept);
        }
        Some(session)
    }

    /// A one-time password was shown.
    pub(crate) fn showed_totp(&self, key: &str, now: u64) {
        if let Some(kept) = self.state().kept.get_mut(key) {
            kept.totp = Some(now);
        }
    }

    /// Whether it goes on.
    pub(crate) fn is_alive(&self, key: &str, now: u64) -> bool {
        self.state().kept.get(key).is_some_and(|kept| !kept.is_over(now))
    }

    /// They signed out.
    pub(crate) fn end(&self, key: &str) {
        let mut state = self.state();
        state.kept.remove(key);
        let _ = save(&self.path, &state.kept);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is one call on the map, so a panic leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One hash for each purpose: neither tells the other, nor the id.
fn hash(purpose: &str, id: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::new().chain_update(purpose).chain_update([0]).chain_update(id).finalize())
}

/// Replaces the file in one step. Losing the last change in a power cut harms nobody, so nothing is synced.
fn save(path: &Path, kept: &BTreeMap<String, Kept>) -> io::Result<()> {
    let next = path.with_extension("next");
    match fs::remove_file(&next) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&next)?;
    file.write_all(&serde_json::to_vec(kept)?)?;
    fs::rename(&next, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(dir: &tempfile::TempDir) -> Sessions {
        Sessions::open(dir.path().join("sessions.json"))
    }

    #[test]
    fn a_session_outlives_the_daemon_and_its_file_does_not_open_it() {
        let dir = tempfile::tempdir().unwrap();
        let id = open(&dir).begin("alice", false, 100).unwrap();
        let file = fs::read_to_string(dir.path().join("sessions.json")).unwrap();
        assert!(file.contains("alice") && !file.contains(&id));
        let again = open(&dir);
        let session = again.of(&id, true, 200).unwrap();
        assert_eq!((session.name.as_str(), session.left), ("alice", LIFE - 100));
        assert_eq!(again.of(&session.key, true, 200), None);
        again.end(&session.key);
        assert_eq!(again.of(&id, true, 200), None);
        assert_eq!(open(&dir).of(&id, true, 200), None);
    }

    #[test]
    fn a_session_ends_when_nobody_is_there_and_at_the_end_of_the_day() {
        let dir = tempfile::tempdir().unwrap();
        let sessions = open(&dir);
        let id = sessions.begin("alice", false, 0).unwrap();
        assert!(sessions.of(&id, false, IDLE - 1).is_some());
        assert_eq!(sessions.of(&id, true, IDLE), None);
        let id = sessions.begin("alice", false, 0).unwrap();
        for hour in 1..24 {
            let alive = sessions.of(&id, true, hour * (IDLE / 2)).is_some();
            assert_eq!(alive, hour * (IDLE / 2) < LIFE, "{hour}");
        }
    }

    #[test]
    fn a_one_time_password_counts_for_a_while() {
        let dir = tempfile::tempdir().unwrap();
        let sessions = open(&dir);
        let id = sessions.begin("alice", true, 0).unwrap();
        assert!(sessions.of(&id, true, TOTP_HOLDS - 1).unwrap().totp_shown);
        let session = sessions.of(&id, true, TOTP_HOLDS).unwrap();
        assert!(!session.totp_shown);
        sessions.showed_totp(&session.key, TOTP_HOLDS);
        assert!(sessions.of(&id, true, TOTP_HOLDS + 1).unwrap().totp_shown);
    }

    #[test]
    fn the_oldest_of_too_many_sessions_goes() {
        let dir = tempfile::tempdir().unwrap();
        let sessions = open(&dir);
        let first = sessions.begin("alice", false, 0).unwrap();
        let bobs = sessions.begin("bob", false, 0).unwrap();
        let more: Vec<_> = (1..=EACH as u64).map(|at| sessions.begin("alice", false, at).unwrap()).collect();
        assert_eq!(sessions.of(&first, false, 20), None);
        assert!(more.iter().chain([&bobs]).all(|id| sessions.of(id, false, 20).is_some()));
    }
}
