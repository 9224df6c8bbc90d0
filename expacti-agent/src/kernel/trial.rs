//! Whether the gate would work here: the real programs in an instance that ends with this process.
//!
//! Its maps are pinned nowhere and its only cgroup is the trial's own, so a gate that is in force does not notice.

use std::fs;
use std::io;
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use expacti_abi::control::Control;
use expacti_abi::event::kind;
use expacti_abi::names::PROGRAMS;
use rustix::event::{PollFd, PollFlags, Timespec};
use thiserror::Error;

use super::canary::{Canary, CanaryError, Flight};
use super::gate::place;
use super::load::{KERNEL_TYPES, LoadError, Loaded, absent_hooks};
use super::maps::{Maps, MapsError};
use super::ring::{Event, Ring};
use super::{btf, offsets};

pub(super) const FOLDER: &str = "expacti.doctor";
const LIMIT: Duration = Duration::from_secs(5);
/// The programs that are fired: the gate itself, and the one that says whom it gates.
const FIRED: [&str; 2] = ["mark", "check"];

/// Why the gate was not seen to work.
#[derive(Debug, Error)]
pub(crate) enum TrialError {
    /// It is not in the kernel.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Its maps.
    #[error(transparent)]
    Maps(#[from] MapsError),
    /// The canary's cgroup.
    #[error(transparent)]
    Canary(#[from] CanaryError),
    /// The canary's process.
    #[error("cannot start a process: {0}")]
    Start(io::Error),
    /// It was not called, or does not act.
    #[error("the kernel took the program and does not call it: {0}")]
    Silent(&'static str),
    /// It acts but does not tell.
    #[error("the gate refused what it must, but no event came through the ring")]
    Unreported,
}

/// The fields and hooks that the programs need and this kernel's type information has not.
pub(crate) fn lacking() -> Result<Vec<String>, LoadError> {
    let types = fs::read(KERNEL_TYPES).map_err(LoadError::NoTypes)?;
    let types = btf::Btf::parse(&types)?;
    let mut lacking = offsets::missing(&types);
    lacking.extend(absent_hooks(&types)?);
    Ok(lacking)
}

/// Gives every program to the verifier, and says how many it took. With them every helper is known to be there.
pub(crate) fn verify() -> Result<usize, LoadError> {
    let mut loaded = Loaded::new(None, 0)?;
    PROGRAMS.iter().try_for_each(|program| loaded.load(program))?;
    Ok(PROGRAMS.len())
}

/// Lets the gate refuse an exec, and waits for the event that says so.
pub(crate) fn fire() -> Result<(), TrialError> {
    const INSTANCE: u64 = 1;
    let mut loaded = Loaded::new(None, INSTANCE)?;
    let mut maps = Maps::take(&mut loaded.object)?;
    let canary = Canary::new(FOLDER)?;
    maps.set_control(Control { instance: INSTANCE, ..Control::default() })?;
    place(&mut maps, &canary)?;
    let mut links = Vec::new();
    for name in FIRED {
        let program = PROGRAMS.iter().find(|program| program.name == name).ok_or(LoadError::Missing(name))?;
        loaded.load(program)?;
        links.push(loaded.attach(program)?);
    }
    let flight = canary.fly(LIMIT).map_err(TrialError::Start)?;
    let reported = maps.take_ring().is_some_and(|ring| reports(&mut Ring::new(ring)));
    drop(links);
    canary.remove();
    match (flight, reported) {
        (Flight::Refused, true) => Ok(()),
        (Flight::Refused, false) => Err(TrialError::Unreported),
        (Flight::Ran, _) => Err(TrialError::Silent("an exec that it must refuse ran")),
        (Flight::Failed(_) | Flight::Hangs, _) => {
            Err(TrialError::Silent("an exec that it must refuse failed for another reason"))
        }
    }
}

/// Whether a cgroup can be frozen.
pub(crate) fn freeze() -> Result<(), TrialError> {
    let canary = Canary::new(FOLDER)?;
    let folder = canary.cgroup.path.clone();
    let frozen = fs::write(folder.join("cgroup.freeze"), "1")
        .and_then(|()| fs::read_to_string(folder.join("cgroup.events")))
        .map_err(TrialError::Start);
    canary.remove();
    if frozen?.contains("frozen 1") { Ok(()) } else { Err(TrialError::Silent("it does not freeze")) }
}

fn reports(ring: &mut Ring) -> bool {
    let deadline = Instant::now() + LIMIT;
    loop {
        while let Some(event) = ring.next() {
            if matches!(event, Event::Moment(moment) if moment.kind == kind::CANARY) {
                return true;
            }
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let Ok(timeout) = Timespec::try_from(left) else { return false };
        let mut fds = [PollFd::from_borrowed_fd(ring.as_fd(), PollFlags::IN)];
        if left.is_zero() || rustix::event::poll(&mut fds, Some(&timeout)).is_ok_and(|ready| ready == 0) {
            return false;
        }
    }
}
