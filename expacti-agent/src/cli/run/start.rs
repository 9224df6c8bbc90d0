//! A daemon where none runs.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::mount;
use crate::api::SOCKET;
use crate::client::{Client, ClientError};
use crate::wire::Health;

/// How long a daemon may take to be ready. Loading the kernel programs is most of it.
const PATIENCE: Duration = Duration::from_mins(1);
/// Where a daemon that we start says what it does.
const OUTPUT: &str = "/var/log/expacti.log";
/// Its own cgroup, so that it does not end with the caller's session.
const CGROUP: &str = "expacti-daemon";

/// Starts one, unless one answers: by systemd where that knows ours, or else by itself.
pub(super) fn daemon_if_none(client: &Client, socket: &Path) -> anyhow::Result<()> {
    match client.get::<Health>("/v1/ready") {
        Ok(_) => return Ok(()),
        Err(ClientError::NoDaemon { .. }) => {}
        // It is there and starts; everything else is for the caller to see.
        Err(ClientError::Refused(_)) => return wait(client, &mut || Ok(())),
        Err(error) => return Err(error.into()),
    }
    if socket == Path::new(SOCKET) && systemd_has_ours() {
        tell("no daemon runs: starting expacti.service");
        let status = Command::new("systemctl").args(["start", "expacti.service"]).status()?;
        if !status.success() {
            bail!("systemctl start expacti.service failed; `systemctl status expacti` says why");
        }
        return wait(client, &mut || Ok(()));
    }
    let output = fs::OpenOptions::new().create(true).append(true).open(OUTPUT).context(OUTPUT)?;
    let folder = mount().join(CGROUP);
    match fs::create_dir(&folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(error).with_context(|| folder.display().to_string());
        }
        Ok(()) | Err(_) => {}
    }
    let members = fs::OpenOptions::new().write(true).open(folder.join("cgroup.procs"))?;
    let mut daemon = Command::new(std::env::current_exe()?);
    daemon.args(["daemon", "--socket"]).arg(socket).current_dir("/");
    daemon.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    let leave = move || {
        rustix::io::write(&members, b"0").map_err(io::Error::from)?;
        rustix::process::setsid()?;
        Ok(())
    };
    // SAFETY: after the fork it makes two system calls and allocates nothing.
    unsafe { daemon.pre_exec(leave) };
    let mut daemon = daemon.spawn().context("cannot start the daemon")?;
    tell(&format!("no daemon runs: started one (process {}); it says what it does in {OUTPUT}", daemon.id()));
    wait(client, &mut || match daemon.try_wait()? {
        Some(status) => bail!("the daemon ended ({status}); {OUTPUT} says why"),
        None => Ok(()),
    })
}

fn wait(client: &Client, lives: &mut dyn FnMut() -> anyhow::Result<()>) -> anyhow::Result<()> {
    let start = Instant::now();
    loop {
        match client.get::<Health>("/v1/ready") {
            Ok(_) => return Ok(()),
            Err(ClientError::NoDaemon { .. } | ClientError::Refused(_)) if start.elapsed() < PATIENCE => {}
            Err(error) => return Err(error.into()),
        }
        lives()?;
        thread::sleep(Duration::from_millis(20));
    }
}

/// Whether systemd runs here and has our unit.
fn systemd_has_ours() -> bool {
    let mut systemctl = Command::new("systemctl");
    systemctl
        .args(["cat", "expacti.service"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Path::new("/run/systemd/system").is_dir() && systemctl.status().is_ok_and(|status| status.success())
}

fn tell(line: &str) {
    // Nobody may be reading.
    let _unread = writeln!(io::stderr(), "expacti: {line}");
}
