//! The configuration: `/etc/expacti/expacti.toml`, the environment over it, and what they mean.
//!
//! What is written and what it means are two things. A file is read key by key, so that one look shows everything that
//! is wrong in it, each in one line with its place; what comes out has a value for everything.

mod agents;
mod api;
mod containers;
mod layers;
mod log;
mod notifications;
mod policy;
mod read;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use expacti_abi::limits::RING;
use expacti_core::rules::read::Table;

pub(crate) use self::agents::{AgentConfig, Whereabouts, check_name, check_template};
pub(crate) use self::api::ApiSettings;
pub(crate) use self::log::{LogSettings, Strictness};
pub(crate) use self::notifications::NotificationSettings;
pub(crate) use self::policy::{FailMode, Hold, Mode, Treatment};
pub(crate) use self::rules::RuleSettings;

use self::layers::{Layer, read_layers};
use crate::containers::Settings;

/// Where the daemon looks for it unless it is told otherwise.
pub(crate) const FILE: &str = "/etc/expacti/expacti.toml";

/// The commented file with every default in it.
pub(crate) const DEFAULT: &str = include_str!("config/default.toml");

/// The policy that every other begins with, and that of agents that name none.
pub(crate) const DEFAULT_POLICY: &str = "default";

/// Sections with settings of their own, and their keys. Each can be set by the environment, too: `log.retention` by
/// `EXPACTI_LOG_RETENTION`.
pub(crate) const SECTIONS: [(&str, &[&str]); 7] = [
    ("", &["home", "bpffs", "ring_kib", "grace", "canary"]),
    ("log", &log::KEYS),
    ("rules", &rules::KEYS),
    ("api", &api::KEYS),
    ("notifications", &notifications::KEYS),
    ("containers", &containers::KEYS),
    ("policy.default", &policy::KEYS),
];

const TOP: [&str; 13] = [
    "home",
    "bpffs",
    "ring_kib",
    "grace",
    "canary",
    "log",
    "rules",
    "api",
    "notifications",
    "notify",
    "containers",
    "policy",
    "agent",
];

/// Everything that operators can set.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Config {
    /// This node's own folder: log, keys, reviewers.
    pub(crate) home: PathBuf,
    /// Where a BPF file system is mounted.
    pub(crate) bpffs: PathBuf,
    /// How large the ring is that the kernel tells through, in KiB.
    pub(crate) ring_kib: u32,
    /// How long an exec waits for a daemon that does not answer.
    pub(crate) grace: Duration,
    /// How often a canary shows that the gate is in force; none: never.
    pub(crate) canary: Option<Duration>,
    /// The exec log.
    pub(crate) log: LogSettings,
    /// Where rules come from.
    pub(crate) rules: RuleSettings,
    /// The interface.
    pub(crate) api: ApiSettings,
    /// Who is told.
    pub(crate) notifications: NotificationSettings,
    /// What is asked about containers, and where they are expected.
    pub(crate) containers: Settings,
    /// How agents are treated, by name. `default` is always there.
    pub(crate) policies: BTreeMap<String, Treatment>,
    /// Agents that are gated from the start.
    pub(crate) agents: Vec<AgentConfig>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            home: "/var/lib/expacti".into(),
            bpffs: "/sys/fs/bpf".into(),
            ring_kib: RING >> 10,
            grace: Duration::from_secs(10),
            canary: Some(Duration::from_secs(5)),
            log: LogSettings::default(),
            rules: RuleSettings::default(),
            api: ApiSettings::default(),
            notifications: NotificationSettings::default(),
            containers: Settings::default(),
            policies: BTreeMap::from([(DEFAULT_POLICY.to_owned(), Treatment::default())]),
            agents: Vec::new(),
        }
    }
}

/// Why a configuration is refused: one line for everything that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub(crate) struct Mistakes(pub(crate) Vec<String>);

impl Config {
    /// Reads a file, or the defaults where none is named and none is at the usual place; the environment wins over both.
    pub(crate) fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Mistakes> {
        let (path, asked_for) = match file {
            Some(path) => (path, true),
            None => (Path::new(FILE), false),
        };
        let text = match std::fs::read(path) {
            Ok(bytes) => String::from_utf8(bytes).map_err(|_| {
                Mistakes(vec![format!("{}: it is not UTF-8; save it as UTF-8", path.display())])
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !asked_for => String::new(),
            Err(error) => {
                let help = "name a file that can be read, or see `expacti config default`";
                return Err(Mistakes(vec![format!("{}: {error}; {help}", path.display())]));
            }
        };
        Self::parse(&path.display().to_string(), &text, environment)
    }

    /// Reads a text and the environment over it.
    pub(crate) fn parse(
        name: &str,
        text: &str,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Mistakes> {
        read_layers(name, text, environment, Self::read)
    }

    /// The policy of this name.
    pub(crate) fn policy(&self, name: &str) -> Option<&Treatment> {
        self.policies.get(name)
    }

    fn read(layers: &[Layer<'_>]) -> Self {
        let mut config = Self::default();
        for layer in layers {
            let table = &layer.table;
            table.only(&TOP);
            read::path(table, "home", &mut config.home);
            read::path(table, "bpffs", &mut config.bpffs);
            // Whole pages of any kernel, and no more than the daemon can map twice.
            read::power_of_two(table, "ring_kib", 64, 1 << 20, &mut config.ring_kib);
            read::duration(table, "grace", &mut config.grace);
            read::duration_or_never(table, "canary", &mut config.canary);
            with(table, "log", |table| config.log.read(table, layer.may_hold_secrets));
            with(table, "rules", |table| config.rules.read(table));
            with(table, "api", |table| config.api.read(table));
            with(table, "notifications", |table| config.notifications.read(table));
            with(table, "containers", |table| containers::read(table, &mut config.containers));
        }
        for layer in layers {
            config.notifications.read_ways(&layer.table);
            config.api.check(&layer.table);
        }
        config.policies = policy::read_all(layers);
        for layer in layers {
            let mut agents = agents::read(&layer.table, &config.policies);
            config.agents.append(&mut agents);
        }
        config
    }
}

/// Does something with a table below another, where it is there.
fn with<'a>(table: &Table<'a>, name: &str, then: impl FnOnce(&Table<'a>)) {
    if let Some(inner) = table.get(name).and_then(|item| item.table()) {
        then(&inner);
    }
}
