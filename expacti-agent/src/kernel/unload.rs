//! Taking the gate out of the kernel, with everything that expacti ever put there.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io;
use std::mem::offset_of;
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use aya::maps::{Array, HashMap, Map, MapData, MapError};
use expacti_abi::control::{Agent, Control};
use expacti_abi::names::map;
use expacti_abi::ticket::{Ticket, verdict};
use rustix::process::Signal;
use thiserror::Error;

use super::load::folder;
use super::maps::{MapsError, Plain, failed, open_tickets, replace_ticket};
use super::{canary, cgroup, gate, park, sys, trial};

/// How long waiting processes have to take their denial.
const PATIENCE: Duration = Duration::from_secs(3);

/// Why the gate stays.
#[derive(Debug, Error)]
pub(crate) enum UnloadError {
    /// Somebody uses it.
    #[error("the daemon (process {0}) runs; stop it first, or add --force to leave it without a gate")]
    Running(u32),
    /// A pin or a cgroup.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A map.
    #[error(transparent)]
    Maps(#[from] MapsError),
}

/// Removes everything, and says what that was, a line each. Nothing there is nothing said.
///
/// Who waits for a verdict is denied first: with the gate gone it would run.
pub(crate) fn unload(bpffs: &Path, force: bool) -> Result<Vec<String>, UnloadError> {
    let mut said = Vec::new();
    let pins = folder(bpffs);
    let mut agents = HashSet::new();
    if pins.join(map::CONTROL).exists() {
        let daemon = daemon(&pins)?;
        if let (Some(process), false) = (daemon, force) {
            return Err(UnloadError::Running(process));
        }
        agents = enrolled(&pins)?;
        deny_waiting(&pins, &mut said)?;
        if let Some(process) = daemon {
            said.push(format!(
                "the daemon (process {process}) still runs, and gates nothing any more: stop it"
            ));
        }
    }
    if let Some(root) = pins.parent().filter(|root| root.exists()) {
        remove_pins(root, &mut said)?;
    }
    let mut cgroups = Vec::new();
    below(Path::new(cgroup::MOUNT), &mut cgroups);
    remove_cgroups(&cgroups, &mut said)?;
    for path in cgroups {
        let frozen = fs::read_to_string(path.join("cgroup.freeze")).is_ok_and(|text| text.trim() == "1");
        if frozen && fs::metadata(&path).is_ok_and(|found| agents.contains(&found.ino())) {
            said.push(format!(
                "left alone: the agent's cgroup {} is frozen; `echo 0 > {0}/cgroup.freeze` lets it go on",
                path.display()
            ));
        }
    }
    Ok(said)
}

fn open<T: TryFrom<Map, Error = MapError>>(
    pins: &Path,
    name: &'static str,
    typed: impl Fn(MapData) -> Map,
) -> Result<T, UnloadError> {
    let data = MapData::from_pin(pins.join(name)).map_err(failed(name))?;
    Ok(typed(data).try_into().map_err(failed(name))?)
}

/// The process that uses the maps.
fn daemon(pins: &Path) -> Result<Option<u32>, UnloadError> {
    let control: Array<MapData, Plain<Control>> = open(pins, map::CONTROL, Map::Array)?;
    let Plain(Control { daemon: process, .. }) = control.get(&0, 0).map_err(failed(map::CONTROL))?;
    Ok((process != 0 && sys::pidfd(process).is_ok()).then_some(process))
}

/// The ids of the agents' cgroups.
fn enrolled(pins: &Path) -> Result<HashSet<u64>, UnloadError> {
    let agents: HashMap<MapData, u64, Plain<Agent>> = open(pins, map::AGENTS, Map::HashMap)?;
    Ok(agents.keys().collect::<Result<_, _>>().map_err(failed(map::AGENTS))?)
}

/// The kernel takes programs out one by one, and some time after their pins are gone. Who execs until then must not wait
/// for an answer that nobody gives. The gate may be of any layout.
fn switch_off(layout: &Path) -> Result<(), UnloadError> {
    const OFF: [usize; 2] = [offset_of!(Control, levels), offset_of!(Control, instance)];
    let path = layout.join(map::CONTROL);
    if !path.exists() {
        // What was left when a daemon died while it loaded.
        return Ok(());
    }
    let control = MapData::from_pin(&path).map_err(failed(map::CONTROL))?;
    let size = control.info().map_err(failed(map::CONTROL))?.value_size() as usize;
    sys::clear(control.fd().as_fd(), size, &OFF).map_err(at(&path))
}

fn deny_waiting(pins: &Path, said: &mut Vec<String>) -> Result<(), UnloadError> {
    let mut tickets: HashMap<MapData, u64, Plain<Ticket>> = open(pins, map::TICKETS, Map::HashMap)?;
    let waits = |ticket: &Ticket| ticket.verdict != verdict::VOID;
    let first: BTreeSet<u64> = open_tickets(&tickets)?
        .into_iter()
        .filter(|(_, ticket)| waits(ticket))
        .map(|(number, _)| number)
        .collect();
    let deadline = Instant::now() + PATIENCE;
    let left = loop {
        let open = open_tickets(&tickets)?;
        for (number, ticket) in &open {
            if waits(ticket) && ticket.verdict != verdict::DENY {
                let expires_ns = gate::boot_ns() + 60_000_000_000;
                let denied = Ticket { verdict: verdict::DENY, expires_ns, ..*ticket };
                replace_ticket(&mut tickets, *number, denied);
            }
            if let Some(parked) = park::found_parked(ticket.tgid) {
                // Folders that are left are removed with all else.
                let _gone = parked.release();
            }
        }
        // Others come as long as the gate is there; only those from before are waited for.
        let left: Vec<Ticket> = open
            .iter()
            .filter(|(number, ticket)| waits(ticket) && first.contains(number))
            .map(|(_, ticket)| *ticket)
            .collect();
        if left.is_empty() || Instant::now() >= deadline {
            break left;
        }
        thread::sleep(Duration::from_millis(10));
    };
    for ticket in &left {
        // One that stands still cannot take its denial, and would run when it goes on.
        if let Ok(process) = sys::pidfd(ticket.tgid) {
            let _ended_meanwhile = rustix::process::pidfd_send_signal(&process, Signal::KILL);
        }
    }
    if first.len() > left.len() {
        said.push(format!("denied {} commands that waited for a verdict", first.len() - left.len()));
    }
    if !left.is_empty() {
        said.push(format!("killed {} processes that waited for a verdict in frozen cgroups", left.len()));
    }
    Ok(())
}

/// Removes the pins of every layout.
fn remove_pins(root: &Path, said: &mut Vec<String>) -> Result<(), UnloadError> {
    for layout in children(root)? {
        said.push(remove_layout(&layout)?);
    }
    fs::remove_dir(root).map_err(at(root))
}

/// Switches a gate off and removes its pins, and says so. With its last pin a program leaves the kernel.
pub(super) fn remove_layout(layout: &Path) -> Result<String, UnloadError> {
    switch_off(layout)?;
    let (mut programs, mut maps) = (0, 0);
    // Programs first: they must not run on maps that a next daemon cannot find.
    let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) =
        children(layout)?.into_iter().partition(|path| path.is_dir());
    for folder in folders {
        for link in children(&folder)? {
            fs::remove_file(&link).map_err(at(&link))?;
            programs += 1;
        }
        fs::remove_dir(&folder).map_err(at(&folder))?;
    }
    for map in files {
        fs::remove_file(&map).map_err(at(&map))?;
        maps += 1;
    }
    fs::remove_dir(layout).map_err(at(layout))?;
    Ok(format!("removed {programs} programs and {maps} maps from {}", layout.display()))
}

