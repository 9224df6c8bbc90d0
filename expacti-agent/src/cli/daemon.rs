//! `expacti daemon`: the gate's user-space half.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use expacti_agent::log::Place;
use expacti_core::docket::PerLevel;

use super::ending::{BadInput, Ending};
use super::rule_files::RuleFiles;
use crate::config::{
    AgentConfig, Config, DEFAULT_POLICY, Hold, Mistakes, Mode, RuleSettings, Whereabouts, check_name,
};
use crate::operations::OperationError;
use crate::{daemon, kernel};

/// Run the gate: decide what enrolled agents may execute
#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
#[command(after_help = "\
Options win over the environment, the environment over the file; `expacti config default` shows every setting.

The gate stays in the kernel when the daemon ends: what is allowed already goes on, everything else waits for a daemon
for the grace, and then fails with \"Operation not permitted\".")]
pub(super) struct Daemon {
    /// The configuration [default: /etc/expacti/expacti.toml, where it is there]
    #[arg(long, value_name = "FILE", env = "EXPACTI_CONFIG")]
    config: Option<PathBuf>,
    /// Gate a cgroup from the start; may be given again
    #[arg(long = "agent", value_name = "NAME=CGROUP")]
    agents: Vec<String>,
    /// Let every agent run everything, and only log it
    #[arg(long)]
    observe: bool,
    /// Hold what humans decide behind its exec: whoever started it goes on meanwhile
    #[arg(long)]
    hold_after: bool,
    #[command(flatten)]
    rules: RuleFiles,
    /// Where a BPF file system is mounted
    #[arg(long, value_name = "FOLDER")]
    bpffs: Option<PathBuf>,
    /// This node's own folder: log, keys, reviewers
    #[arg(long, value_name = "FOLDER")]
    home: Option<PathBuf>,
    /// Where the exec log is kept: a file of SQLite or a URL of PostgreSQL
    #[arg(long, value_name = "PLACE", env = "EXPACTI_LOG", hide_env_values = true)]
    log: Option<String>,
    /// Where the interface is served
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Where agents look at their own tickets. Its folder may be mounted into containers
    #[arg(long, value_name = "PATH")]
    own_socket: Option<PathBuf>,
    /// How long an exec waits for a daemon that does not answer, in seconds
    #[arg(long, value_name = "SECONDS")]
    grace: Option<u64>,
    /// How long humans have to answer, in seconds
    #[arg(long, value_name = "SECONDS", overrides_with = "review")]
    review: Option<u64>,
    /// How often a canary shows that the gate is in force, in seconds; 0 for never
    #[arg(long, value_name = "SECONDS")]
    canary: Option<u64>,
    /// Take the gate out of the kernel, say what was removed, and end. What waits for a verdict is denied first
    #[arg(long, conflicts_with_all = ["agents", "observe"])]
    unload: bool,
    /// Unload even while a daemon runs
    #[arg(long, requires = "unload")]
    force: bool,
}

/// What the options say, in the configuration's terms.
struct Options {
    file: Option<PathBuf>,
    agents: Vec<(String, PathBuf)>,
    observe: bool,
    hold_after: bool,
    rules: Option<RuleSettings>,
    bpffs: Option<PathBuf>,
    home: Option<PathBuf>,
    log: Option<Place>,
    socket: Option<PathBuf>,
    own_socket: Option<PathBuf>,
    grace: Option<Duration>,
    review: Option<Duration>,
    /// In seconds; zero for never.
    canary: Option<u64>,
}

