//! `cargo xtask bench`: what the gate costs, measured inside guests and written down in `docs/benchmarks.md`.
//!
//! Each part boots a guest of its own and runs `expacti-bench` in it, which prints one object of JSON. What is not
//! measured this time stays as it was: every part says when and where it was measured.

pub(crate) mod guest;
mod native;
mod page;

use std::fs;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result};
use expacti_bench::cost::{Committed, Cost};
use expacti_bench::growth::Growth;
use expacti_bench::report::{ITSELF, Machine, Report, Section};
use serde::de::DeserializeOwned;

use self::guest::{Disk, Place};
use crate::build::Profile;
use crate::cache::Cache;
use crate::process::output;
use crate::setup::kernels::Kernel;
use crate::setup::{self, materials, peers, qemu};
use crate::vm::{Clock, GuestFile};
use crate::workspace;

/// `cargo xtask bench`.
#[derive(clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub(crate) struct Options {
    /// Measure only this part (may be given more than once); by default all but `tickets`.
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// The kernel to measure on.
    #[arg(long, default_value = "6.12")]
    kernel: Kernel,
    /// Keep the instructions that were counted as those that `cargo xtask test` compares with.
    #[arg(long)]
    accept: bool,
    /// Measure the half-optimised binary that the tests use: built in a tenth of the time. The page says so.
    #[arg(long)]
    guest_build: bool,
    /// Build nothing: measure what was built last.
    #[arg(long)]
    as_built: bool,
    /// Measure on this very machine instead of in guests, into docs/benchmarks-native.md; ends with 2 where its kernel
    /// cannot.
    #[arg(long, conflicts_with_all = ["accept", "trial", "kernel"])]
    native: bool,
    /// Measure nothing: write the page anew from what was measured.
    #[arg(long)]
    page: bool,
    /// Give the program that measures these arguments instead, print what it finds, and write nothing: the first word is
    /// the part.
    #[arg(long = "try", value_name = "ARGUMENTS")]
    trial: Option<String>,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Part {
    /// Instructions of one exec in each state of the gate.
    Cost,
    /// One exec under the gate and under others that look at execs.
    Peers,
    /// Whole pieces of work, gated and not.
    Workloads,
    /// Storms of execs; memory and wake-ups.
    Scale,
    /// Instructions of an exec with many agents, rules and tickets.
    Growth,
    /// The same with ten thousand tickets, which takes as long as several others together: only when it is asked for.
    Tickets,
}

/// The whole of it, in fifteen minutes.
const ALL: [Part; 5] = [Part::Cost, Part::Peers, Part::Workloads, Part::Scale, Part::Growth];

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Cost => "cost",
            Self::Peers => "peers",
            Self::Workloads => "workloads",
            Self::Scale => "scale",
            Self::Growth => "growth",
            Self::Tickets => "tickets",
        }
    }

    /// For the program that measures.
    fn arguments(self) -> &'static str {
        if self == Self::Tickets { "growth tickets 10000" } else { self.name() }
    }

    /// What is counted in instructions comes out the same on every machine; the rest needs two processors.
    fn clock(self) -> Clock {
        match self {
            Self::Cost | Self::Growth | Self::Tickets => Clock::Instructions,
            Self::Peers | Self::Workloads | Self::Scale => Clock::Wall,
        }
    }

    /// The guest's, in MiB: ten thousand processes that wait take their place.
    fn memory(self) -> u32 {
        if matches!(self, Self::Growth | Self::Tickets) { 4096 } else { 2048 }
    }
}

pub(crate) fn command(options: &Options) -> Result<ExitCode> {
    if options.page {
        write(&earlier(&place(Where::Guest))?, Where::Guest)?;
        return Ok(ExitCode::SUCCESS);
    }
    if options.native {
        return on_this_machine(options);
    }
    let cache = Cache::open()?;
    setup::bring(&cache, setup::guest_parts(&[options.kernel])?)?;
    let profile = if options.guest_build { Profile::Guest } else { Profile::Release };
    let parts = if options.only.is_empty() { ALL.as_slice() } else { &options.only };
    if parts.contains(&Part::Peers) {
        setup::bring(&cache, vec![peers::part()])?;
    }
    if parts.contains(&Part::Workloads) {
        setup::bring(&cache, vec![materials::part()])?;
    }
    let bench = Bench {
        files: guest::files(&cache, profile, options.as_built)?,
        cache,
        kernel: options.kernel,
        profile,
        version: version(options.as_built),
    };
    if let Some(arguments) = &options.trial {
        let part = parts.iter().find(|part| arguments.starts_with(part.name()));
        let part = part.context("the first word is a part's name")?;
        println!("{}", String::from_utf8_lossy(&bench.place(*part)?.run(arguments)?));
        return Ok(ExitCode::SUCCESS);
    }
    let mut report = earlier(&place(Where::Guest))?;
    bench.counted(parts, &mut report)?;
    for part in parts {
        match part {
            // Counted above.
            Part::Cost | Part::Growth => continue,
            Part::Peers => report.peers = Some(bench.section(*part)?),
            Part::Workloads => report.workloads = Some(bench.section(*part)?),
            Part::Scale => report.scale = Some(bench.section(*part)?),
            Part::Tickets => report.tickets = Some(bench.section(*part)?),
        }
        // What took minutes is kept even if what comes next fails.
        write(&report, Where::Guest)?;
    }
    if parts.contains(&Part::Growth) {
        report.decisions = Some(decisions()?);
        write(&report, Where::Guest)?;
    }
    if let (true, Some(cost)) = (options.accept, &report.cost) {
        accept(&cost.found)?;
    }
    println!("written: docs/benchmarks.md, docs/benchmarks.json");
    Ok(ExitCode::SUCCESS)
}

