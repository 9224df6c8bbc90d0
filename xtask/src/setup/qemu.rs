//! QEMU. Debian 12's own 7.2 miscompiles cmpxchg16b and panics guests, so older than 8 is not used.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use super::Part;
use super::debian::debian_release;
use super::packages::{Unpacked, unpack_with_dependencies};
use crate::cache::Cache;
use crate::process::{find_program, output};

const OLDEST: u32 = 8;
const PROGRAM: &str = "qemu-system-x86_64";

/// The part to bring, unless the machine has a QEMU that works.
pub(crate) fn part() -> Result<Option<Part>> {
    if own().is_some() {
        return Ok(None);
    }
    if debian_release().is_none() {
        bail!(
            "{PROGRAM} {OLDEST} or later is missing: install QEMU for x86-64 with your system's package manager"
        );
    }
    Ok(Some(Part {
        name: "qemu",
        brings: "the machine that guests run on, Debian's qemu-system-x86 from backports (15 MB)",
        recipe: "1".into(),
        make: |workshop, folder| unpack_with_dependencies(workshop, "qemu-system-x86", folder),
    }))
}

/// A command that starts it, without arguments for a guest yet.
pub(crate) fn command(cache: &Cache) -> Result<Command> {
    let Some(part) = part()? else {
        return Ok(ending_with_us(&Command::new(own().unwrap_or_else(|| PROGRAM.into()))));
    };
    let unpacked = Unpacked { root: part.get(cache)? };
    let mut command = ending_with_us(&unpacked.command(&format!("usr/bin/{PROGRAM}")));
    // Firmware and, since Debian builds it modular, the accelerator itself lie beside it.
    for place in ["usr/share/qemu", "usr/share/seabios", "usr/lib/ipxe/qemu"] {
        command.arg("-L").arg(unpacked.root.join(place));
    }
    command.env("QEMU_MODULE_DIR", unpacked.root.join("usr/lib/x86_64-linux-gnu/qemu"));
    Ok(command)
}

/// The machine's own, if it is new enough.
fn own() -> Option<PathBuf> {
    let program = find_program(PROGRAM)?;
    let text = output(Command::new(&program).arg("--version")).ok()?;
    let version = text.strip_prefix("QEMU emulator version ")?.split('.').next()?.parse::<u32>().ok()?;
    (version >= OLDEST).then_some(program)
}

/// The same command, which is killed when we are, where util-linux can arrange that.
fn ending_with_us(command: &Command) -> Command {
    let program = command.get_program();
    let mut with = match find_program("setpriv") {
        Some(setpriv) => {
            let mut with = Command::new(setpriv);
            with.args(["--pdeathsig", "KILL", "--"]).arg(program);
            with
        }
        None => Command::new(program),
    };
    with.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    with
}
