//! The daemon: kernel edge, engine, desk, log and interface, put together.

mod ledger;
mod reader;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use expacti_agent::log::{Config as LogConfig, Durability, Log, Place};
use expacti_core::Tools;
use expacti_core::docket::Policy as Docketing;
use expacti_core::policy::Policy;
use expacti_core::record::entry::{BootId, Change, Entry};
use expacti_core::record::secrets::Masker;
use expacti_core::rules::RuleSet;
use tokio::signal::unix::{SignalKind, signal};

use self::ledger::Ledger;
use self::reader::Reader;
use crate::api::{Api, ApiConfig};
use crate::desk::{Desk, NobodyToNotify, Ports};
use crate::kernel::{self, Gate, Ring};
use crate::reviewers::Reviewers;

/// Everything that the daemon must be told.
pub(crate) struct Config {
    /// Where a BPF file system is mounted.
    pub(crate) bpffs: PathBuf,
    /// The node's own folder: log, keys, reviewers.
    pub(crate) home: PathBuf,
    /// Where entries of the log go; none: SQLite in `home`.
    pub(crate) log: Option<Place>,
    /// Where the interface is served.
    pub(crate) socket: PathBuf,
    /// Agents to gate from the start: name, cgroup, bits of `control::agent`.
    pub(crate) agents: Vec<(String, PathBuf, u32)>,
    /// The rules in force.
    pub(crate) rules: RuleSet,
    /// How long an attempt may wait for a daemon that does not answer.
    pub(crate) grace: Duration,
    /// How long humans have.
    pub(crate) review: Duration,
}

/// What a decision needs, the same for every exec until the rules are loaded anew.
pub(crate) struct Engine {
    pub(crate) tools: Tools,
    pub(crate) policy: Policy,
    pub(crate) rules: RuleSet,
}

/// Runs until it is told to end. The gate stays in the kernel and holds what nobody answers.
pub(crate) fn run(config: Config) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(config))
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let boot: BootId = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?.parse()?;
    let place = config.log.unwrap_or_else(|| Place::Sqlite(config.home.join("log.db")));
    let log = Log::open(LogConfig::new(place, &config.home)).await.context("the exec log")?;

    let instance = getrandom::u64().map_err(|error| anyhow::anyhow!("no random numbers: {error}"))?;
    let mut maps = kernel::load(&config.bpffs, instance)?;
    let ring = maps.take_ring().map(Ring::new).context("the ring was taken before")?;
    let gate = Gate::new(maps, instance, config.grace)?;
    kernel::retire_others(&config.bpffs, instance)?;

    let ledger = Arc::new(Ledger::new(log.clone(), boot));
    let ports = Ports {
        kernel: Arc::clone(&gate) as _,
        log: Arc::clone(&ledger) as _,
        notifier: Arc::new(NobodyToNotify),
    };
    let review_ms = u64::try_from(config.review.as_millis()).unwrap_or(u64::MAX);
    let docketing =
        Docketing { timeout_ms: expacti_core::docket::PerLevel::same(review_ms), ..Docketing::default() };
    let (desk, mut proposals) = Desk::start(docketing, ports);

    let reviewers = Arc::new(Reviewers::open(&config.home.join("reviewers.json"))?);
    let mut mask_key = [0; 16];
    getrandom::fill(&mut mask_key).map_err(|error| anyhow::anyhow!("no random numbers: {error}"))?;
    let api = Api::new(
        desk.clone(),
        reviewers,
        Arc::clone(&gate) as _,
        ApiConfig::default(),
        Masker::new(mask_key),
        format!("{instance:016x}"),
    );
    let serving = api.serve_unix(&config.socket)?;

    let engine = Engine { tools: Tools::embedded(), policy: Policy::default(), rules: config.rules };
    for (name, cgroup, flags) in &config.agents {
        gate.enrol(name, cgroup, *flags)?;
        say(&format!("agent {name}: {} is gated", cgroup.display()));
    }
    gate.ask_anew()?;
    let reader = Reader::new(ring, Arc::clone(&gate), engine, desk.clone(), Arc::clone(&ledger));
    std::thread::Builder::new().name("ring".to_owned()).spawn(move || reader.run())?;

    let started = Change::DaemonStarted {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
    };
    log.append(Entry { at: ledger::now(), attempt: None, change: started }, Durability::Durable)?.ignore();
    say(&format!("ready; the interface is at {}", config.socket.display()));

    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
        ended = serving => ended.context("the interface ended")?,
        () = async { while proposals.recv().await.is_some() {} } => {}
    }
    let because = "it was told to".to_owned();
    let stopped = Entry { at: ledger::now(), attempt: None, change: Change::DaemonStopped { because } };
    log.append(stopped, Durability::Durable)?.ignore();
    log.close().await?;
    Ok(())
}

/// One line for whoever started the daemon.
fn say(line: &str) {
    use std::io::Write as _;
    // Nobody may be reading.
    let _unread = writeln!(std::io::stderr(), "expacti: {line}");
}
