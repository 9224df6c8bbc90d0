//! The daemon: kernel edge, engine, desk, log and interface, put together.

mod adopt;
mod book;
mod crew;
mod decider;
pub(crate) mod engine;
mod execs;
mod keep;
pub(crate) mod ledger;
mod metrics;
mod newcomers;
mod offence;
mod office;
mod past;
mod reader;
mod service;
mod watch;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use expacti_agent::log::{Durability, Home, Log};
use expacti_agent::memory;
use expacti_core::Tools;
use expacti_core::record::entry::{BootId, Change, Entry};
use expacti_core::record::secrets::Masker;
use expacti_core::rules::{RuleSet, Source};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use self::decider::Decider;
use self::engine::{Engine, InForce};
use self::ledger::Ledger;
use self::metrics::Metrics;
use self::newcomers::Newcomers;
pub(crate) use self::office::Loader;
use self::office::Office;
use self::past::Past;
use self::reader::Reader;
use self::service::{Pulse, notify};
use crate::api::Api;
use crate::cli::RuleFiles;
use crate::config::{Config, DEFAULT_POLICY, RuleSettings, Strictness};
use crate::desk::{Desk, Ports};
use crate::kernel::{self, Gate, InKernel, Ring};
use crate::learned::Learned;
use crate::notify::Notifications;
use crate::reviewers::Reviewers;

/// Runs until it is told to end. The gate stays in the kernel and holds what nobody answers.
pub(crate) fn run(load: Loader) -> anyhow::Result<()> {
    memory::keep_no_fast_bins();
    kernel::enter_hosts_cgroups().context(
        "the cgroup namespace of the host, which a daemon in a container needs CAP_SYS_ADMIN and CAP_SYS_PTRACE to enter",
    )?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(load))
}

/// Rules, and what they were made from.
pub(crate) struct Loaded {
    pub(crate) rules: RuleSet,
    pub(crate) sources: Vec<Source>,
}

/// The rules that a configuration names and those that reviewers made, as the generation of this number.
pub(crate) fn rules_of(
    settings: &RuleSettings,
    learned: Option<&Learned>,
    tools: &Tools,
    generation: u64,
) -> anyhow::Result<Loaded> {
    let files = RuleFiles::named(settings.files.clone(), settings.starters.clone());
    let (rules, sources) = files.load_as(generation, learned.and_then(Learned::source), tools)?;
    Ok(Loaded { rules, sources })
}

/// The rules that reviewers made on this node.
fn learned(home: &Path) -> anyhow::Result<Learned> {
    let path = home.join("learned.toml");
    Learned::open(&path).with_context(|| path.display().to_string())
}

/// The rules that a daemon begins with, as the generation of this number and on record.
fn first_rules(loaded: Loaded, generation: u64, ledger: &Ledger) -> anyhow::Result<RuleSet> {
    // Not waited for: what cannot be recorded is refused one by one, and that needs a daemon.
    ledger.rules_in_force(generation, &loaded.sources, "")?.ignore();
    Ok(loaded.rules.numbered(generation))
}

/// Starts the thread that reads the ring. What it returns hears of the thread's end, however it ends.
fn read_ring(reader: Reader, left: adopt::Left) -> io::Result<oneshot::Receiver<Infallible>> {
    let (lives, ended) = oneshot::channel::<Infallible>();
    std::thread::Builder::new().name("ring".to_owned()).spawn(move || {
        let _lives = lives;
        reader.run(|unread| left.adopt(unread));
    })?;
    Ok(ended)
}

/// Brings the gate into the kernel, or takes over the one that is there. Gives what it reports to as well.
async fn begin_gate(config: &Config, log: &Log, boot: BootId) -> anyhow::Result<(Arc<Gate>, Ring)> {
    let wished = config.ring_kib << 10;
    let InKernel { mut maps, instance, ring } = kernel::load(&config.bpffs, wished)?;
    if ring != wished {
        say(&format!(
            "the ring has {} KiB and not {}: it stays until the next boot or `expacti daemon --unload`",
            ring >> 10,
            config.ring_kib
        ));
    }
    // Without the log nobody knows; and without it nothing is recorded twice either.
    maps.count_on_from(log.last_sequence(boot).await.ok().flatten().unwrap_or(0))?;
    let ring = maps.take_ring().map(Ring::new).context("the ring was taken before")?;
    let gate = Gate::new(maps, instance, config.grace)?;
    kernel::retire_others(&config.bpffs, instance)?;
    Ok((gate, ring))
}

/// What tells the streams of one daemon from those of the next.
fn epoch() -> anyhow::Result<String> {
    let epoch = getrandom::u64().map_err(|error| anyhow::anyhow!("no random numbers: {error}"))?;
    Ok(format!("{epoch:016x}"))
}