fn remove_cgroups(all: &[PathBuf], said: &mut Vec<String>) -> Result<(), UnloadError> {
    let is_ours =
        |path: &Path| park::is_ours(path) || path.ends_with(canary::FOLDER) || path.ends_with(trial::FOLDER);
    for path in all.iter().filter(|path| is_ours(path)) {
        let home = path.parent().unwrap_or(path);
        for process in park::inmates(path) {
            match fs::write(home.join("cgroup.procs"), process.pid().to_string()) {
                Err(error) if error.raw_os_error() != Some(libc::ESRCH) => return Err(at(home)(error)),
                Ok(()) | Err(_) => {}
            }
        }
        fs::remove_dir(path).map_err(at(path))?;
        said.push(format!("removed the cgroup {}", path.display()));
    }
    Ok(())
}

fn below(folder: &Path, found: &mut Vec<PathBuf>) {
    // A cgroup that vanishes meanwhile is not ours to remove.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            below(&entry.path(), found);
            found.push(entry.path());
        }
    }
}

pub(super) fn children(folder: &Path) -> Result<Vec<PathBuf>, UnloadError> {
    let entries = fs::read_dir(folder).map_err(at(folder))?;
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(at(folder))).collect()
}

fn at(path: &Path) -> impl Fn(io::Error) -> UnloadError + use<> {
    let path = path.to_owned();
    move |source| UnloadError::Io { path: path.clone(), source }
}
