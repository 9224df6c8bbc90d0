//! A PostgreSQL of our own, as long as the tests run.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::cache::Cache;
use crate::process::{find_program, output};
use crate::setup::postgres::{self, Server, programs_below};

/// The server refuses to run as root; then it runs as nobody, who exists everywhere.
const NOBODY: u32 = 65534;

const START_LIMIT: Duration = Duration::from_mins(1);

/// A running server, stopped and removed when dropped.
pub(crate) struct Cluster {
    /// Where tests reach it.
    pub(crate) url: String,
    folder: TempDir,
    programs: PathBuf,
    libraries: PathBuf,
    server: Option<Child>,
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
        let mut cluster = Self {
            url: format!("postgres://expacti@127.0.0.1:{port}/postgres"),
            folder,
            programs,
            libraries,
            server: None,
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
        let log = File::create(cluster.folder.path().join("log"))?;
        let mut server = cluster.command("postgres");
        server.arg("-D").arg(&data).arg("-k").arg(&work).args([
            "-h",
            "127.0.0.1",
            "-p",
            &port.to_string(),
            "-F",
        ]);
        cluster.server = Some(server.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?);
        cluster.wait_until_ready(port)?;
        Ok(cluster)
    }

    fn wait_until_ready(&mut self, port: u16) -> Result<()> {
        let deadline = Instant::now() + START_LIMIT;
        let mut ask = self.command("pg_isready");
        ask.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]);
        while !ask.status()?.success() {
            let ended = self.server.as_mut().is_some_and(|server| matches!(server.try_wait(), Ok(Some(_))));
            if ended || Instant::now() > deadline {
                let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
                bail!("PostgreSQL does not start:\n{log}");
            }
            thread::park_timeout(Duration::from_millis(50));
        }
        Ok(())
    }

    fn command(&self, program: &str) -> Command {
        let path = self.programs.join(program);
        let mut command = match find_program("setpriv") {
            Some(setpriv) => {
                let mut command = Command::new(setpriv);
                // It ends when we do, however we do.
                command.args(["--pdeathsig", "INT"]);
                if rustix::process::geteuid().is_root() {
                    let [user, group] = ["--reuid", "--regid"].map(|option| format!("{option}={NOBODY}"));
                    command.args([&user, &group, "--clear-groups"]);
                }
                command.arg("--").arg(path);
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
        if let Some(mut server) = self.server.take()
            && output(&mut stop).and_then(|_| Ok(server.wait()?)).is_err()
        {
            // Its processes notice that their parent is gone.
            let _ = server.kill();
        }
    }
}
