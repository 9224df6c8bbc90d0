//! Programs that run on this machine: its own where it has them, else Debian's, unpacked into the cache.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::debian::View;
use super::{Part, Workshop};
use crate::cache::Cache;
use crate::process::{find_program, run_logged};

/// A folder of unpacked packages that programs can run from.
pub(crate) struct Unpacked {
    pub(crate) root: PathBuf,
}

impl Unpacked {
    /// A program of it, set up to find the libraries and the other programs that came with it.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.root.join(program));
        // Behind the machine's own: mmdebstrap starts mmtarfilter by its name.
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders =
            std::env::split_paths(&path).chain(["usr/bin", "usr/sbin"].map(|at| self.root.join(at)));
        if let Ok(path) = std::env::join_paths(folders) {
            command.env("PATH", path);
        }
        let libraries =
            ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"].map(|place| self.root.join(place));
        if let Ok(path) = std::env::join_paths(libraries) {
            command.env("LD_LIBRARY_PATH", path);
        }
        command
    }
}

/// Unpacks package files and removes them.
pub(crate) fn unpack(packages: &[PathBuf], folder: &Path, log: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    for package in packages {
        run_logged(Command::new("dpkg-deb").arg("-x").arg(package).arg(folder), log)?;
        fs::remove_file(package)?;
    }
    Ok(())
}

/// Unpacks a package and what it needs beyond what this machine has.
pub(crate) fn unpack_with_dependencies(workshop: &Workshop, package: &str, folder: &Path) -> Result<()> {
    let files = View::of_host(&workshop.cache)?.download_missing(package, folder)?;
    unpack(&files, folder, &workshop.log)?;
    fs::remove_dir_all(folder.join("archives"))?;
    Ok(())
}

/// A static busybox, which the guest's initramfs consists of.
pub(crate) fn busybox() -> Part {
    Part {
        name: "busybox",
        brings: "the guest's first program, Debian's package busybox-static (1 MB)",
        recipe: "trixie".into(),
        make: |workshop, folder| {
            let files = View::of_guest(&workshop.cache)?.download(&["busybox-static"], folder)?;
            unpack(&files, &folder.join("tree"), &workshop.log)?;
            let places = ["usr/bin/busybox", "bin/busybox"].map(|place| folder.join("tree").join(place));
            let program =
                places.iter().find(|place| place.is_file()).context("busybox-static has no busybox")?;
            fs::rename(program, folder.join("busybox"))?;
            fs::remove_dir_all(folder.join("tree"))?;
            Ok(())
        },
    }
}

/// depmod, which lists what each kernel module needs.
pub(crate) fn depmod(cache: &Cache) -> Result<Command> {
    if let Some(program) = find_program("depmod") {
        return Ok(Command::new(program));
    }
    let part = Part {
        name: "kmod",
        brings: "depmod, from Debian's package kmod",
        recipe: "1".into(),
        make: |workshop, folder| unpack_with_dependencies(workshop, "kmod", folder),
    };
    let root = part.get(cache)?;
    // One program with many names; the names are links to where it would be installed.
    let place = ["usr/bin/kmod", "bin/kmod"].into_iter().find(|place| root.join(place).is_file());
    let mut command = Unpacked { root }.command(place.context("the package kmod has no kmod")?);
    command.arg0("depmod");
    Ok(command)
}

/// Makes a folder, which is removed, into a disk of this label that guests mount. What only people read is left out.
pub(crate) fn disk_of(tree: &Path, disk: &Path, label: &str, size: &str, log: &Path) -> Result<()> {
    for unused in ["usr/share/doc", "usr/share/man", "usr/share/locale"] {
        if tree.join(unused).exists() {
            fs::remove_dir_all(tree.join(unused))?;
        }
    }
    let mut mke2fs = Command::new(mke2fs()?);
    mke2fs.args(["-q", "-t", "ext4", "-O", "^has_journal", "-m", "0", "-E", "root_owner=0:0", "-L", label]);
    run_logged(mke2fs.arg("-d").arg(tree).arg(disk).arg(size), log)?;
    fs::remove_dir_all(tree)?;
    Ok(())
}

/// mke2fs, which makes the guest's disks.
pub(crate) fn mke2fs() -> Result<PathBuf> {
    find_program("mke2fs").context("mke2fs is missing: install the package e2fsprogs")
}
