//! A program that runs beside what is measured.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};

/// How long one may take to start, or to end.
const PATIENCE: Duration = Duration::from_secs(90);

/// Ended when dropped.
pub(super) struct Service {
    process: Child,
    log: PathBuf,
}

impl Service {
    /// Starts it, and waits until it says `ready` on either stream.
    pub(super) fn start(command: &[&str], ready: &str) -> anyhow::Result<Self> {
        let (program, arguments) = command.split_first().context("no command")?;
        let log = PathBuf::from("/tmp/service.log");
        let out = File::create(&log)?;
        let process = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .spawn()
            .with_context(|| format!("{program} does not start"))?;
        let mut service = Self { process, log };
        let deadline = Instant::now() + PATIENCE;
        while !service.said().contains(ready) {
            if let Some(status) = service.process.try_wait()? {
                bail!("{program} ended at once, {status}: {}", service.said());
            }
            if Instant::now() > deadline {
                bail!("{program} did not say {ready:?}: {}", service.said());
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        Ok(service)
    }

    fn said(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        // It may have printed every exec.
        String::from_utf8_lossy(&bytes[..bytes.len().min(4_000)]).into_owned()
    }

    fn end(&mut self) {
        if let Some(pid) = Pid::from_raw(self.process.id().cast_signed()) {
            // It may be gone.
            let _ = kill_process(pid, Signal::TERM);
        }
        let deadline = Instant::now() + Duration::from_secs(20);
        while matches!(self.process.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                let _ = self.process.kill();
            }
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.end();
    }
}
