//! Boots a stock kernel with the built expacti inside.
//!
//! The story of one run: QEMU gets a kernel, two disks (the user land, opened so that what is written is lost; the
//! kernel's modules) and an initramfs written for this run, which holds busybox and what is to be laid into the guest.
//! In there, `guest/first.sh` finds the disks and goes to the real system, `guest/init.sh` mounts what a system has
//! mounted, and `guest/run.sh` runs the script or shell. Lines between guest and xtask are virtio ports: one each for
//! the script's output and errors, one for control (alive, exit code, window size), one terminal. The serial port
//! carries the kernel's own words, and is watched for its last ones.

mod console;
mod initramfs;
mod qemu;
mod session;
mod terminal;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::build::{self, Profile};
use crate::cache::Cache;
use crate::setup::{self, kernels::Kernel};
pub(crate) use session::{Ended, run};

/// `cargo xtask vm`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The kernel to boot.
    #[arg(long, default_value = "6.12")]
    kernel: Kernel,
    /// Run this script as root instead of a shell, print what it prints, and return its exit code
    /// (125 if the guest fails before that).
    #[arg(long)]
    script: Option<PathBuf>,
    /// Copy this file into /root, or to an absolute path given after a colon.
    #[arg(long = "file", value_name = "FILE[:PATH]")]
    files: Vec<String>,
    /// Make a port of the guest reachable on this machine's loopback.
    #[arg(long, value_name = "HOSTPORT:GUESTPORT", value_parser = port_pair)]
    forward: Vec<(u16, u16)>,
    /// Let systemd be process 1.
    #[arg(long)]
    systemd: bool,
    /// Boot without building expacti or putting it in.
    #[arg(long)]
    bare: bool,
    /// End a script that runs longer than this.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    limit: u64,
    /// Memory in MiB.
    #[arg(long, default_value_t = 2048)]
    memory: u32,
    /// One processor, whose clock ticks once for each instruction: what takes a nanosecond is one instruction.
    #[arg(long)]
    count_instructions: bool,
}

/// One boot of a guest.
pub(crate) struct Guest {
    pub(crate) kernel: Kernel,
    pub(crate) task: Task,
    /// Files to lay into it.
    pub(crate) files: Vec<GuestFile>,
    pub(crate) forward: Vec<(u16, u16)>,
    pub(crate) systemd: bool,
    pub(crate) memory: u32,
    pub(crate) clock: Clock,
    /// Disks beside those of the system, which the guest finds by their labels.
    pub(crate) disks: Vec<PathBuf>,
}

/// How a guest's time passes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clock {
    /// As ours does, on two processors.
    Wall,
    /// By the instruction, one a nanosecond, on one processor: the same on every machine. Idle time passes as ours does.
    Instructions,
}

/// What a guest does.
pub(crate) enum Task {
    /// A shell on our terminal, or this script instead of it.
    Shell(Option<PathBuf>),
    /// A script, until its end or for so long.
    Script(PathBuf, Duration),
}

/// A file of this machine that the guest has, too.
#[derive(Clone)]
pub(crate) struct GuestFile {
    pub(crate) from: PathBuf,
    pub(crate) to: PathBuf,
    pub(crate) mode: u32,
}

impl GuestFile {
    /// With the permissions it has here.
    pub(crate) fn new(from: &Path, to: impl Into<PathBuf>) -> Result<Self> {
        let metadata = std::fs::metadata(from).with_context(|| format!("cannot read {}", from.display()))?;
        if !metadata.is_file() {
            bail!("{} is not a file", from.display());
        }
        Ok(Self { from: from.to_owned(), to: to.into(), mode: metadata.permissions().mode() & 0o777 })
    }

    /// What `--file` says.
    fn parse(word: &str) -> Result<Self> {
        let (from, to) = match word.split_once(":/") {
            Some((from, to)) => (Path::new(from), Path::new("/").join(to)),
            None => {
                (Path::new(word), Path::new("/root").join(Path::new(word).file_name().unwrap_or_default()))
            }
        };
        Self::new(from, to)
    }
}

/// The exit code when the guest itself failed, as `timeout` and `podman` have it for their own failures.
const GUEST_FAILED: u8 = 125;

pub(crate) fn command(options: &Options) -> Result<ExitCode> {
    let cache = Cache::open()?;
    setup::bring(&cache, setup::guest_parts(&[options.kernel])?)?;
    let mut files = options.files.iter().map(|word| GuestFile::parse(word)).collect::<Result<Vec<_>>>()?;
    if !options.bare {
        files.push(expacti(&cache)?);
    }
    let task = match &options.script {
        Some(script) => {
            GuestFile::new(script, "/opt/expacti/script")?;
            Task::Script(script.clone(), Duration::from_secs(options.limit))
        }
        None => Task::Shell(None),
    };
    let guest = Guest {
        kernel: options.kernel,
        task,
        files,
        forward: options.forward.clone(),
        systemd: options.systemd,
        memory: options.memory,
        disks: Vec::new(),
        clock: if options.count_instructions { Clock::Instructions } else { Clock::Wall },
    };
    boot(&cache, &guest)
}

/// Boots a guest with our own terminal or streams, and ends with its code.
pub(crate) fn boot(cache: &Cache, guest: &Guest) -> Result<ExitCode> {
    match run(cache, guest, &mut std::io::stdout(), &mut std::io::stderr())? {
        Ended::Exited(code) => Ok(ExitCode::from(code)),
        Ended::Failed(trouble) => {
            eprintln!("error: {trouble}");
            Ok(ExitCode::from(GUEST_FAILED))
        }
    }
}

/// The built binary, where a guest has it in its `PATH`.
pub(crate) fn expacti(cache: &Cache) -> Result<GuestFile> {
    let binary = build::binary(cache, "expacti-agent", "expacti", Profile::Guest)?;
    GuestFile::new(&binary, "/usr/local/bin/expacti")
}

fn port_pair(text: &str) -> Result<(u16, u16), String> {
    let pair = text.split_once(':').and_then(|(host, guest)| Some((host.parse().ok()?, guest.parse().ok()?)));
    pair.ok_or_else(|| format!("'{text}' is not two ports, such as 8080:80"))
}
