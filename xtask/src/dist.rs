//! `cargo xtask dist`: what users install. A tarball, a Debian package, a container image, a bill of materials, checksums.
//!
//! The story: the static binary is built, everything is laid out in one folder as it will lie in a system, and each
//! package is that folder in another form. Times and owners are the same in every build.

mod deb;
mod image;
mod sbom;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::build::{self, Architecture, Profile};
use crate::cache::Cache;
use crate::process::{output, run};
use crate::setup::cross;
use crate::workspace;

/// `cargo xtask dist`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// With the binary that guests run, which is built in a fraction of the time; to try packages, not to ship them.
    #[arg(long)]
    guest: bool,
    /// What processors it is for.
    #[arg(long, value_enum, default_value_t)]
    architecture: Architecture,
}

pub(crate) fn command(options: &Options) -> Result<()> {
    let profile = if options.guest { Profile::Guest } else { Profile::Release };
    let cache = Cache::open()?;
    let architecture = options.architecture;
    let (binary, speaker, strip);
    if architecture == Architecture::X86_64 {
        binary = build::binary(&cache, "expacti-agent", "expacti", profile)?;
        speaker = binary.clone();
        strip = Command::new("strip");
    } else {
        binary = build::for_other(&cache, architecture, profile)?;
        speaker = build::binary(&cache, "expacti-agent", "expacti", Profile::Guest)?;
        strip = cross::Tools::of(&cache)?.command("aarch64-linux-gnu-strip");
    }
    let version = env!("CARGO_PKG_VERSION");
    let folder = workspace::target().join("dist");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let name = format!("expacti-{version}-{}", architecture.name());
    let tree = folder.join(&name);
    lay_out(&tree, &binary, &speaker, strip)?;

    let tarball = folder.join(format!("{name}.tar.gz"));
    pack(&folder, Path::new(&name), &tarball)?;
    let files = [
        tarball,
        deb::write(&tree, &folder, version, architecture)?,
        image::write(&tree, &folder, version, architecture)?,
        sbom::write(&folder, version, architecture)?,
    ];
    let sums = checksums(&folder, &files)?;
    fs::remove_dir_all(&tree)?;
    for file in files.iter().chain([&sums]) {
        println!("{}", file.display());
    }
    Ok(())
}

/// The Debian package and the image, with this binary in them.
pub(crate) fn for_guests(binary: &Path, folder: &Path) -> Result<[PathBuf; 2]> {
    let tree = folder.join("tree");
    if tree.exists() {
        fs::remove_dir_all(&tree)?;
    }
    let (version, architecture) = (env!("CARGO_PKG_VERSION"), Architecture::X86_64);
    lay_out(&tree, binary, binary, Command::new("strip"))?;
    let image = image::write(&tree, folder, version, architecture)?;
    let package = deb::write(&tree, folder, version, architecture)?;
    fs::remove_dir_all(&tree)?;
    Ok([package, image])
}

/// Everything where a system has it. The speaker is the same binary, for this machine where that is for another: it tells its
/// manuals and its settings.
fn lay_out(tree: &Path, binary: &Path, speaker: &Path, mut strip: Command) -> Result<()> {
    let root = workspace::root();
    let installed = tree.join("usr/bin/expacti");
    put(binary, &installed, 0o755)?;
    // Nine tenths of it are for debuggers.
    run(strip.arg("--strip-unneeded").arg(&installed))?;
    put(
        &root.join("deploy/systemd/expacti.service"),
        &tree.join("usr/lib/systemd/system/expacti.service"),
        0o644,
    )?;
    write(
        &tree.join("etc/expacti/expacti.toml"),
        &output(Command::new(speaker).args(["config", "default"]))?,
    )?;
    run(Command::new(speaker).arg("man").arg(tree.join("usr/share/man/man1")))?;
    for (shell, place) in [
        ("bash", "usr/share/bash-completion/completions/expacti"),
        ("zsh", "usr/share/zsh/vendor-completions/_expacti"),
        ("fish", "usr/share/fish/vendor_completions.d/expacti.fish"),
    ] {
        write(&tree.join(place), &output(Command::new(speaker).args(["completions", shell]))?)?;
    }
    let docs = tree.join("usr/share/doc/expacti");
    for entry in fs::read_dir(root.join("docs"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            put(&path, &docs.join(path.file_name().unwrap_or_default()), 0o644)?;
        }
    }
    for kind in ["kubernetes", "monitoring"] {
        for entry in fs::read_dir(root.join("deploy").join(kind))? {
            let path = entry?.path();
            let name = path.file_name().context("a file has a name")?;
            put(&path, &tree.join("usr/share/expacti").join(kind).join(name), 0o644)?;
        }
    }
    for name in ["LICENSE-APACHE", "LICENSE-MIT"] {
        put(&root.join(name), &docs.join(name), 0o644)?;
    }
    write(
        &docs.join("copyright"),
        "expacti is licensed under MIT or Apache-2.0, at your choice: LICENSE-MIT, LICENSE-APACHE.\n",
    )
}

fn put(from: &Path, to: &Path, mode: u32) -> Result<()> {
    fs::create_dir_all(to.parent().unwrap_or(to))?;
    fs::copy(from, to).with_context(|| format!("cannot copy {}", from.display()))?;
    fs::set_permissions(to, fs::Permissions::from_mode(mode))?;
    Ok(())
}

fn write(to: &Path, text: &str) -> Result<()> {
    fs::create_dir_all(to.parent().unwrap_or(to))?;
    fs::write(to, text)?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o644))?;
    Ok(())
}

/// A script.
fn put_executable(to: &Path, text: &str) -> Result<()> {
    write(to, text)?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

/// A tarball of what lies in `folder` under `name`: of root's, and of no time, so that the same content is the same file.
fn pack(folder: &Path, name: &Path, to: &Path) -> Result<()> {
    run(tar(folder, name, to).arg("--use-compress-program=gzip -9n"))
}

/// The same, not compressed.
fn pack_plain(folder: &Path, name: &Path, to: &Path) -> Result<()> {
    run(&mut tar(folder, name, to))
}

fn tar(folder: &Path, name: &Path, to: &Path) -> Command {
    let mut tar = Command::new("tar");
    tar.args(["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "--mode=go-w"]);
    tar.args(["--create", "--file"]).arg(to).arg("--directory").arg(folder).arg(name);
    tar
}

/// `SHA256SUMS`, as `sha256sum --check` reads it.
fn checksums(folder: &Path, files: &[PathBuf]) -> Result<PathBuf> {
    let names: Vec<_> = files.iter().filter_map(|file| file.file_name()).collect();
    let sums = output(Command::new("sha256sum").args(names).current_dir(folder))?;
    let path = folder.join("SHA256SUMS");
    fs::write(&path, sums)?;
    Ok(path)
}

/// The SHA-256 of a file, in hexadecimal.
fn sha256(file: &Path) -> Result<String> {
    let said = output(Command::new("sha256sum").arg(file))?;
    Ok(said.split_whitespace().next().context("sha256sum says a sum")?.trim_start_matches('\\').to_owned())
}
