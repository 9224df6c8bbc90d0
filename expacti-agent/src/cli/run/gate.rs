//! The cgroup of one `expacti run`, from its making to its end.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::mount;
use crate::client::{Client, segment};
use crate::kernel::cgroup::folder_of;

/// How long killed processes have to be gone.
const PATIENCE: Duration = Duration::from_secs(10);

/// A cgroup of its own; cleared away at the end, whatever happens between.
pub(super) struct Gate {
    folder: PathBuf,
    enrolled: Option<(Client, String)>,
    ended: bool,
}

impl Gate {
    /// Makes it below the caller's own cgroup, so that whatever limits the caller limits the agent.
    pub(super) fn make(name: &str) -> anyhow::Result<Self> {
        let around = folder_of(std::process::id())
            .context("cgroups of version 2 are needed, mounted at /sys/fs/cgroup")?;
        let folder = around.join(format!("expacti-{name}"));
        fs::create_dir(&folder).with_context(|| folder.display().to_string())?;
        if !folder.starts_with(mount()) || !folder.join("cgroup.procs").exists() {
            fs::remove_dir(&folder)?;
            bail!("{} is no cgroup: version 2 must be mounted at {}", folder.display(), mount().display());
        }
        Ok(Self { folder, enrolled: None, ended: false })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// It is gated from now on, and must be withdrawn at the end.
    pub(super) fn is_closed(&mut self, client: Client, name: &str) {
        self.enrolled = Some((client, name.to_owned()));
    }

    /// Ends what is left in it, then the gate, then the cgroup. In this order: what outlives its gate would be free.
    pub(super) fn end(&mut self) -> anyhow::Result<()> {
        self.ended = true;
        fs::write(self.folder.join("cgroup.kill"), "1")?;
        let start = Instant::now();
        while is_populated(&self.folder) {
            if start.elapsed() > PATIENCE {
                bail!("processes in {} do not end; it stays gated", self.folder.display());
            }
            thread::sleep(Duration::from_millis(5));
        }
        if let Some((client, name)) = &self.enrolled {
            client.act("DELETE", &format!("/v1/agents/{}", segment(name)))?;
        }
        remove(&self.folder).with_context(|| self.folder.display().to_string())
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        if !self.ended {
            // Something failed already, and that is what is told.
            let _also = self.end();
        }
    }
}

fn is_populated(folder: &Path) -> bool {
    fs::read_to_string(folder.join("cgroup.events")).is_ok_and(|text| text.contains("populated 1"))
}

/// With the cgroups that the command, or parking, made below.
fn remove(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove(&entry.path())?;
        }
    }
    fs::remove_dir(folder)
}
