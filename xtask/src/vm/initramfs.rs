//! The archive a kernel starts from, in cpio's "newc" format.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::{Guest, GuestFile, Task};
use crate::cache::Cache;
use crate::setup::packages;

const DIRECTORY: u32 = 0o040_755;
const FILE: u32 = 0o100_000;

const FIRST: &str = include_str!("../../guest/first.sh");
const INIT: &str = include_str!("../../guest/init.sh");
const RUN: &str = include_str!("../../guest/run.sh");
const UNIT: &str = include_str!("../../guest/expacti-guest.service");

/// The archive for one run. What lies under `payload` is laid over the guest's system.
pub(crate) fn write(cache: &Cache, guest: &Guest, settings: &str, place: &Path) -> Result<()> {
    let busybox = packages::busybox().get(cache)?.join("busybox");
    let mut archive = Archive::default();
    archive.add(Path::new("bin/busybox"), 0o755, &read(&busybox)?);
    archive.add(Path::new("init"), 0o755, FIRST.as_bytes());

    let payload = Path::new("payload");
    let own = payload.join("opt/expacti");
    let init = if guest.systemd { "systemd" } else { "init.sh" };
    archive.add(&own.join("init"), 0o644, init.as_bytes());
    archive.add(&own.join("init.sh"), 0o755, INIT.as_bytes());
    archive.add(&own.join("run.sh"), 0o755, RUN.as_bytes());
    archive.add(&own.join("settings"), 0o644, settings.as_bytes());
    if guest.systemd {
        archive.add(&payload.join("etc/systemd/system/expacti-guest.service"), 0o644, UNIT.as_bytes());
    }
    if let Task::Script(script, _) | Task::Shell(Some(script)) = &guest.task {
        archive.add(&own.join("script"), 0o755, &read(script)?);
    }
    for GuestFile { from, to, mode } in &guest.files {
        let inside = to.strip_prefix("/").with_context(|| format!("{} is not absolute", to.display()))?;
        archive.add(&payload.join(inside), *mode, &read(from)?);
    }
    fs::write(place, archive.finish())?;
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// A cpio archive in the making.
#[derive(Default)]
struct Archive {
    bytes: Vec<u8>,
    folders: BTreeSet<PathBuf>,
    entries: u32,
}

impl Archive {
    /// Adds a file, and the folders it is in.
    fn add(&mut self, path: &Path, mode: u32, content: &[u8]) {
        let parents: Vec<&Path> =
            path.ancestors().skip(1).filter(|path| !path.as_os_str().is_empty()).collect();
        for folder in parents.into_iter().rev() {
            if self.folders.insert(folder.to_owned()) {
                self.entry(folder, DIRECTORY, &[]);
            }
        }
        self.entry(path, FILE | mode, content);
    }

    fn entry(&mut self, path: &Path, mode: u32, content: &[u8]) {
        self.entries += 1;
        let name = path.as_os_str().as_encoded_bytes();
        let links = if mode == DIRECTORY { 2 } else { 1 };
        // Magic, then: inode, mode, uid, gid, links, time, size, device (2), special device (2), name's size, checksum.
        let fields = [
            self.entries as usize,
            mode as usize,
            0,
            0,
            links,
            0,
            content.len(),
            0,
            0,
            0,
            0,
            name.len() + 1,
            0,
        ];
        self.bytes.extend_from_slice(b"070701");
        for field in fields {
            self.bytes.extend_from_slice(format!("{field:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(name);
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(content);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    fn finish(mut self) -> Vec<u8> {
        self.entry(Path::new("TRAILER!!!"), 0, &[]);
        self.bytes
    }
}
