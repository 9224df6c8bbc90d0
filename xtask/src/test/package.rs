//! What a guest gets in which the Debian package is tried: the package, the image, the tests, and what they measure it by. No
//! expacti.

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::cache::Cache;
use crate::dist;
use crate::setup::{containerd, python};
use crate::vm::GuestFile;
use crate::workspace;

/// The tests, in every guest.
pub(super) const PROGRAM: &str = "/opt/expacti/expacti-tests";
/// The suites that need the package.
pub(super) const SUITES: [&str; 1] = ["package"];

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
