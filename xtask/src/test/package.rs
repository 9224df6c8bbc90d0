//! What a guest gets in which the Debian package is tried: the package and the tests. No expacti.

use std::path::Path;

use anyhow::Result;

use crate::dist;
use crate::vm::GuestFile;
use crate::workspace;

/// The tests, in every guest.
pub(super) const PROGRAM: &str = "/opt/expacti/expacti-tests";
/// The suites that need the package.
pub(super) const SUITES: [&str; 1] = ["package"];

/// All of it.
pub(super) fn files(binary: &Path) -> Result<Vec<GuestFile>> {
    let package = dist::debian_package(binary, &workspace::target().join("guests/package"))?;
    let tests = workspace::target().join("x86_64-unknown-linux-gnu/guest/expacti-tests");
    Ok(vec![GuestFile::new(&package, "/opt/expacti/expacti.deb")?, GuestFile::new(&tests, PROGRAM)?])
}
