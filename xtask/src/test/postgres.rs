//! A PostgreSQL of our own, as long as the tests run.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::cache::Cache;
use crate::process::{find_program, output};
use crate::setup::postgres::{self, Server, programs_below};

/// The server refuses to run as root; then it runs as nobody, who exists everywhere.
const NOBODY: u32 = 65534;

/// A running server, stopped and removed when dropped.
pub(crate) struct Cluster {
    /// Where tests reach it.
    pub(crate) url: String,
    folder: TempDir,
    programs: PathBuf,
    libraries: PathBuf,
}

impl Cluster {
    pub(crate) fn start(cache: &Cache) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("expacti-postgres-").tempdir()?;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        let (programs, libraries) = match postgres::server(cache)? {
            Server::Own(programs) => (programs, PathBuf::new()),
            Server::Unpacked(root) => {
                // The cache may lie in a home folder that nobody cannot look into.
                let copy = folder.path().join("system");
                output(Command::new("cp").arg("--archive").arg(&root).arg(&copy))?;
                let programs = programs_below(&copy).context("the package postgresql has no server")?;
                (programs, copy.join("usr/lib/x86_64-linux-gnu"))
            }
        };
        let work = folder.path().join("work");
        fs::create_dir(&work)?;
        if rustix::process::geteuid().is_root() {
            chown(&work, Some(NOBODY), Some(NOBODY))?;
        }
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let cluster = Self {
            url: format!("postgres://expacti@127.0.0.1:{port}/postgres"),
            folder,
            programs,
            libraries,
        };
        let data = work.join("data");
        let mut initdb = cluster.command("initdb");
        initdb.args([
            "--username=expacti",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "-D",
        ]);
        output(initdb.arg(&data))?;
        let options = format!(
            "-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={} -c fsync=off",
            work.display()
        );
        let mut start = cluster.command("pg_ctl");
        start
            .arg("-D")
            .arg(&data)
            .args(["-w", "-t", "60", "-l"])
            .arg(work.join("log"))
            .args(["-o", &options, "start"]);
        // Not a pipe: the server inherits it and would keep it open.
        let status = start.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        if !status.success() {
            let log = fs::read_to_string(work.join("log")).unwrap_or_default();
            anyhow::bail!("PostgreSQL does not start:\n{log}");
        }
        Ok(cluster)
    }

    fn command(&self, program: &str) -> Command {
        let path = self.programs.join(program);
        let mut command = match find_program("setpriv").filter(|_| rustix::process::geteuid().is_root()) {
            Some(setpriv) => {
                let mut command = Command::new(setpriv);
                let [user, group] = ["--reuid", "--regid"].map(|option| format!("{option}={NOBODY}"));
                command.args([&user, &group, "--clear-groups", "--"]).arg(path);
                command
            }
            None => Command::new(path),
        };
        if self.libraries.is_absolute() {
            command.env("LD_LIBRARY_PATH", &self.libraries);
        }
        command.current_dir(self.work());
        command
    }

    fn work(&self) -> PathBuf {
        Path::join(self.folder.path(), "work")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut stop = self.command("pg_ctl");
        stop.arg("-D").arg(self.work().join("data")).args(["-m", "immediate", "stop"]);
        if let Err(error) = output(&mut stop) {
            eprintln!("PostgreSQL may still run: {error:#}");
        }
    }
}
