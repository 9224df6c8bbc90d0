//! A closer look at what waits: hashes, scripts, git, the place on the host.
//!
//! All of it comes from file systems and memory of the agent, so it can take for ever. Only a thread that can be lost
//! may call this.

use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::time::Instant;

use expacti_abi::event::{Head, flag};
use expacti_core::request::{ExecRequest, Executable};

use super::hash::Hashes;
use super::process::{Process, folder_of};
use super::script::Source;
use super::within::{Within, descriptor};
use super::{argv, git, places, script, variables};

/// Adds to the request what can be learned until then. `key` is that of the digests.
pub(crate) fn look(event: &Head, request: &mut ExecRequest, key: [u64; 2], hashes: &Hashes, until: Instant) {
    if event.flags & flag::LARGE != 0 && request.argv.is_empty() {
        read_large(event, request, key);
    }
    if request.cwd.is_none()
        && let Some(cwd) = folder_of(event.ppid, &event.cwd, event.mount_ns)
    {
        request.missing.retain(|missing| missing != super::FOLDER);
        request.cwd = Some(cwd);
    }
    let process = Process::new(event.tgid, event.tid);
    if request.lineage.is_empty() {
        request.lineage = process.lineage();
    }
    // A task whose root cannot be seen is gone.
    let Ok(within) = Within::of(event.tgid, event.tid) else { return };
    let folder = request.cwd.as_ref().map(|cwd| within.seen_from_root(cwd.as_bytes()));
    request.git = folder.as_ref().and_then(|folder| git::context(&within, folder));
    if let Some(source) = script::source(request) {
        let opened = match &source {
            Source::File(path) => {
                let path = super::absolute(path, folder.map(Into::into).as_ref());
                within.open(path.as_bytes()).map(|file| (file, path))
            }
            Source::Stdin(path) => descriptor(event.tgid, event.tid, 0).map(|file| (file, path.clone())),
        };
        // What cannot be read is judged as what was not seen.
        request.script = opened.and_then(|(file, path)| script::read(file, path, hashes, until)).ok();
    }
    identify(&within, event.tgid, &mut request.exe, hashes, until);
    for interpreter in &mut request.interpreters {
        identify(&within, event.tgid, interpreter, hashes, until);
    }
}

/// Of a long argument vector the event tells only where it lies.
fn read_large(event: &Head, request: &mut ExecRequest, key: [u64; 2]) {
    match argv::read_large(event, key) {
        Ok((words, environment)) => {
            request.env = variables(environment.into_iter());
            request.missing.retain(|missing| missing != super::LONG);
            let script = (event.stages > 1).then(|| request.exe.path.clone());
            request.argv = script.into_iter().chain(words).collect();
        }
        Err(error) => request.missing.push(format!("the argument vector: {error}")),
    }
}

/// Hash and place of a file, where the path still leads to the one that the kernel will run.
fn identify(within: &Within, pid: u32, exe: &mut Executable, hashes: &Hashes, until: Instant) {
    if exe.path.is_empty() || exe.unlinked || exe.unstable {
        return;
    }
    let Ok(file) = within.open(exe.path.as_bytes()) else { return };
    let Ok(found) = file.metadata() else { return };
    let changed = found.ctime().saturating_mul(1_000_000_000).saturating_add(found.ctime_nsec());
    // Not its device: some file systems tell another one than they use themselves.
    if (found.ino(), changed) != (exe.ino, exe.ctime_ns) {
        return;
    }
    exe.sha256 = hashes.of(&file, until).ok();
    exe.host_path = places::on_the_host(pid, exe.path.as_bytes(), file.as_fd());
}