async fn serve(load: Loader) -> anyhow::Result<()> {
    let config = load()?;
    let tools = Tools::embedded();
    // What is wrong with the rules is said before anything is done.
    let first = rules_of(&config.rules, Some(&learned(&config.home)?), &tools, 0)?;
    let boot: BootId = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?.parse()?;
    let place = config.log.for_home(&config.home).map_err(anyhow::Error::msg)?;
    let (node, log) = (place.node_name.clone(), Log::open(place).await.context("the exec log")?);

    let (gate, ring) = begin_gate(&config, &log, boot).await?;

    // The log's own key: what is shown and what is kept tell equal secrets by equal fingerprints.
    let mask_key = Home::look(&config.home)?.key().mask_key();
    let metrics = Arc::new(Metrics::default());
    let waits_for_all = config.log.durability == Strictness::All;
    let ledger = Arc::new(
        Ledger::new(log.clone(), boot)
            .of_gate(Arc::clone(&gate))
            .counting(Arc::clone(&metrics), waits_for_all),
    );
    let masker = Masker::new(mask_key);
    let notifier = Arc::new(Notifications::start(config.notifications.for_sending(), masker.clone())?);
    let ports = Ports { kernel: Arc::clone(&gate) as _, log: Arc::clone(&ledger) as _, notifier };
    let default = config.policy(DEFAULT_POLICY).cloned().unwrap_or_default();
    let (desk, mut proposals) = Desk::start(default.tickets.clone(), ports);

    let reviewers = Arc::new(Reviewers::open(&config.home.join("reviewers.json"))?);
    let (gated, callers) = (Arc::clone(&gate) as _, config.api.for_callers(node));
    let api = Api::new(desk.clone(), Arc::clone(&reviewers), gated, callers, masker.clone(), epoch()?);
    let mut serving = serve_api(&api, &config).await?;

    let rules = first_rules(first, gate.generation()?, &ledger)?;
    let engine = Arc::new(InForce::new(Engine {
        tools: Arc::new(tools),
        rules: Arc::new(rules),
        default: Arc::new(default),
        treatments: BTreeMap::new(),
    }));
    let history = config.home.join("history.json");
    let (past, unread) = Past::open(&history, mask_key);
    if let Some(error) = unread {
        say(&format!("{}: {error}; until enough has run again, nothing is unusual", history.display()));
    }
    let bpffs = config.bpffs.clone();
    let (canary, socket) = (config.canary, config.api.socket.display().to_string());
    let rooms = office::Rooms {
        gate: Arc::clone(&gate),
        desk: desk.clone(),
        ledger: Arc::clone(&ledger),
        engine: Arc::clone(&engine),
        metrics,
        masker,
    };
    let office = Arc::new(Office::open(config, load, rooms)?);
    office.take_up()?;
    for line in kernel::replace_other_layouts(&bpffs, &gate)? {
        say(&line);
    }
    api.look_back(log.reader().clone(), boot, Arc::clone(&engine));
    let left = adopt::Left {
        runtime: tokio::runtime::Handle::current(),
        gate: Arc::clone(&gate),
        desk: desk.clone(),
        ledger: Arc::clone(&ledger),
        engine: Arc::clone(&engine),
        reviewers,
    };
    let decider = Decider::new(Arc::clone(&gate), engine, past.clone(), desk.clone(), Arc::clone(&ledger));
    let pulse = Arc::new(Pulse::default());
    let (newcomers, stirred) = Newcomers::watch(Arc::clone(&office))?;
    let reader = Reader::new(ring, decider, Arc::clone(&pulse), newcomers)?;
    let ring_ended = read_ring(reader, left)?;
    watch::start(Arc::clone(&gate), Arc::clone(&ledger), canary).await?;
    api.operate(Arc::clone(&office) as _);

    let started = Change::DaemonStarted {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
    };
    log.append(Entry { at: ledger::now(), attempt: None, change: started }, Durability::Durable)?.ignore();
    say(&format!("ready; the interface is at {socket}"));
    notify(&format!("READY=1\nSTATUS=gating; the interface is at {socket}"))?;

    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let ended = tokio::select! {
        _ = term.recv() => Ok(()),
        _ = int.recv() => Ok(()),
        Some(ended) = serving.join_next() => ended.map_err(io::Error::from).flatten().context("the interface ended"),
        // Without it nobody answers the kernel. It holds what comes until its grace is over, then refuses.
        Err(_) = ring_ended => Err(anyhow::anyhow!("the thread that reads the ring is gone")),
        failed = keep::learning(&office, &mut proposals) => failed,
        () = keep::past(&past, &history) => Ok(()),
        failed = keep::agents(&office, &stirred) => failed,
        failed = keep::reloading(&office) => failed,
        failed = keep::watchdog(&pulse) => failed,
    };
    if let Err(error) = past.save(&history) {
        say(&format!("{}: {error}", history.display()));
    }
    notify("STOPPING=1")?;
    let because = match &ended {
        Ok(()) => "it was told to".to_owned(),
        Err(error) => format!("{error:#}"),
    };
    let stopped = Entry { at: ledger::now(), attempt: None, change: Change::DaemonStopped { because } };
    log.append(stopped, Durability::Durable)?.ignore();
    log.close().await?;
    ended
}

/// Opens every way to the interface.
async fn serve_api(api: &Arc<Api>, config: &Config) -> anyhow::Result<JoinSet<io::Result<()>>> {
    let mut serving = JoinSet::new();
    serving.spawn(api.serve_unix(&config.api.socket)?);
    if let Some(own) = &config.api.own_socket {
        serving.spawn(api.serve_own(own)?);
    }
    if let Some(tcp) = config.api.for_tcp() {
        let (address, over_tcp) = api.serve_tcp(&tcp).await?;
        serving.spawn(over_tcp);
        say(&format!("the interface is at {address}, too"));
    }
    Ok(serving)
}

/// One line for whoever started the daemon.
fn say(line: &str) {
    use std::io::Write as _;
    // Nobody may be reading.
    let _unread = writeln!(io::stderr(), "expacti: {line}");
}
