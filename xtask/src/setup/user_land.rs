//! The guest's user land: Debian 13 on a disk image, with what agents and tests use.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::debian::View;
use super::packages::{Unpacked, mke2fs, unpack_with_dependencies};
use super::{Part, Workshop};
use crate::cache::Cache;
use crate::process::{find_program, output, run_logged};

const SUITE: &str = "trixie";

/// What is in it; the suite `guest` checks that each of them works.
const PACKAGES: &[&str] = &[
    // Shells and the tools under every script.
    "bash",
    "zsh",
    "dash",
    "busybox-static",
    "coreutils",
    "util-linux",
    "bsdutils",
    "procps",
    "psmisc",
    "diffutils",
    "patch",
    "file",
    "less",
    "xxd",
    "vim-tiny",
    "acl",
    "attr",
    "libcap2-bin",
    "tmux",
    "sudo",
    "uidmap",
    // What agents build and run things with.
    "git",
    "make",
    "gcc",
    "gcc-multilib",
    "libc6-dev",
    "binutils",
    "python3",
    "perl",
    "nodejs",
    "gdb",
    "strace",
    // What they reach out with.
    "curl",
    "wget",
    "jq",
    "sqlite3",
    "postgresql-client",
    "openssh-client",
    "socat",
    "netcat-openbsd",
    "ca-certificates",
    // Containers, services, kernel.
    "podman",
    "crun",
    "netavark",
    "systemd",
    "systemd-sysv",
    "dbus",
    "iproute2",
    "iputils-ping",
    "nftables",
    "kmod",
    "fuse3",
    "bpftool",
];

/// The disk image.
pub(crate) fn image(cache: &Cache) -> Result<PathBuf> {
    Ok(part().get(cache)?.join("root.ext4"))
}

/// What is installed in it, as a file of dpkg's.
pub(crate) fn status(workshop: &Workshop, folder: &Path) -> Result<PathBuf> {
    let status = folder.join("status");
    let debugfs = find_program("debugfs").context("debugfs is missing: install the package e2fsprogs")?;
    let dump = format!("dump /var/lib/dpkg/status {}", status.display());
    output(Command::new(debugfs).args(["-R", &dump]).arg(image(&workshop.cache)?))?;
    Ok(status)
}

pub(crate) fn part() -> Part {
    Part {
        name: "user-land",
        brings: "the guest's Debian 13 on a disk image (200 MB to download, 1.3 GB on disk, 2 to 5 minutes)",
        recipe: format!("{SUITE} {PACKAGES:?} {FINISH}"),
        make,
    }
}

/// Runs as root of the new system's owner, with its folder as the only argument.
///
/// A plain bind mount leaves out what is mounted below: /proc and /sys are there while packages are configured.
const FINISH: &str = r#"set -e
echo expacti > "$1/etc/hostname"
printf '127.0.0.1 localhost expacti\n::1 localhost\n' > "$1/etc/hosts"
rm -f "$1/etc/resolv.conf"; echo nameserver 10.0.2.3 > "$1/etc/resolv.conf"
: > "$1/etc/fstab"
chroot "$1" useradd --create-home --shell /bin/bash agent
chroot "$1" passwd -q -d root
bare=$(mktemp -d)
unshare --mount sh -ec 'mount --bind "$1" "$2"; exec "$3" -q -F -t ext4 -O ^has_journal -m 0 -L root -d "$2" "$4"' sh \
    "$1" "$bare" "$MKE2FS" "$DISK"
rmdir "$bare"
"#;

fn make(workshop: &Workshop, folder: &Path) -> Result<()> {
    if !rustix::process::geteuid().is_root() && find_program("newuidmap").is_none() {
        bail!(
            "newuidmap is missing: without root rights a system is made in a user namespace, which takes the package uidmap"
        );
    }
    // Lists of the archive are checked before the long work begins.
    View::of_guest(&workshop.cache)?;
    let disk = folder.join("root.ext4");
    File::create(&disk)?.set_len(6 << 30)?;
    // Without root rights the new system's owner is another user here.
    fs::set_permissions(&disk, fs::Permissions::from_mode(0o666))?;
    let finish = folder.join("finish.sh");
    fs::write(&finish, FINISH)?;

    let mut command = mmdebstrap(workshop)?;
    command
        .env("MKE2FS", mke2fs()?)
        .env("DISK", &disk)
        .args(["--variant=minbase", "--components=main", "--format=null"])
        .args(["--aptopt=APT::Install-Recommends \"false\"", "--aptopt=Acquire::Languages \"none\""])
        .args(
            ["man", "locale", "doc", "info"]
                .map(|part| format!("--dpkgopt=path-exclude=/usr/share/{part}/*")),
        )
        .arg(format!("--include={}", PACKAGES.join(",")))
        .arg(format!("--customize-hook=sh {} \"$1\"", finish.display()))
        .args([SUITE, "/dev/null", &View::source_line(SUITE)?]);
    run_logged(&mut command, &workshop.log)?;
    fs::remove_file(finish)?;
    if fs::metadata(&disk)?.len() == 0 {
        bail!("mmdebstrap left no disk image");
    }
    Ok(())
}

/// mmdebstrap makes a Debian system in a folder, without root rights where user namespaces are allowed.
fn mmdebstrap(workshop: &Workshop) -> Result<Command> {
    if let Some(program) = find_program("mmdebstrap") {
        return Ok(Command::new(program));
    }
    let part = Part {
        name: "mmdebstrap",
        brings: "the maker of the guest's user land, Debian's package mmdebstrap",
        recipe: "1".into(),
        make: |workshop, folder| unpack_with_dependencies(workshop, "mmdebstrap", folder),
    };
    let root = part
        .get(&workshop.cache)
        .context("mmdebstrap is missing: install it with your system's package manager")?;
    Ok(Unpacked { root }.command("usr/bin/mmdebstrap"))
}
