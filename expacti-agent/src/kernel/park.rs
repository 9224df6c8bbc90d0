//! Parking: a waiting process sleeps in a frozen cgroup instead of asking again and again.
//!
//! Parking is only economy. A process that is thawed, moved or continued by somebody else asks again, finds no
//! verdict and waits on; nothing here decides anything.
//!
//! A cgroup that has processes of its own and gives a controller of threads (`cpu`, `pids`) to those below it takes no
//! processes below it but as threads, so our folder becomes such a cgroup there.
//!
//! Held behind its commit a process has a cgroup of its own, because nobody else may freeze with it. There the freezing
//! is what holds it, and an enrolled task cannot write into the cgroup's files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::process::Signal;

use super::{cgroup, sys};

/// The frozen child of the process's own cgroup. Those that hold a single process have its ticket in their name.
const FOLDER: &str = "expacti.held";

/// Where a process is, and where it was before.
#[derive(Clone, Debug)]
pub(crate) struct Parked {
    pid: u32,
    home: PathBuf,
    folder: PathBuf,
}

/// Parks a process. It freezes when it next comes round.
pub(crate) fn park(pid: u32) -> io::Result<Parked> {
    let home = match place_of(pid)? {
        Place::Ours(parked) => return Ok(parked),
        Place::Home(home) => home,
    };
    let parked = Parked { pid, folder: home.join(FOLDER), home };
    make(&parked.folder)?;
    let done = parked.freeze().and_then(|()| parked.enter());
    parked.or_nothing(done)
}

/// Brings a process that waits, parked or not, into a cgroup of its own, in which it is not frozen yet.
pub(crate) fn seclude(pid: u32, ticket: u64) -> io::Result<Parked> {
    let (home, parked) = match place_of(pid)? {
        Place::Ours(parked) => (parked.home.clone(), Some(parked)),
        Place::Home(home) => (home, None),
    };
    let own = Parked { pid, folder: home.join(format!("{FOLDER}-{ticket}")), home };
    make(&own.folder)?;
    let done = own.enter();
    let own = own.or_nothing(done)?;
    if let Some(parked) = parked {
        // Others may still be parked there.
        parked.remove();
    }
    Ok(own)
}

/// A process that an earlier daemon parked.
pub(crate) fn found_parked(pid: u32) -> Option<Parked> {
    match place_of(pid) {
        Ok(Place::Ours(parked)) => Some(parked),
        Ok(Place::Home(_)) | Err(_) => None,
    }
}

/// Where a process is.
enum Place {
    /// Parked: another thread of it waits too, or a daemon before us parked it.
    Ours(Parked),
    Home(PathBuf),
}

/// One look, because it may be on its way from one to the other.
fn place_of(pid: u32) -> io::Result<Place> {
    let folder = cgroup::folder_of(pid)?;
    Ok(match folder.parent() {
        Some(home) if is_ours(&folder) => Place::Ours(Parked { pid, home: home.to_owned(), folder }),
        Some(_) | None => Place::Home(folder),
    })
}

impl Parked {
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Lets it go on where it was. A process that died or left meanwhile needs nothing, and its number may be another's by
    /// now. False: the folder is still there, because others are in it or the process is not wholly gone.
    pub(crate) fn release(&self) -> bool {
        if cgroup::folder_of(self.pid).is_ok_and(|folder| folder == self.folder) {
            // Without its cgroup there is no process either.
            let _gone = fs::write(self.home.join("cgroup.procs"), self.pid.to_string());
        }
        self.remove()
    }

    /// Everybody who is where it is, or was.
    pub(crate) fn inmates(&self) -> Vec<Self> {
        inmates(&self.folder)
    }

    pub(crate) fn is_with(&self, other: &Self) -> bool {
        self.folder == other.folder
    }

    /// Freezes all that is in the cgroup.
    pub(crate) fn freeze(&self) -> io::Result<()> {
        fs::write(self.folder.join("cgroup.freeze"), "1")
    }

    /// Ends all that is in the cgroup, frozen or not. Only for one that holds a single process.
    pub(crate) fn kill(&self) -> io::Result<()> {
        match fs::write(self.folder.join("cgroup.kill"), "1") {
            Err(error) if is_threaded(&error) => self.kill_it(),
            done => done,
        }
    }

    /// The handle comes first, so that the number is still the process's own when it is found here.
    fn kill_it(&self) -> io::Result<()> {
        let process = sys::pidfd(self.pid)?;
        if cgroup::folder_of(self.pid)? == self.folder {
            rustix::process::pidfd_send_signal(process, Signal::KILL)?;
        }
        Ok(())
    }

    /// A folder of ours must not keep anybody from removing the cgroup around it. False: somebody is still in it, which
    /// is what the refusal of the kernel says.
    pub(crate) fn remove(&self) -> bool {
        match fs::remove_dir(&self.folder) {
            Ok(()) => true,
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        }
    }

    /// Itself, if all went well. Else nothing is left of it: the process may have ended before it came here, and a cgroup
    /// with a folder of ours in it cannot be removed.
    fn or_nothing(self, done: io::Result<()>) -> io::Result<Self> {
        if done.is_err() {
            // False: others are parked there.
            self.remove();
        }
        done.map(|()| self)
    }

    fn enter(&self) -> io::Result<()> {
        let enter = || fs::write(self.folder.join("cgroup.procs"), self.pid.to_string());
        match enter() {
            Err(error) if is_threaded(&error) => {
                fs::write(self.folder.join("cgroup.type"), "threaded")?;
                enter()
            }
            done => done,
        }
    }
}

/// What the kernel says to whoever wants a whole process of a cgroup that is there for threads.
fn is_threaded(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EOPNOTSUPP)
}

/// Everybody in a folder of ours.
pub(super) fn inmates(folder: &Path) -> Vec<Parked> {
    let Some(home) = folder.parent() else { return Vec::new() };
    let pids = match fs::read_to_string(folder.join("cgroup.procs")) {
        Err(error) if is_threaded(&error) => first_threads(folder),
        // One that vanishes meanwhile has nobody in it.
        pids => pids.unwrap_or_default().lines().filter_map(|line| line.parse().ok()).collect(),
    };
    let parked = |pid| Parked { pid, home: home.to_owned(), folder: folder.to_owned() };
    pids.into_iter().map(parked).collect()
}

/// A process came here with all its threads, and has the number of the first.
fn first_threads(folder: &Path) -> Vec<u32> {
    let threads = fs::read_to_string(folder.join("cgroup.threads")).unwrap_or_default();
    let is_first = |tid: &u32| {
        fs::read_to_string(format!("/proc/{tid}/status"))
            .is_ok_and(|status| status.contains(&format!("\nTgid:\t{tid}\n")))
    };
    threads.lines().filter_map(|line| line.parse().ok()).filter(is_first).collect()
}

/// Everybody in folders of ours below a cgroup.
pub(crate) fn all_below(folder: &Path) -> Vec<Parked> {
    cgroup::below(folder, usize::MAX)
        .filter(|folder| is_ours(folder))
        .flat_map(|folder| inmates(&folder))
        .collect()
}

/// The ticket that a folder of ours was made for alone, behind its commit.
pub(super) fn ticket_of(folder: &Path) -> Option<u64> {
    let name = folder.file_name()?.to_str()?;
    name.strip_prefix(FOLDER)?.strip_prefix('-')?.parse().ok()
}

/// Whether processes are parked there, by us or by a daemon before us.
pub(crate) fn is_ours(folder: &Path) -> bool {
    folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with(FOLDER))
}

fn make(folder: &Path) -> io::Result<()> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
