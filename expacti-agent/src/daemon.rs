//! The daemon: kernel edge, engine, desk, log and interface, put together.

mod crew;
mod decider;
pub(crate) mod engine;
mod execs;
pub(crate) mod ledger;
mod offence;
mod past;
mod reader;
mod watch;

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use expacti_agent::log::{Config as LogConfig, Durability, Home, Log, Place};
use expacti_core::Tools;
use expacti_core::docket::Policy as Docketing;
use expacti_core::policy::Policy;
use expacti_core::record::entry::{BootId, Change, Entry};
use expacti_core::record::secrets::Masker;
use expacti_core::rules::RuleSet;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use self::decider::Decider;
use self::engine::{Engine, InForce};
use self::ledger::Ledger;
use self::past::Past;
use self::reader::Reader;
use crate::api::{Api, ApiConfig};
use crate::desk::{Desk, Ports};
use crate::kernel::{self, Gate, Ring};
use crate::notify::{Notifications, NotifyConfig};
use crate::reviewers::Reviewers;

/// How often the agents' past is kept.
const KEEP: Duration = Duration::from_mins(5);

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
    /// Where agents look at their own tickets.
    pub(crate) own_socket: PathBuf,
    /// Who is told when nobody looks.
    pub(crate) notify: NotifyConfig,
    /// How often the canary flies; zero for never.
    pub(crate) canary: Duration,
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

    // The log's own key: what is shown and what is kept tell equal secrets by equal fingerprints.
    let mask_key = Home::look(&config.home)?.key().mask_key();
    let masker = Masker::new(mask_key);
    let ledger = Arc::new(Ledger::new(log.clone(), boot));
    let ports = Ports {
        kernel: Arc::clone(&gate) as _,
        log: Arc::clone(&ledger) as _,
        notifier: Arc::new(Notifications::start(config.notify, masker.clone())?),
    };
    let review_ms = u64::try_from(config.review.as_millis()).unwrap_or(u64::MAX);
    let docketing =
        Docketing { timeout_ms: expacti_core::docket::PerLevel::same(review_ms), ..Docketing::default() };
    let (desk, mut proposals) = Desk::start(docketing, ports);

    let reviewers = Arc::new(Reviewers::open(&config.home.join("reviewers.json"))?);
    let api = Api::new(
        desk.clone(),
        reviewers,
        Arc::clone(&gate) as _,
        ApiConfig::default(),
        masker,
        format!("{instance:016x}"),
    );
    let serving = api.serve_unix(&config.socket)?;
    let serving_agents = api.serve_own(&config.own_socket)?;

    let engine = Arc::new(InForce::new(Engine {
        tools: Arc::new(Tools::embedded()),
        policy: Policy::default(),
        rules: config.rules,
    }));
    let history = config.home.join("history.json");
    let (past, unread) = Past::open(&history, mask_key);
    if let Some(error) = unread {
        say(&format!("{}: {error}; until enough has run again, nothing is unusual", history.display()));
    }
    for (name, cgroup, flags) in &config.agents {
        gate.enrol(name, cgroup, *flags)?;
        say(&format!("agent {name}: {} is gated", cgroup.display()));
    }
    gate.ask_anew()?;
    api.look_back(log.reader().clone(), Arc::clone(&engine));
    let decider = Decider::new(Arc::clone(&gate), engine, past.clone(), desk.clone(), Arc::clone(&ledger));
    let reader = Reader::new(ring, decider)?;
    let (lives, ring_ended) = oneshot::channel::<Infallible>();
    std::thread::Builder::new().name("ring".to_owned()).spawn(move || {
        // Dropped when the thread ends, however it ends.
        let _lives = lives;
        reader.run();
    })?;
    watch::start(&gate, &ledger, config.canary)?;

    let started = Change::DaemonStarted {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
    };
    log.append(Entry { at: ledger::now(), attempt: None, change: started }, Durability::Durable)?.ignore();
    say(&format!("ready; the interface is at {}", config.socket.display()));

    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let ended = tokio::select! {
        _ = term.recv() => Ok(()),
        _ = int.recv() => Ok(()),
        ended = serving => ended.context("the interface ended"),
        ended = serving_agents => ended.context("the agents' own interface ended"),
        // Without it nobody answers the kernel. It holds what comes until its grace is over, then refuses.
        Err(_) = ring_ended => Err(anyhow::anyhow!("the thread that reads the ring is gone")),
        () = async { while proposals.recv().await.is_some() {} } => Ok(()),
        () = keep(&past, &history) => Ok(()),
    };
    if let Err(error) = past.save(&history) {
        say(&format!("{}: {error}", history.display()));
    }
    let because = match &ended {
        Ok(()) => "it was told to".to_owned(),
        Err(error) => format!("{error:#}"),
    };
    let stopped = Entry { at: ledger::now(), attempt: None, change: Change::DaemonStopped { because } };
    log.append(stopped, Durability::Durable)?.ignore();
    log.close().await?;
    ended
}

/// Keeps the agents' past from time to time, in case this daemon does not end in order.
async fn keep(past: &Past, path: &Path) {
    loop {
        tokio::time::sleep(KEEP).await;
        let (past, path) = (past.clone(), path.to_owned());
        // What is not kept is counted anew; the next try may work.
        let _unkept = tokio::task::spawn_blocking(move || past.save(&path)).await;
    }
}

/// One line for whoever started the daemon.
fn say(line: &str) {
    use std::io::Write as _;
    // Nobody may be reading.
    let _unread = writeln!(std::io::stderr(), "expacti: {line}");
}