/// `--native`.
fn on_this_machine(options: &Options) -> Result<ExitCode> {
    let cache = Cache::open()?;
    let parts = if options.only.is_empty() { ALL.as_slice() } else { &options.only };
    let profile = if options.guest_build { Profile::Guest } else { Profile::Release };
    let stage = native::Stage::new(&guest::files(&cache, profile, options.as_built)?)?;
    if let Some(native::Refusal(why)) = stage.refusal()? {
        eprintln!("error: {why}");
        return Ok(ExitCode::from(native::REFUSED));
    }
    let version = version(options.as_built);
    let mut report = earlier(&place(Where::Native))?;
    for part in parts {
        println!("== {part:?} on this machine");
        let start = Instant::now();
        let found = stage.run(&cache, *part)?;
        let machine =
            Machine { kind: ITSELF.to_owned(), kernel: says("uname", &["-r"]), ..machine(profile, &version) };
        let seconds = start.elapsed().as_secs();
        match part {
            Part::Cost => report.cost = Some(section(&found, machine, seconds)?),
            Part::Peers => report.peers = Some(section(&found, machine, seconds)?),
            Part::Workloads => report.workloads = Some(section(&found, machine, seconds)?),
            Part::Scale => report.scale = Some(section(&found, machine, seconds)?),
            Part::Growth => report.growth = Some(section(&found, machine, seconds)?),
            Part::Tickets => report.tickets = Some(section(&found, machine, seconds)?),
        }
        write(&report, Where::Native)?;
    }
    if parts.contains(&Part::Growth) {
        report.decisions = Some(decisions()?);
        write(&report, Where::Native)?;
    }
    println!("written: docs/benchmarks-native.md, docs/benchmarks-native.json");
    Ok(ExitCode::SUCCESS)
}

fn section<T: DeserializeOwned>(found: &[u8], machine: Machine, seconds: u64) -> Result<Section<T>> {
    let found = serde_json::from_slice(found).context("what was measured")?;
    Ok(Section { machine, seconds, found })
}

fn write(report: &Report, place_of: Where) -> Result<()> {
    let place = place(place_of);
    fs::write(&place, serde_json::to_string_pretty(report)? + "\n")?;
    fs::write(place.with_extension("md"), page::text(report, place_of))?;
    Ok(())
}

/// Where was measured. Each has files of its own, so that their figures are never mixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Where {
    /// In guests.
    Guest,
    /// On this machine.
    Native,
}

/// Where figures are kept.
fn place(of: Where) -> PathBuf {
    workspace::root().join(match of {
        Where::Guest => "docs/benchmarks.json",
        Where::Native => "docs/benchmarks-native.json",
    })
}

fn earlier(path: &Path) -> Result<Report> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .with_context(|| format!("{} is not ours; remove it to measure everything anew", path.display())),
        Err(_) => Ok(Report::default()),
    }
}

/// Where the instructions are kept that later ones are compared with.
fn committed_place() -> PathBuf {
    workspace::root().join("bench/instructions.json")
}

/// Those that are committed.
pub(crate) fn committed() -> Result<Committed> {
    let place = committed_place();
    let bytes = fs::read(&place).with_context(|| place.display().to_string())?;
    serde_json::from_slice(&bytes).with_context(|| place.display().to_string())
}

fn accept(cost: &Cost) -> Result<()> {
    fs::write(committed_place(), serde_json::to_string_pretty(&cost.to_commit())? + "\n")?;
    println!("written: {}", committed_place().display());
    Ok(())
}

/// What a decision takes here, with few rules and with many.
fn decisions() -> Result<String> {
    output(workspace::cargo().args(["bench", "--quiet", "--package", "expacti-core", "--bench", "rules"]))
}

