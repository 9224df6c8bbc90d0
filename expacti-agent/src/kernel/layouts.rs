//! Taking over from a daemon whose maps are of another layout than ours.
//!
//! Its programs go on until ours gate the same agents. What waits before its exec asks anew. What is held behind its
//! commit is ended, because its ticket cannot be read and nobody may let it go on. Marks are carried over, so that
//! whoever has left its cgroup stays its agent's.

use std::collections::HashSet;
use std::fs;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use aya::maps::{MapData, MapError};
use expacti_abi::names::map;

use super::gate::Gate;
use super::load::folder;
use super::maps::failed;
use super::unload::{UnloadError, children, remove_layout};
use super::{cgroup, park, sys};

/// Replaces the gates of all other layouts by ours, and says what that was, a line each. To be called once the agents are
/// enrolled, and before anybody is let go who waits for nothing.
pub(crate) fn replace(bpffs: &Path, gate: &Gate) -> Result<Vec<String>, UnloadError> {
    let ours = folder(bpffs);
    let Some(root) = ours.parent() else { return Ok(Vec::new()) };
    let others: Vec<PathBuf> = children(root)?.into_iter().filter(|path| *path != ours).collect();
    let mut said = Vec::new();
    for layout in others {
        let tasks = layout.join(map::TASKS);
        if tasks.exists() {
            let tasks = MapData::from_pin(&tasks).map_err(failed(map::TASKS))?;
            // Twice, for those that were just being born to a process that was not marked yet.
            for _ in 0..2 {
                carry_marks(&tasks, gate).map_err(failed(map::TASKS))?;
            }
        }
        let ended = end_unreadable(gate);
        if ended > 0 {
            said.push(format!(
                "ended {ended} commands that were held behind their commit by another version"
            ));
        }
        said.push(remove_layout(&layout)?);
    }
    Ok(said)
}

/// Marks with ours whoever is marked with theirs, as far as its agent is still one.
fn carry_marks(theirs: &MapData, gate: &Gate) -> Result<(), MapError> {
    let size = theirs.info()?.value_size() as usize;
    for process in numbers(Path::new("/proc")) {
        for thread in numbers(&PathBuf::from(format!("/proc/{process}/task"))) {
            // One that is gone needs no mark. Neither does one whose mark cannot be read: it is none of theirs.
            let Ok(handle) = sys::thread(thread) else { continue };
            let Ok(agent) = sys::agent_of(theirs.fd().as_fd(), handle.as_fd(), size) else { continue };
            gate.mark(handle.as_fd(), agent);
        }
    }
    Ok(())
}

/// Ends what is frozen behind its commit under a ticket that we do not know. Gives how many.
fn end_unreadable(gate: &Gate) -> usize {
    let known: HashSet<u64> = gate.open_tickets().into_iter().map(|(number, _)| number).collect();
    let folders = cgroup::below(Path::new(cgroup::MOUNT), usize::MAX);
    let unknown =
        folders.filter(|folder| park::ticket_of(folder).is_some_and(|ticket| !known.contains(&ticket)));
    unknown.map(|folder| gate.end_all_in(&folder)).sum()
}

fn numbers(folder: &Path) -> Vec<u32> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}
