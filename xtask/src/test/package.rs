//! What a guest gets in which the Debian package is tried: the package, the image, the tests, what they measure it by, and the
//! documentation whose commands are run. No expacti.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::cache::Cache;
use crate::dist;
use crate::setup::{containerd, python};
use crate::vm::GuestFile;
use crate::workspace;

/// The tests, in every guest.
pub(super) const PROGRAM: &str = "/opt/expacti/expacti-tests";
/// The suites that need the package.
pub(super) const SUITES: [&str; 2] = ["package", "docs"];

/// All of it.
pub(super) fn files(cache: &Cache, binary: &Path) -> Result<Vec<GuestFile>> {
    let folder = workspace::target().join("guests/package");
    let [package, image] = dist::for_guests(binary, &folder)?;
    let root = workspace::root();
    let tests = workspace::target().join("x86_64-unknown-linux-gnu/guest/expacti-tests");
    let mut files = vec![
        GuestFile::new(&package, "/opt/expacti/expacti.deb")?,
        GuestFile::new(&image, "/opt/expacti/expacti.oci.tar.gz")?,
        GuestFile::new(&tests, PROGRAM)?,
    ];
    for file in [
        "tests/cri.py",
        "tests/scrape.py",
        "deploy/monitoring/alerts.yml",
        "deploy/monitoring/grafana-dashboard.json",
        "deploy/kubernetes/daemonset.yaml",
    ] {
        let name = Path::new(file).file_name().unwrap_or_default();
        files.push(GuestFile::new(&root.join(file), Path::new("/opt/expacti").join(name))?);
    }
    // Where there is no way to PyPI, the test that wants it says that it is skipped.
    if let Ok(modules) = python::modules(cache, python::PROMETHEUS_CLIENT) {
        add_modules(
            &modules.join("prometheus_client"),
            Path::new("/opt/expacti/python/prometheus_client"),
            &mut files,
        )?;
    }
    let containerd = containerd::programs(cache)?;
    for name in containerd::PROGRAMS {
        let to = Path::new("/opt/expacti/containerd").join(name);
        files.push(GuestFile::new(&containerd.join(name), to)?);
    }
    for page in pages(root)? {
        let to = Path::new("/opt/expacti/pages").join(page.strip_prefix(root).unwrap_or(&page));
        files.push(GuestFile::new(&page, to)?);
    }
    Ok(files)
}

/// A Python package, without what this machine compiled of it.
fn add_modules(from: &Path, to: &Path, files: &mut Vec<GuestFile>) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let to = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            add_modules(&path, &to, files)?;
        } else if path.extension().is_some_and(|extension| extension == "py") {
            files.push(GuestFile::new(&path, to)?);
        }
    }
    Ok(())
}

/// Every page of the documentation, wherever it lies.
fn pages(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut pages = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let name = entry.file_name();
        // What was built or fetched is not ours; links lead there, too.
        let is_ours =
            !matches!(name.to_str(), Some("target" | "node_modules")) && !name.as_bytes().starts_with(b".");
        if entry.file_type()?.is_dir() {
            if is_ours {
                pages.extend(self::pages(&path)?);
            }
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
    Ok(pages)
}
