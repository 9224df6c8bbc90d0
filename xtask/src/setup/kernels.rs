//! The stock Debian kernels that expacti is proven on, with their modules as a disk of their own.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::debian::View;
use super::packages::{self, unpack};
use super::{Part, Workshop};
use crate::cache::Cache;
use crate::process::run_logged;

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kernel {
    /// Debian 12.
    #[value(name = "6.1")]
    V6_1,
    /// Debian 13.
    #[value(name = "6.12")]
    V6_12,
    /// Debian 13's backports.
    #[value(name = "7.2")]
    V7_2,
}

/// All of them, oldest first.
pub(crate) const ALL: [Kernel; 3] = [Kernel::V6_1, Kernel::V6_12, Kernel::V7_2];

/// A kernel's files.
pub(crate) struct Files {
    pub(crate) image: PathBuf,
    pub(crate) modules: PathBuf,
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V6_1 => "6.1",
            Self::V6_12 => "6.12",
            Self::V7_2 => "7.2",
        })
    }
}

impl Kernel {
    pub(crate) fn part(self) -> Part {
        let (name, make): (_, fn(&Workshop, &Path) -> Result<()>) = match self {
            Self::V6_1 => ("kernel-6.1", |shop, folder| make(shop, folder, &["linux-image-6.1.0-"])),
            Self::V6_12 => ("kernel-6.12", |shop, folder| make(shop, folder, &["linux-image-6.12."])),
            // From 7.0 on, Debian splits image, modules and their lists into packages of their own.
            Self::V7_2 => ("kernel-7.2", |shop, folder| {
                make(shop, folder, &["linux-binary-7.2.", "linux-modules-7.2.", "linux-base-7.2."])
            }),
        };
        Part { name, brings: "a stock Debian kernel and its modules (30 to 50 MB)", recipe: "1".into(), make }
    }

    /// Its files, brought if they are missing.
    pub(crate) fn files(self, cache: &Cache) -> Result<Files> {
        let folder = self.part().get(cache)?;
        Ok(Files { image: folder.join("vmlinuz"), modules: folder.join("modules.ext4") })
    }
}

fn make(workshop: &Workshop, folder: &Path, packages: &[&str]) -> Result<()> {
    let view = View::of_guest(&workshop.cache)?;
    let mut names = Vec::new();
    for prefix in packages {
        // Only the cloud flavour: small, and all that a virtual machine needs.
        names.push(view.newest(&format!("^{}[0-9.+deb]*-cloud-amd64$", prefix.replace('.', "\\.")))?);
    }
    let tree = folder.join("tree");
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    unpack(&view.download(&names, folder)?, &tree, &workshop.log)?;

    // Both places and both ways to merge /usr occur.
    let modules = ["usr/lib/modules", "lib/modules"].map(|place| tree.join(place));
    let modules = modules.iter().find(|place| place.is_dir()).context("the kernel package has no modules")?;
    let release = only_entry(modules)?;
    let name = release.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let image = [release.join("vmlinuz"), tree.join(format!("boot/vmlinuz-{name}"))];
    let image = image.iter().find(|place| place.is_file()).context("the kernel package has no vmlinuz")?;
    fs::copy(image, folder.join("vmlinuz"))?;
    fs::write(folder.join("release"), &name)?;

    let mut depmod = packages::depmod(&workshop.cache)?;
    // depmod looks for lib/modules under its base folder.
    let base = folder.join("base");
    fs::create_dir_all(base.join("lib"))?;
    fs::rename(modules, base.join("lib/modules"))?;
    run_logged(depmod.arg("-b").arg(&base).arg(&name), &workshop.log)?;
    make_disk(&base.join("lib/modules"), &folder.join("modules.ext4"), &workshop.log)?;
    fs::remove_dir_all(base)?;
    fs::remove_dir_all(tree)?;
    Ok(())
}

/// A file system with a folder's content, as small as it gets, that the guest finds by its label.
fn make_disk(content: &Path, disk: &Path, log: &Path) -> Result<()> {
    let mut mke2fs = Command::new(packages::mke2fs()?);
    mke2fs.args([
        "-q",
        "-t",
        "ext4",
        "-O",
        "^has_journal",
        "-m",
        "0",
        "-L",
        "modules",
        "-E",
        "root_owner=0:0",
    ]);
    run_logged(mke2fs.arg("-d").arg(content).arg(disk).arg("256M"), log)
}

fn only_entry(folder: &Path) -> Result<PathBuf> {
    let mut entries = fs::read_dir(folder)?;
    Ok(entries.next().with_context(|| format!("{} is empty", folder.display()))??.path())
}
