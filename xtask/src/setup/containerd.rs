//! containerd, for the one guest in which a pod is run.

use std::path::PathBuf;

use anyhow::Result;

use super::Part;
use super::debian::View;
use super::packages::unpack;
use crate::cache::Cache;

/// What is used of it.
pub(crate) const PROGRAMS: [&str; 3] = ["containerd", "containerd-shim-runc-v2", "ctr"];

/// The folder with its programs.
pub(crate) fn programs(cache: &Cache) -> Result<PathBuf> {
    Ok(part().get(cache)?.join("usr/bin"))
}

pub(crate) fn part() -> Part {
    Part {
        name: "containerd",
        brings: "what runs pods, Debian's package containerd (25 MB to download)",
        recipe: "trixie".into(),
        make: |workshop, folder| {
            let files = View::of_guest(&workshop.cache)?.download(&["containerd"], folder)?;
            unpack(&files, folder, &workshop.log)
        },
    }
}
