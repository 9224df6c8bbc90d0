//! One part of the measures in a guest of its own.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::de::DeserializeOwned;

use crate::build::{self, Profile};
use crate::cache::Cache;
use crate::setup::kernels::Kernel;
use crate::setup::{materials, peers};
use crate::vm::{self, Clock, Ended, Guest, GuestFile, Task};
use crate::{programs, workspace};

/// For one part, by the clock on the wall.
const LIMIT: Duration = Duration::from_mins(20);

/// What a part needs beside expacti, on a disk of its own.
pub(crate) struct Disk {
    image: PathBuf,
    /// Lays it into the guest.
    script: &'static str,
}

impl Disk {
    /// Others that look at execs.
    pub(crate) fn peers(cache: &Cache) -> Result<Self> {
        Ok(Self { image: peers::disk(cache)?, script: include_str!("../../guest/peers.sh") })
    }

    /// What whole workloads are made of.
    pub(crate) fn materials(cache: &Cache) -> Result<Self> {
        Ok(Self { image: materials::disk(cache)?, script: include_str!("../../guest/materials.sh") })
    }
}

/// Where to measure.
pub(crate) struct Place<'a> {
    pub(crate) cache: &'a Cache,
    pub(crate) kernel: Kernel,
    pub(crate) clock: Clock,
    pub(crate) files: Vec<GuestFile>,
    pub(crate) disk: Option<Disk>,
    /// In MiB.
    pub(crate) memory: u32,
}

impl Place<'_> {
    /// What the program that measures prints, given these arguments.
    pub(crate) fn run(self, arguments: &str) -> Result<Vec<u8>> {
        let folder = workspace::target().join("bench");
        // A name of its own: guests run side by side.
        let script = folder.join(format!("{}.sh", arguments.replace(' ', "-")));
        let first = self.disk.as_ref().map_or("", |disk| disk.script);
        fs::write(
            &script,
            format!("#!/bin/bash\n{first}\nulimit -n 65536\nexec /opt/expacti/expacti-bench {arguments}\n"),
        )?;
        let guest = Guest {
            kernel: self.kernel,
            task: Task::Script(script, LIMIT),
            files: self.files,
            forward: Vec::new(),
            systemd: false,
            memory: self.memory,
            clock: self.clock,
            disks: self.disk.into_iter().map(|disk| disk.image).collect(),
        };
        let mut out = Vec::new();
        match vm::run(self.cache, &guest, &mut out, &mut std::io::stderr())? {
            Ended::Exited(0) => Ok(out),
            Ended::Exited(code) => bail!("measuring {arguments} failed with {code}"),
            Ended::Failed(trouble) => bail!("measuring {arguments}: {trouble}"),
        }
    }

    /// The same, understood.
    pub(crate) fn measure<T: DeserializeOwned>(self, arguments: &str) -> Result<T> {
        serde_json::from_slice(&self.run(arguments)?).with_context(|| format!("what {arguments} printed"))
    }
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