impl Daemon {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let (unloads, force) = (self.unload, self.force);
        let options = self.options()?;
        // What is wrong with the configuration is the asker's to mend, so it is said before anything is done.
        let config = options.load().map_err(|mistakes| BadInput(mistakes.to_string()))?;
        if unloads {
            return unload(&config.bpffs, force);
        }
        daemon::run(Box::new(move || options.load())).map_err(|error| match error.downcast() {
            // What only shows where the host is known is the asker's, too.
            Ok(OperationError::BadInput(text)) => BadInput(text).into(),
            Ok(error) => error.into(),
            Err(error) => error,
        })?;
        Ok(Ending::Done)
    }

    fn options(self) -> anyhow::Result<Options> {
        let mut agents = Vec::new();
        for agent in &self.agents {
            let pair = agent.split_once('=').filter(|(name, _)| check_name(name).is_ok());
            let Some((name, cgroup)) = pair else {
                let text = format!("--agent {agent:?}: give a name and a cgroup, as in ci=/sys/fs/cgroup/ci");
                return Err(BadInput(text).into());
            };
            agents.push((name.to_owned(), PathBuf::from(cgroup)));
        }
        let log = self.log.as_deref().map(str::parse).transpose();
        let rules = self.rules.into_named().map(|(files, starters)| RuleSettings { files, starters });
        Ok(Options {
            file: self.config,
            agents,
            observe: self.observe,
            hold_after: self.hold_after,
            rules,
            bpffs: self.bpffs,
            home: self.home,
            log: log.map_err(|error: expacti_agent::log::LogError| BadInput(error.to_string()))?,
            socket: self.socket,
            own_socket: self.own_socket,
            grace: self.grace.map(Duration::from_secs),
            review: self.review.map(Duration::from_secs),
            canary: self.canary,
        })
    }
}

impl Options {
    /// The configuration with the options over it, read anew each time.
    fn load(&self) -> Result<Config, Mistakes> {
        let mut config = Config::load(self.file.as_deref(), super::environment())?;
        let taken = |new: &Option<PathBuf>, old: &mut PathBuf| {
            if let Some(new) = new {
                old.clone_from(new);
            }
        };
        taken(&self.bpffs, &mut config.bpffs);
        taken(&self.home, &mut config.home);
        taken(&self.socket, &mut config.api.socket);
        if let Some(path) = &self.own_socket {
            config.api.own_socket = Some(path.clone());
        }
        if let Some(place) = &self.log {
            config.log.place = Some(place.clone());
            config.log.place_file = None;
        }
        if let Some(rules) = &self.rules {
            config.rules = rules.clone();
        }
        if let Some(grace) = self.grace {
            config.grace = grace;
        }
        if let Some(seconds) = self.canary {
            config.canary = (seconds > 0).then(|| Duration::from_secs(seconds));
        }
        for (name, cgroup) in &self.agents {
            if config.agents.iter().any(|agent| agent.name == *name) {
                return Err(Mistakes(vec![format!(
                    "--agent {name}: the configuration has an agent of this name"
                )]));
            }
            let treatment = config.policy(DEFAULT_POLICY).cloned().unwrap_or_default();
            let whereabouts = Whereabouts::Cgroup(cgroup.clone());
            let policy = DEFAULT_POLICY.to_owned();
            config.agents.push(AgentConfig { name: name.clone(), whereabouts, policy, treatment });
        }
        let agents = config.agents.iter_mut().map(|agent| &mut agent.treatment);
        for treatment in config.policies.values_mut().chain(agents) {
            if self.observe {
                treatment.mode = Mode::Observe;
            }
            if self.hold_after {
                treatment.hold = Hold::After;
            }
            if let Some(review) = self.review {
                treatment.tickets.timeout_ms =
                    PerLevel::same(u64::try_from(review.as_millis()).unwrap_or(u64::MAX));
            }
        }
        Ok(config)
    }
}

fn unload(bpffs: &Path, force: bool) -> anyhow::Result<Ending> {
    let mut out = std::io::stdout().lock();
    let removed = kernel::unload(bpffs, force)?;
    for line in &removed {
        writeln!(out, "{line}")?;
    }
    if removed.is_empty() {
        writeln!(out, "nothing of expacti is in the kernel")?;
    }
    Ok(Ending::Done)
}
