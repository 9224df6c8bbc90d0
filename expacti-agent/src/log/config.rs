//! Where the log lives and how strict it is.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::LogError;

/// Where entries are kept.
#[derive(Clone, PartialEq, Eq)]
pub enum Place {
    /// A file of SQLite.
    Sqlite(PathBuf),
    /// A URL of PostgreSQL.
    Postgres(String),
}

impl FromStr for Place {
    type Err = LogError;

    fn from_str(text: &str) -> Result<Self, LogError> {
        match text.split_once("://") {
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres(text.to_owned())),
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(path.into())),
            None if !text.is_empty() => Ok(Self::Sqlite(text.into())),
            _ => Err(LogError::BadInput(format!(
                "'{}' is no place for a log: give a path, sqlite://PATH or postgres://USER@HOST/DATABASE",
                without_password(text)
            ))),
        }
    }
}

/// For people: without the password.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(f),
            Self::Postgres(url) => f.write_str(&without_password(url)),
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn without_password(url: &str) -> String {
    let plain = || {
        let (scheme, rest) = url.split_once("://")?;
        let (user, host) = rest.rsplit_once('@')?;
        let user = user.split(':').next()?;
        Some(format!("{scheme}://{user}@{}", host.split('?').next()?))
    };
    plain().unwrap_or_else(|| url.split('?').next().unwrap_or_default().to_owned())
}

/// Everything the log must be told.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where entries are kept.
    pub place: Place,
    /// A folder of this node alone: its key, the spool, the anchor.
    pub home: PathBuf,
    /// The node's name, for people.
    pub node_name: String,
    /// How long an entry that nobody waits for may wait for company.
    pub batch_delay: Duration,
    /// After this many entries the chain is signed.
    pub checkpoint_every: u64,
    /// And at the latest after this time, where anything was added.
    pub checkpoint_interval: Duration,
    /// How large the spool may grow, in bytes.
    pub spool_limit: u64,
    /// How long the database may take for one batch before the spool takes it.
    pub patience: Duration,
    /// How many entries may wait in memory.
    pub queue: usize,
    /// A sequence number that has not come after about this time is a hole.
    pub hole_patience: Duration,
    /// Entries older than this are pruned; none: never.
    pub retention: Option<Duration>,
}

impl Config {
    /// The defaults, for a place and a home.
    pub fn new(place: Place, home: impl Into<PathBuf>) -> Self {
        Self {
            place,
            home: home.into(),
            node_name: node_name(),
            batch_delay: Duration::from_millis(50),
            checkpoint_every: 10_000,
            checkpoint_interval: Duration::from_mins(1),
            spool_limit: 256 << 20,
            patience: Duration::from_secs(5),
            queue: 65_536,
            hole_patience: Duration::from_secs(5),
            retention: None,
        }
    }
}

fn node_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_shown_without_its_password() {
        let cases = [
            ("/var/lib/x.db", "/var/lib/x.db"),
            ("sqlite:///x.db", "/x.db"),
            ("postgres://u:pw@h:5432/d", "postgres://u@h:5432/d"),
            ("postgres://u:p@w@h/d?password=x", "postgres://u@h/d"),
            ("postgres://h/d?password=x", "postgres://h/d"),
        ];
        for (text, shown) in cases {
            assert_eq!(text.parse::<Place>().unwrap().to_string(), shown);
        }
        let bad = "mysql://u:pw@h/d".parse::<Place>().unwrap_err().to_string();
        assert!(bad.contains("mysql://u@h/d") && !bad.contains("pw"), "{bad}");
    }
}
