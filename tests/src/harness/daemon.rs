//! A running daemon.

use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Instant;

use tempfile::TempDir;

use super::wait::DEADLINE;

/// `expacti daemon` with a configuration, killed when dropped.
pub struct Daemon {
    process: Child,
    folder: TempDir,
    lines: Receiver<String>,
    /// Every line it has printed, on either stream, in the order it came.
    seen: Vec<String>,
}

impl Daemon {
    /// Starts it. In `config`, `{folder}` stands for a folder that is this daemon's own.
    #[track_caller]
    pub fn start(config: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("expacti-").tempdir_in("/var/tmp").unwrap();
        Self::start_in(folder, config)
    }

    /// Starts it on what an earlier one left.
    #[track_caller]
    pub fn start_in(folder: TempDir, config: &str) -> Self {
        let path = folder.path().join("expacti.toml");
        let text = config.replace("{folder}", &folder.path().display().to_string());
        std::fs::write(&path, text).unwrap();
        let mut process = Command::new("expacti")
            .arg("daemon")
            .arg("--config")
            .arg(&path)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("expacti is in the guest's PATH");
        let (sender, lines) = channel();
        pass_lines(process.stdout.take().expect("piped"), sender.clone());
        pass_lines(process.stderr.take().expect("piped"), sender);
        Self { process, folder, lines, seen: Vec::new() }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Its own folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file in its own folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The first line, from the last one asked for on, in which `find` finds something.
    #[track_caller]
    pub fn line<T>(&mut self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        let deadline = Instant::now() + DEADLINE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    let found = find(&line);
                    self.seen.push(line);
                    if let Some(found) = found {
                        return found;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    panic!(
                        "within {} s the daemon did not say: {what}\n{}",
                        DEADLINE.as_secs(),
                        self.console()
                    )
                }
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("the daemon ended before it said: {what}\n{}", self.console())
                }
            }
        }
    }

    /// Waits until a line contains `words`.
    #[track_caller]
    pub fn says(&mut self, words: &str) -> String {
        self.line(words, |line| line.contains(words).then(|| line.to_owned()))
    }

    /// Everything it has said so far.
    pub fn console(&mut self) -> String {
        self.seen.extend(self.lines.try_iter());
        format!("--- the daemon said:\n{}\n---", self.seen.join("\n"))
    }

    /// Kills it as a crash would, and keeps its folder for the next one.
    pub fn kill(mut self) -> TempDir {
        self.stop();
        let elsewhere = tempfile::Builder::new().prefix("expacti-").tempdir_in("/var/tmp").unwrap();
        std::mem::replace(&mut self.folder, elsewhere)
    }

    fn stop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.stop();
        if thread::panicking() {
            eprintln!("{}", self.console());
        }
    }
}

fn pass_lines(stream: impl Read + Send + 'static, sender: Sender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(stream).lines() {
            let Ok(line) = line else { break };
            if sender.send(line).is_err() {
                break;
            }
        }
    });
}
