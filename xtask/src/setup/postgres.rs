//! PostgreSQL's server, which database tests run against.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::Part;
use super::debian::debian_release;
use super::packages::unpack_with_dependencies;
use crate::cache::Cache;
use crate::process::find_program;

/// Where a server's programs and libraries lie.
pub(crate) enum Server {
    /// Installed: the folder of its programs.
    Own(PathBuf),
    /// In the cache: the root of unpacked packages.
    Unpacked(PathBuf),
}

/// The part to bring, unless the machine has a server.
pub(crate) fn part() -> Result<Option<Part>> {
    if own().is_some() {
        return Ok(None);
    }
    if debian_release().is_none() {
        bail!(
            "PostgreSQL's server is missing: install it with your system's package manager (it need not run)"
        );
    }
    Ok(Some(Part {
        name: "postgresql",
        brings: "a PostgreSQL server for database tests, Debian's package postgresql (20 MB)",
        recipe: "1".into(),
        make: |workshop, folder| unpack_with_dependencies(workshop, "postgresql", folder),
    }))
}

/// The server, brought if it is missing.
pub(crate) fn server(cache: &Cache) -> Result<Server> {
    if let Some(folder) = own() {
        return Ok(Server::Own(folder));
    }
    match part()? {
        Some(part) => Ok(Server::Unpacked(part.get(cache)?)),
        None => bail!("PostgreSQL's server just vanished from this machine"),
    }
}

fn own() -> Option<PathBuf> {
    programs_below(Path::new("/")).or_else(|| Some(find_program("initdb")?.parent()?.to_owned()))
}

/// Debian keeps them out of `PATH`, one folder a version.
pub(crate) fn programs_below(root: &Path) -> Option<PathBuf> {
    let versions = fs::read_dir(root.join("usr/lib/postgresql")).ok()?;
    let mut folders: Vec<PathBuf> =
        versions.filter_map(|entry| Some(entry.ok()?.path().join("bin"))).collect();
    folders.retain(|folder| folder.join("initdb").is_file());
    folders.sort();
    folders.pop()
}
