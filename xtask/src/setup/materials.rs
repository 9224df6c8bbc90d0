//! What whole workloads are made of, on a disk of its own: cargo and rustc, pytest, npm with a cache of a few packages,
//! and programs in source form. Guests have no network, so all of it is brought before.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::debian::View;
use super::packages::{disk_of, unpack};
use super::user_land;
use super::{Part, Workshop};
use crate::cache::Cache;
use crate::process::{find_program, output};

/// Compiler and builder, and what runs tests in Python, which the user land has not.
const PACKAGES: [&str; 3] = ["cargo", "rustc", "python3-pytest"];
/// Crates as Debian packages them, in source form. What they need themselves is not needed here.
const CRATES: [&str; 2] = ["librust-itoa-dev", "librust-cfg-if-dev"];
/// Programs in C, in source form.
const SOURCES: [&str; 2] = ["dash", "zlib"];
/// Runs on the user land's node.
const NPM: &str = "npm@11.6.2";
/// The package that is installed and tested.
const PROJECT: &str = include_str!("../../../bench/workloads/package.json");

/// The disk.
pub(crate) fn disk(cache: &Cache) -> Result<PathBuf> {
    Ok(part().get(cache)?.join("materials.ext4"))
}

pub(crate) fn part() -> Part {
    let user_land = user_land::part().recipe;
    Part {
        name: "materials",
        brings: "cargo, rustc, pytest, npm and sources to build, for whole workloads (120 MB to download)",
        recipe: format!("2 {PACKAGES:?} {CRATES:?} {SOURCES:?} {NPM} {PROJECT} {user_land}"),
        make,
    }
}

fn make(workshop: &Workshop, folder: &Path) -> Result<()> {
    let tree = folder.join("tree");
    npm(&tree, folder)?;
    let sources = View::of_sources(&workshop.cache)?;
    for package in SOURCES {
        sources.source(package, &tree.join("sources").join(package))?;
    }
    let status = user_land::status(workshop, folder)?;
    let guest = View::of_guest(&workshop.cache)?;
    unpack(&guest.download_for(&status, &PACKAGES, folder)?, &tree, &workshop.log)?;
    let crates = folder.join("crates");
    fs::create_dir_all(&crates)?;
    unpack(&guest.download(&CRATES, &crates)?, &tree, &workshop.log)?;
    disk_of(&tree, &folder.join("materials.ext4"), "materials", "2G", &workshop.log)?;
    for done in ["archives", "crates"] {
        fs::remove_dir_all(folder.join(done))?;
    }
    fs::remove_file(status)?;
    Ok(())
}

/// npm itself as its makers publish it, and a cache with all that the package needs, filled from the registry that this
/// machine's npm knows.
fn npm(tree: &Path, folder: &Path) -> Result<()> {
    let npm = find_program("npm").context("npm is missing: install it, or the package npm")?;
    let place = tree.join("usr/local/lib/node_modules/npm");
    fs::create_dir_all(&place)?;
    let packed = output(Command::new(&npm).args(["pack", "--silent", NPM]).current_dir(folder))?;
    let packed = folder.join(packed.trim());
    output(Command::new("tar").args(["--strip-components=1", "-xzf"]).arg(&packed).arg("-C").arg(&place))?;
    fs::remove_file(packed)?;
    let programs = tree.join("usr/local/bin");
    fs::create_dir_all(&programs)?;
    std::os::unix::fs::symlink("../lib/node_modules/npm/bin/npm-cli.js", programs.join("npm"))?;

    let project = tree.join("sources/package");
    fs::create_dir_all(&project)?;
    fs::write(project.join("package.json"), PROJECT)?;
    // By the npm that will ask for them, twice: it asks for other things where there is a lock file.
    for verb in ["install", "ci"] {
        let mut install = Command::new("node");
        install.arg(place.join("bin/npm-cli.js")).args([verb, "--silent", "--ignore-scripts"]);
        install.args(["--no-audit", "--no-fund", "--omit-lockfile-registry-resolved=false", "--cache"]);
        output(install.arg(tree.join("npm-cache")).current_dir(&project))?;
    }
    fs::remove_dir_all(project.join("node_modules"))?;
    let registry = output(Command::new(&npm).args(["config", "get", "registry"]))?;
    fs::write(
        tree.join("npmrc"),
        format!("registry={}\naudit=false\nfund=false\nupdate-notifier=false\n", registry.trim()),
    )?;
    Ok(())
}
