//! How full the ring became.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context as _, bail};
use expacti_bench::PROGRAMS;

/// A program that looks at the ring from outside, which costs the gate nothing.
pub(super) struct RingLevel {
    program: Child,
    said: BufReader<ChildStdout>,
}

impl RingLevel {
    pub(super) fn watch() -> anyhow::Result<Self> {
        let layouts = fs::read_dir("/sys/fs/bpf/expacti").context("the gate is not in the kernel")?;
        let ring =
            layouts.filter_map(|layout| Some(layout.ok()?.path().join("EVENTS"))).find(|ring| ring.exists());
        let mut program = Command::new(format!("{PROGRAMS}/ringlevel"))
            .arg(ring.context("the gate's ring is not pinned")?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("ringlevel does not start")?;
        let mut said = BufReader::new(program.stdout.take().context("a pipe that was asked for")?);
        let mut line = String::new();
        said.read_line(&mut line)?;
        if line.trim() != "ready" {
            bail!("ringlevel cannot look at the ring: {}", program.wait()?);
        }
        Ok(Self { program, said })
    }

    /// The most bytes that waited since.
    pub(super) fn most(mut self) -> anyhow::Result<u64> {
        drop(self.program.stdin.take());
        let mut most = String::new();
        self.said.read_to_string(&mut most)?;
        let ended = self.program.wait()?;
        if !ended.success() {
            bail!("ringlevel: {ended}");
        }
        most.trim().parse().with_context(|| format!("ringlevel said {most:?}"))
    }
}
