//! Others that look at execs, to be measured beside: Debian's packages, unpacked on a disk of their own, so that the
//! guests of the tests do not grow.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::debian::View;
use super::packages::{disk_of, unpack};
use super::user_land;
use super::{Part, Workshop};
use crate::cache::Cache;
use crate::process::output;

/// Those that the user land has not.
const PACKAGES: [&str; 3] = ["fapolicyd", "auditd", "bpftrace"];

/// The disk.
pub(crate) fn disk(cache: &Cache) -> Result<PathBuf> {
    Ok(part().get(cache)?.join("peers.ext4"))
}

pub(crate) fn part() -> Part {
    Part {
        name: "peers",
        brings: "fapolicyd, auditd and bpftrace, to be measured beside (100 MB to download)",
        recipe: format!("1 {PACKAGES:?} {}", user_land::part().recipe),
        make,
    }
}

fn make(workshop: &Workshop, folder: &Path) -> Result<()> {
    // What the guest has already need not be brought: its own list says so.
    let status = user_land::status(workshop, folder)?;
    let packages = View::of_guest(&workshop.cache)?.download_for(&status, &PACKAGES, folder)?;

    let tree = folder.join("tree");
    let versions = tree.join("versions");
    fs::create_dir_all(&versions)?;
    for package in &packages {
        let says = |field| output(Command::new("dpkg-deb").arg("-f").arg(package).arg(field));
        fs::write(versions.join(says("Package")?.trim()), says("Version")?)?;
    }
    unpack(&packages, &tree, &workshop.log)?;
    disk_of(&tree, &folder.join("peers.ext4"), "peers", "768M", &workshop.log)?;
    fs::remove_dir_all(folder.join("archives"))?;
    fs::remove_file(status)?;
    Ok(())
}
