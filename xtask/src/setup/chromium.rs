//! Chromium, which the console's tests look at pages with.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::debian::debian_release;
use super::packages::unpack_with_dependencies;
use super::{Part, Workshop};
use crate::cache::Cache;
use crate::process::find_program;

/// What starts it from where it was unpacked, by its own place: the folder is moved when it is whole.
const START: &str = r#"#!/bin/sh
root=$(dirname "$(readlink -f "$0")")
for folder in usr/lib/chromium usr/lib/x86_64-linux-gnu lib/x86_64-linux-gnu usr/lib/x86_64-linux-gnu/nss \
    usr/lib/x86_64-linux-gnu/pulseaudio; do
    LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$root/$folder
done
export LD_LIBRARY_PATH FONTCONFIG_FILE="$root/fonts.conf"
exec "$root/usr/lib/chromium/chromium" "$@"
"#;

const FONTS: &str = r#"<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir prefix="relative">usr/share/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
"#;

/// The part to bring, unless the machine has one. None where there is none to bring: the tests say so and what to do.
pub(crate) fn part() -> Option<Part> {
    if own().is_some() || debian_release().is_none() {
        return None;
    }
    Some(Part {
        name: "chromium",
        brings: "the browser for the console's tests, Debian's package chromium (130 MB to download)",
        recipe: "1".into(),
        make,
    })
}

/// The browser, brought if it is missing.
pub(crate) fn browser(cache: &Cache) -> Result<PathBuf> {
    if let Some(program) = own() {
        return Ok(program);
    }
    let part = part().context("chromium is missing: install the package chromium")?;
    Ok(part.get(cache)?.join("chromium"))
}

fn own() -> Option<PathBuf> {
    ["chromium", "chromium-browser", "google-chrome"].iter().find_map(|name| find_program(name))
}

fn make(workshop: &Workshop, folder: &Path) -> Result<()> {
    unpack_with_dependencies(workshop, "chromium", folder)?;
    fs::write(folder.join("fonts.conf"), FONTS)?;
    let start = folder.join("chromium");
    fs::write(&start, START)?;
    fs::set_permissions(&start, fs::Permissions::from_mode(0o755))?;
    Ok(())
}
