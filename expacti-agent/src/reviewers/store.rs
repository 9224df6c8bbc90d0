//! The file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use expacti_core::docket::{Role, Voter};
use serde::{Deserialize, Serialize};

use super::totp::Secret;
use super::{Known, New, ReviewersError};

/// One reviewer in the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) roles: BTreeSet<Role>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) teams: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) uid: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) token_hash: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) totp_secret: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) totp_step: Option<u64>,
    pub(super) created: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last_use: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) revoked: Option<u64>,
}

impl Entry {
    pub(super) fn new(new: &New, token_hash: String, totp_secret: Option<Secret>, created: u64) -> Self {
        Self {
            roles: new.roles.clone(),
            teams: new.teams.clone(),
            uid: new.uid,
            token_hash: Some(token_hash),
            totp_secret,
            totp_step: None,
            created,
            last_use: None,
            revoked: None,
        }
    }

    /// The name and what they could do stay for those who read old records; what opens doors goes.
    pub(super) fn revoke(&mut self, now: u64) {
        self.revoked = Some(now);
        self.token_hash = None;
        self.totp_secret = None;
        self.uid = None;
    }

    pub(super) fn is_uid(&self, uid: u32) -> bool {
        self.uid == Some(uid) && self.revoked.is_none()
    }

    pub(super) fn voter(&self, name: &str) -> Voter {
        Voter { name: name.to_owned(), roles: self.roles.clone(), teams: self.teams.clone() }
    }

    pub(super) fn known(&self, name: &str) -> Known {
        Known {
            voter: self.voter(name),
            uid: self.uid,
            totp: self.totp_secret.is_some(),
            created: self.created,
            last_use: self.last_use,
            revoked: self.revoked,
        }
    }
}

pub(super) fn load(path: &Path) -> Result<BTreeMap<String, Entry>, ReviewersError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(source) => return Err(ReviewersError::Io { path: path.to_owned(), source }),
    };
    toml::from_str(&text).map_err(|why| ReviewersError::Broken {
        path: path.to_owned(),
        why: why.to_string().trim().to_owned(),
    })
}

/// Replaces the file in one step, so that a crash leaves the old or the new one.
pub(super) fn save(path: &Path, entries: &BTreeMap<String, Entry>) -> Result<(), ReviewersError> {
    let io = |source| ReviewersError::Io { path: path.to_owned(), source };
    let text = toml::to_string(entries).map_err(|error| io(io::Error::other(error)))?;
    let next = path.with_extension("toml.next");
    write_anew(&next, text.as_bytes()).map_err(io)?;
    fs::rename(&next, path).map_err(io)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)
}

fn write_anew(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A left-over of a crash would keep its own permissions.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
