//! `[log]`: the exec log.

use std::path::{Path, PathBuf};
use std::time::Duration;

use expacti_agent::log::{Config as LogConfig, Place};
use expacti_core::rules::read::{Item, Table};

use super::read;

pub(super) const KEYS: [&str; 11] = [
    "place",
    "place_file",
    "durability",
    "retention",
    "node_name",
    "batch_delay",
    "checkpoint_every",
    "checkpoint_interval",
    "spool_limit_mib",
    "patience",
    "queue",
];

/// What must be durable before a verdict leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strictness {
    /// What was held, denied or is risky; the rest is written in batches.
    Risky,
    /// Everything that the daemon decides.
    All,
}

/// The exec log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogSettings {
    /// A file of SQLite or a URL of PostgreSQL; none: `log.db` in the home.
    pub(crate) place: Option<Place>,
    /// A file that holds the place, for one with a password.
    pub(crate) place_file: Option<PathBuf>,
    /// What must be durable before a verdict leaves.
    pub(crate) durability: Strictness,
    /// Older entries are pruned; none: never.
    pub(crate) retention: Option<Duration>,
    /// The node's name, for people; none: its host name.
    pub(crate) node_name: Option<String>,
    /// How long an entry that nobody waits for may wait for company.
    pub(crate) batch_delay: Duration,
    /// After this many entries the chain is signed.
    pub(crate) checkpoint_every: u64,
    /// And at the latest after this time.
    pub(crate) checkpoint_interval: Duration,
    /// How large the spool may grow, in MiB.
    pub(crate) spool_limit_mib: u64,
    /// How long the database may take for one batch before the spool takes it.
    pub(crate) patience: Duration,
    /// How many entries may wait in memory.
    pub(crate) queue: usize,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            place: None,
            place_file: None,
            durability: Strictness::Risky,
            retention: None,
            node_name: None,
            batch_delay: Duration::from_millis(50),
            checkpoint_every: 10_000,
            checkpoint_interval: Duration::from_mins(1),
            spool_limit_mib: 256,
            patience: Duration::from_secs(5),
            queue: 65_536,
        }
    }
}

impl LogSettings {
    pub(super) fn read(&mut self, table: &Table<'_>, may_hold_secrets: bool) {
        table.only(&KEYS);
        if let Some(item) = table.get("place") {
            match item.text() {
                Some("") => self.place = None,
                Some(text) => self.place = place(&item, text, may_hold_secrets).or(self.place.take()),
                None => {}
            }
        }
        read::optional_path(table, "place_file", &mut self.place_file);
        let durabilities = [("risky", Strictness::Risky), ("all", Strictness::All)];
        read::word(table, "durability", &durabilities, &mut self.durability);
        read::duration_or_never(table, "retention", &mut self.retention);
        read::optional_text(table, "node_name", &mut self.node_name);
        read::duration(table, "batch_delay", &mut self.batch_delay);
        read::number(table, "checkpoint_every", 1, 10_000_000, &mut self.checkpoint_every);
        read::duration(table, "checkpoint_interval", &mut self.checkpoint_interval);
        read::number(table, "spool_limit_mib", 1, 1 << 20, &mut self.spool_limit_mib);
        read::duration(table, "patience", &mut self.patience);
        read::number(table, "queue", 256, 16 << 20, &mut self.queue);
        if self.place.is_some() && self.place_file.is_some() {
            table.problem("`place` and `place_file` both say where the log is", "leave one of them out");
        }
    }

    /// What the log itself is told. Reads the file that holds the place, where one is named.
    pub(crate) fn for_home(&self, home: &Path) -> Result<LogConfig, String> {
        let place = match (&self.place, &self.place_file) {
            (Some(place), _) => place.clone(),
            (None, None) => Place::Sqlite(home.join("log.db")),
            (None, Some(file)) => {
                let text = std::fs::read_to_string(file)
                    .map_err(|error| format!("log.place_file: {}: {error}", file.display()))?;
                text.trim().parse().map_err(|error| format!("log.place_file: {}: {error}", file.display()))?
            }
        };
        let mut config = LogConfig::new(place, home);
        if let Some(name) = &self.node_name {
            config.node_name.clone_from(name);
        }
        config.batch_delay = self.batch_delay;
        config.checkpoint_every = self.checkpoint_every;
        config.checkpoint_interval = self.checkpoint_interval;
        config.spool_limit = self.spool_limit_mib << 20;
        config.patience = self.patience;
        config.queue = self.queue;
        config.retention = self.retention;
        Ok(config)
    }
}

fn place(item: &Item<'_>, text: &str, may_hold_secrets: bool) -> Option<Place> {
    if !may_hold_secrets && has_password(text) {
        let help = "put the whole URL into a file and name it by place_file, or set EXPACTI_LOG_PLACE";
        item.problem("a password does not belong into this file", help);
        return None;
    }
    match text.parse() {
        Ok(place) => Some(place),
        Err(error) => {
            item.problem(error.to_string().replace('\n', " "), "see `expacti config default`");
            None
        }
    }
}

fn has_password(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let user = rest.rsplit_once('@').map(|(user, _)| user).unwrap_or_default();
    user.contains(':') || rest.split_once('?').is_some_and(|(_, query)| query.contains("password="))
}
