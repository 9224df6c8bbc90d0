//! A daemon to talk to.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

/// The binary under test.
pub(crate) const EXPACTI: &str = env!("CARGO_BIN_EXE_expacti");

/// A simulated daemon that ends with its test.
pub(crate) struct Daemon {
    child: Child,
    dir: tempfile::TempDir,
}

impl Daemon {
    pub(crate) fn start(options: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(EXPACTI)
            .args(["simulate", "--socket"])
            .arg(dir.path().join("api.sock"))
            .arg("--reviewers")
            .arg(dir.path().join("reviewers.toml"))
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // It says so when it serves.
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("a simulation serves"), "{line}");
        Self { child, dir }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.dir.path().join("api.sock")
    }

    pub(crate) fn run(&self, token: Option<&str>, args: &[&str]) -> Output {
        let mut command = Command::new(EXPACTI);
        command.args(args).env("EXPACTI_SOCKET", self.socket()).env_remove("EXPACTI_TOKEN");
        if let Some(token) = token {
            command.env("EXPACTI_TOKEN", token);
        }
        command.output().unwrap()
    }

    pub(crate) fn token(&self, name: &str, role: &str) -> String {
        let added = self.run(None, &["reviewer", "add", name, "--role", role]);
        assert!(added.status.success(), "{added:?}");
        String::from_utf8(added.stdout).unwrap().trim().to_owned()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Only root is a reviewer without a token, so these tests need to be root or skip what root does.
pub(crate) fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout == b"0\n"
}