struct Bench {
    cache: Cache,
    kernel: Kernel,
    files: Vec<GuestFile>,
    profile: Profile,
    version: String,
}

impl Bench {
    /// A guest for this part.
    fn place(&self, part: Part) -> Result<Place<'_>> {
        let cache = &self.cache;
        let disk = match part {
            Part::Peers => Some(Disk::peers(cache)?),
            Part::Workloads => Some(Disk::materials(cache)?),
            Part::Cost | Part::Scale | Part::Growth | Part::Tickets => None,
        };
        let (files, memory) = (self.files.clone(), part.memory());
        Ok(Place { cache, kernel: self.kernel, clock: part.clock(), files, disk, memory })
    }

    /// What is counted in instructions: two guests at a time, whose figures are the same however busy this machine is.
    fn counted(&self, parts: &[Part], report: &mut Report) -> Result<()> {
        let all = [
            (Part::Growth, "growth tickets"),
            (Part::Growth, "growth agents"),
            (Part::Growth, "growth rules"),
            (Part::Cost, "cost"),
        ];
        let jobs = Mutex::new(all.into_iter().filter(|(part, _)| parts.contains(part)));
        let next = || jobs.lock().unwrap_or_else(PoisonError::into_inner).next();
        let work = || {
            let mut done = Vec::new();
            while let Some((part, arguments)) = next() {
                println!("== {arguments}");
                let start = Instant::now();
                let found = self.place(part)?.run(arguments)?;
                let seconds = start.elapsed().as_secs();
                println!("{arguments}: {seconds} s");
                done.push((part, found, seconds));
            }
            anyhow::Ok(done)
        };
        let mut done = thread::scope(|scope| {
            let workers = [scope.spawn(work), scope.spawn(work)];
            let ends = workers.map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)));
            ends.into_iter().collect::<Result<Vec<_>>>()
        })?
        .concat();
        let machine = |part: Part| self.machine(part.clock());
        if let Some(at) = done.iter().position(|(part, ..)| *part == Part::Cost) {
            let (part, found, seconds) = done.swap_remove(at);
            report.cost = Some(section(&found, machine(part)?, seconds)?);
        }
        let mut growth: Vec<Growth> = Vec::new();
        for (_, found, _) in &done {
            growth.extend(serde_json::from_slice::<Vec<Growth>>(found).context("what growth printed")?);
        }
        if let Some(seconds) = done.iter().map(|(.., seconds)| *seconds).max() {
            growth.sort_by_key(|growth| (growth.of, growth.count));
            report.growth = Some(Section { machine: machine(Part::Growth)?, seconds, found: growth });
        }
        write(report, Where::Guest)
    }

    fn section<T: DeserializeOwned>(&self, part: Part) -> Result<Section<T>> {
        println!("== {} on Linux {}", part.name(), self.kernel);
        let start = Instant::now();
        let found = self.place(part)?.measure(part.arguments())?;
        let seconds = start.elapsed().as_secs();
        println!("{}: {seconds} s", part.name());
        Ok(Section { machine: self.machine(part.clock())?, seconds, found })
    }

    fn machine(&self, clock: Clock) -> Result<Machine> {
        let qemu = output(qemu::command(&self.cache)?.arg("--version"))?;
        let qemu = qemu.lines().next().unwrap_or_default().replace(" emulator version", "");
        let kind = match clock {
            Clock::Instructions => format!("{qemu}, emulated, one processor, a nanosecond is an instruction"),
            Clock::Wall => format!("{qemu}, emulated, two processors"),
        };
        let kernel = fs::read_to_string(self.kernel.part().get(&self.cache)?.join("release"))?;
        Ok(Machine { kind, kernel, ..machine(self.profile, &self.version) })
    }
}

/// What is said of both, guests and machines. The rest of it is for them to say.
fn machine(profile: Profile, version: &str) -> Machine {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let build = match profile {
        Profile::Release => "as users get it",
        Profile::Guest => "half optimised, as the tests run it: the daemon's share is too high",
    };
    Machine {
        kind: String::new(),
        kernel: String::new(),
        processor: processor.map_or("unknown", |(_, name)| name).to_owned(),
        day: says("date", &["-u", "+%F"]),
        version: version.to_owned(),
        build: build.to_owned(),
    }
}

/// What is measured. To be asked before anything is: the page itself is written between the parts.
fn version(as_built: bool) -> String {
    if as_built { "built earlier".to_owned() } else { says("git", &["describe", "--always", "--dirty"]) }
}

/// What a program prints, in a word.
fn says(program: &str, arguments: &[&str]) -> String {
    output(Command::new(program).args(arguments).current_dir(workspace::root()))
        .map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
}
