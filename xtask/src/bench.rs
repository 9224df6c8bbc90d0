//! `cargo xtask bench`: what the gate costs, measured inside guests and written down in `docs/benchmarks.md`.
//!
//! Each part boots a guest of its own and runs `expacti-bench` in it, which prints one object of JSON. What is not
//! measured this time stays as it was: every part says when and where it was measured.

mod page;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use expacti_bench::cost::{Committed, Cost};
use expacti_bench::report::{Machine, Report, Section};
use serde::de::DeserializeOwned;

use crate::build::{self, Profile};
use crate::cache::Cache;
use crate::process::output;
use crate::setup::kernels::Kernel;
use crate::setup::{self, peers, qemu};
use crate::vm::{self, Clock, Ended, Guest, GuestFile, Task};
use crate::{programs, workspace};

/// `cargo xtask bench`.
#[derive(clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub(crate) struct Options {
    /// Measure only this part (may be given more than once); by default all.
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
    /// Measure nothing: write the page anew from what was measured.
    #[arg(long)]
    page: bool,
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
    /// Storms of execs, many agents, rules and tickets; memory and wake-ups.
    Scale,
}

const ALL: [Part; 4] = [Part::Cost, Part::Peers, Part::Workloads, Part::Scale];

const PEERS: &str = include_str!("../guest/peers.sh");

/// For one part, by the clock on the wall.
const LIMIT: Duration = Duration::from_mins(20);

pub(crate) fn command(options: &Options) -> Result<()> {
    if options.page {
        return write(&earlier(&json())?);
    }
    let cache = Cache::open()?;
    setup::bring(&cache, setup::guest_parts(&[options.kernel])?)?;
    let profile = if options.guest_build { Profile::Guest } else { Profile::Release };
    let parts = if options.only.is_empty() { ALL.as_slice() } else { &options.only };
    if parts.contains(&Part::Peers) {
        setup::bring(&cache, vec![peers::part()])?;
    }
    let bench = Bench {
        files: files(&cache, profile, options.as_built)?,
        cache,
        kernel: options.kernel,
        profile,
        as_built: options.as_built,
    };
    let mut report = earlier(&json())?;
    for part in parts {
        println!("== {part:?} on Linux {}", options.kernel);
        match part {
            Part::Cost => report.cost = Some(bench.section("cost", Clock::Instructions, Vec::new())?),
            Part::Peers => {
                report.peers = Some(bench.section("peers", Clock::Wall, vec![peers::disk(&bench.cache)?])?);
            }
            Part::Workloads => {
                report.workloads = Some(bench.section("workloads", Clock::Wall, Vec::new())?);
            }
            Part::Scale => report.scale = Some(bench.section("scale", Clock::Wall, Vec::new())?),
        }
        // What took minutes is kept even if what comes next fails.
        write(&report)?;
        if let (Part::Scale, Some(scale)) = (part, &mut report.scale) {
            scale.found.decisions = decisions()?;
            write(&report)?;
        }
    }
    if let (true, Some(cost)) = (options.accept, &report.cost) {
        accept(&cost.found)?;
    }
    println!("written: docs/benchmarks.md, docs/benchmarks.json");
    Ok(())
}

fn write(report: &Report) -> Result<()> {
    fs::write(json(), serde_json::to_string_pretty(report)? + "\n")?;
    fs::write(json().with_extension("md"), page::text(report))?;
    Ok(())
}

/// Where figures are kept.
fn json() -> PathBuf {
    workspace::root().join("docs/benchmarks.json")
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

/// expacti, the program that measures, and what it starts.
pub(crate) fn files(cache: &Cache, profile: Profile, as_built: bool) -> Result<Vec<GuestFile>> {
    let (expacti, bench) = if as_built {
        (build::place("expacti", profile), build::place("expacti-bench", Profile::Guest))
    } else {
        let object = build::object(cache)?;
        (
            build::with_object(&object, "expacti-agent", "expacti", profile)?,
            build::with_object(&object, "expacti-bench", "expacti-bench", Profile::Guest)?,
        )
    };
    let mut files = vec![
        GuestFile::new(&expacti, "/usr/local/bin/expacti")?,
        GuestFile::new(&bench, "/opt/expacti/expacti-bench")?,
    ];
    files.extend(programs::build(
        &workspace::root().join("bench/programs"),
        &workspace::target().join("bench"),
    )?);
    Ok(files)
}

/// Runs one part in a guest of its own and reads what it prints.
pub(crate) fn measure<T: DeserializeOwned>(
    cache: &Cache,
    kernel: Kernel,
    clock: Clock,
    files: Vec<GuestFile>,
    disks: Vec<PathBuf>,
    arguments: &str,
) -> Result<T> {
    let folder = workspace::target().join("bench");
    let script = folder.join("bench.sh");
    // What is on a disk is laid into the guest first.
    let first = if disks.is_empty() { "" } else { PEERS };
    fs::write(
        &script,
        format!("#!/bin/bash\n{first}\nulimit -n 65536\nexec /opt/expacti/expacti-bench {arguments}\n"),
    )?;
    let task = Task::Script(script, LIMIT);
    let guest =
        Guest { kernel, task, files, forward: Vec::new(), systemd: false, memory: 2048, clock, disks };
    let mut out = Vec::new();
    match vm::run(cache, &guest, &mut out, &mut std::io::stderr())? {
        Ended::Exited(0) => {}
        Ended::Exited(code) => bail!("measuring {arguments} failed with {code}"),
        Ended::Failed(trouble) => bail!("measuring {arguments}: {trouble}"),
    }
    serde_json::from_slice(&out).with_context(|| format!("what {arguments} printed"))
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
    as_built: bool,
}

impl Bench {
    fn section<T: DeserializeOwned>(
        &self,
        part: &str,
        clock: Clock,
        disks: Vec<PathBuf>,
    ) -> Result<Section<T>> {
        let start = Instant::now();
        let found = measure(&self.cache, self.kernel, clock, self.files.clone(), disks, part)?;
        let seconds = start.elapsed().as_secs();
        println!("{part}: {seconds} s");
        Ok(Section { machine: self.machine(clock)?, seconds, found })
    }

    fn machine(&self, clock: Clock) -> Result<Machine> {
        let qemu = output(qemu::command(&self.cache)?.arg("--version"))?;
        let qemu = qemu.lines().next().unwrap_or_default().replace(" emulator version", "");
        let kind = match clock {
            Clock::Instructions => format!("{qemu}, emulated, one processor, a nanosecond is an instruction"),
            Clock::Wall => format!("{qemu}, emulated, two processors"),
        };
        let release = fs::read_to_string(self.kernel.part().get(&self.cache)?.join("release"))?;
        let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let processor = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let says = |program: &str, arguments: &[&str]| {
            output(Command::new(program).args(arguments).current_dir(workspace::root()))
                .map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
        };
        Ok(Machine {
            kind,
            kernel: release,
            processor: processor.map_or("unknown", |(_, name)| name).to_owned(),
            day: says("date", &["-u", "+%F"]),
            version: if self.as_built {
                "built earlier".to_owned()
            } else {
                says("git", &["describe", "--always", "--dirty"])
            },
            build: match self.profile {
                Profile::Release => "as users get it".to_owned(),
                Profile::Guest => {
                    "half optimised, as the tests run it: the daemon's share is too high".to_owned()
                }
            },
        })
    }
}
