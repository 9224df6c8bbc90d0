//! One run of a guest, from QEMU's start to its end.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek as _, Write, stdin};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tempfile::TempDir;

use super::console::{Console, quoted};
use super::{Clock, Guest, Task, initramfs, qemu, terminal};
use crate::cache::Cache;

/// From power on to the script's first line. Generous: several guests may share two cores.
const BOOT_LIMIT: Duration = Duration::from_mins(2);
/// A guest tells every five seconds that it lives.
const SILENCE_LIMIT: Duration = Duration::from_mins(1);
/// Where its clock counts instructions, its five seconds can be minutes of ours.
const SLOWER: u32 = 10;
/// How long the kernel may go on talking after its last words.
const LAST_WORDS_TIME: Duration = Duration::from_secs(2);
/// The key that ends a guest whose shell does not: Ctrl-].
const ESCAPE: u8 = 0x1d;

/// How a run came to its end.
pub(crate) enum Ended {
    /// The script or shell did, with this code.
    Exited(u8),
    /// The guest did not get there; this is why, with the console's tail.
    Failed(String),
}

/// Boots a guest, passes on what it prints, and returns when it is done. One whose kernel does not get as far as the script
/// is booted a second time: about one boot in 250 loses a processor's timer under emulation, and nothing of ours ran by then.
pub(crate) fn run(cache: &Cache, guest: &Guest, out: &mut dyn Write, err: &mut dyn Write) -> Result<Ended> {
    let (ended, came_up) = run_once(cache, guest, out, err)?;
    if let Ended::Failed(trouble) = &ended
        && !came_up
    {
        eprintln!("Linux {} did not come up, so it is booted a second time: {trouble}", guest.kernel);
        return Ok(run_once(cache, guest, out, err)?.0);
    }
    Ok(ended)
}

/// Tells besides whether it got as far as the script or shell.
fn run_once(cache: &Cache, guest: &Guest, out: &mut dyn Write, err: &mut dyn Write) -> Result<(Ended, bool)> {
    let mut session = Session::start(cache, guest)?;
    let raw = matches!(guest.task, Task::Shell(_)).then(|| {
        eprintln!("booting Linux {}; `exit` or Ctrl-] ends it", guest.kernel);
        terminal::Raw::enter()
    });
    let ended = session.watch(out, err);
    drop(raw);
    Ok((ended?, session.ready.is_some()))
}

struct Session {
    /// Gone as soon as QEMU has read what is in it.
    folder: Option<TempDir>,
    qemu: Child,
    pidfd: OwnedFd,
    qemu_log: File,
    lines: Vec<Line>,
    console: Console,
    /// What came on the control line and is not a whole line yet.
    said: Vec<u8>,
    limit: Option<Duration>,
    /// How much more time than usual it has.
    slower: u32,
    shell: bool,
    input: Input,
    size: Option<(u16, u16)>,
    started: Instant,
    ready: Option<Instant>,
    heard: Instant,
    trouble_since: Option<Instant>,
    code: Option<u8>,
    escaped: bool,
}

/// One line between the guest and us.
struct Line {
    name: &'static str,
    end: End,
}

enum End {
    Waiting(UnixListener),
    Open(UnixStream),
    Closed,
}

#[derive(PartialEq)]
enum Input {
    Ours,
    Ended,
}

impl Session {
    fn start(cache: &Cache, guest: &Guest) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("expacti-vm-").tempdir()?;
        let shell = matches!(guest.task, Task::Shell(_));
        let size = terminal::size().filter(|_| shell);
        initramfs::write(cache, guest, &settings(shell, size), &folder.path().join("initramfs"))?;

        let mut lines = Vec::new();
        for name in qemu::lines(&guest.task) {
            let listener = UnixListener::bind(folder.path().join(name))?;
            listener.set_nonblocking(true)?;
            lines.push(Line { name, end: End::Waiting(listener) });
        }
        let qemu = qemu::command(cache, guest, folder.path())?.spawn().context("cannot start QEMU")?;
        let pid = Pid::from_child(&qemu);
        let now = Instant::now();
        Ok(Self {
            pidfd: pidfd_open(pid, PidfdFlags::empty())?,
            qemu_log: File::open(folder.path().join("qemu.log"))?,
            folder: Some(folder),
            qemu,
            lines,
            console: Console::default(),
            said: Vec::new(),
            limit: match guest.task {
                Task::Shell(_) => None,
                Task::Script(_, limit) => Some(limit),
            },
            slower: match guest.clock {
                Clock::Wall => 1,
                Clock::Instructions => SLOWER,
            },
            shell,
            input: if shell { Input::Ours } else { Input::Ended },
            size,
            started: now,
            ready: None,
            heard: now,
            trouble_since: None,
            code: None,
            escaped: false,
        })
    }

    fn watch(&mut self, out: &mut dyn Write, err: &mut dyn Write) -> Result<Ended> {
        loop {
            let qemu_ended = self.wait_and_move(out, err)?;
            if let Some(code) = self.code {
                // Whatever the script printed is in the sockets before its code is.
                self.stop();
                self.drain(out, err)?;
                return Ok(Ended::Exited(code));
            }
            if self.escaped {
                return Ok(Ended::Exited(130));
            }
            if self.console.trouble().is_some() {
                self.trouble_since.get_or_insert_with(Instant::now);
            }
            if let Some(why) = self.why_to_give_up(qemu_ended) {
                self.stop();
                self.drain(out, err)?;
                return Ok(Ended::Failed(self.failure(&why)));
            }
        }
    }

    /// Waits for something to happen, at most for a moment, and moves what arrived. Tells whether QEMU is gone.
    fn wait_and_move(&mut self, out: &mut dyn Write, err: &mut dyn Write) -> Result<bool> {
        let input = stdin();
        let mut fds = vec![PollFd::new(&self.pidfd, PollFlags::IN)];
        let mut who = vec![None];
        for (index, line) in self.lines.iter().enumerate() {
            if let Some(fd) = line.fd() {
                fds.push(PollFd::from_borrowed_fd(fd, PollFlags::IN));
                who.push(Some(index));
            }
        }
        // Keys wait until there is a shell to read them.
        let keys = (self.input == Input::Ours && self.ready.is_some()).then_some(fds.len());
        if keys.is_some() {
            fds.push(PollFd::new(&input, PollFlags::IN));
        }
        let moment = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };
        match poll(&mut fds, Some(&moment)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).context("cannot wait for the guest"),
        }
        let happened: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        drop(fds);
        for (index, happened) in who.into_iter().zip(&happened) {
            if let (Some(index), true) = (index, happened) {
                self.serve(index, out, err)?;
            }
        }
        if keys.is_some_and(|index| happened[index]) {
            self.pass_keys()?;
        }
        self.pass_size();
        Ok(happened[0])
    }

    fn serve(&mut self, index: usize, out: &mut dyn Write, err: &mut dyn Write) -> Result<()> {
        let line = &mut self.lines[index];
        if let End::Waiting(listener) = &line.end {
            line.end = End::Open(listener.accept().context("QEMU did not connect")?.0);
            return Ok(());
        }
        let bytes = line.take()?;
        match line.name {
            "console" => self.console.feed(&bytes),
            "control" => self.hear(&bytes),
            "err" => err.write_all(&bytes).and_then(|()| err.flush())?,
            _ => out.write_all(&bytes).and_then(|()| out.flush())?,
        }
        Ok(())
    }

    /// What the guest says about itself, a word a line: `ready`, `beat`, `exit CODE`.
    fn hear(&mut self, bytes: &[u8]) {
        self.heard = Instant::now();
        self.said.extend_from_slice(bytes);
        while let Some(end) = self.said.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.said.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let mut words = line.split_whitespace();
            match (words.next(), words.next()) {
                (Some("ready"), _) => {
                    self.ready = Some(Instant::now());
                    self.folder = None;
                }
                (Some("exit"), Some(code)) => self.code = code.parse().ok(),
                _ => {}
            }
        }
    }

    fn why_to_give_up(&self, qemu_ended: bool) -> Option<String> {
        if let (Some(trouble), Some(since)) = (self.console.trouble(), self.trouble_since) {
            return (qemu_ended || since.elapsed() > LAST_WORDS_TIME).then(|| trouble.to_owned());
        }
        if qemu_ended {
            return Some("the guest's machine ended by itself".to_owned());
        }
        let (boot, silence) = (BOOT_LIMIT * self.slower, SILENCE_LIMIT * self.slower);
        match self.ready {
            None if self.started.elapsed() > boot => {
                Some(format!("the guest did not boot within {} s", boot.as_secs()))
            }
            Some(_) if self.heard.elapsed() > silence => {
                Some(format!("the guest stalls: no sign of life for {} s", silence.as_secs()))
            }
            Some(ready) => {
                let limit = self.limit.filter(|limit| ready.elapsed() > *limit)?;
                Some(format!("the script did not end within its limit of {} s", limit.as_secs()))
            }
            None => None,
        }
    }

    fn failure(&mut self, why: &str) -> String {
        let mut text = why.to_owned();
        let tail = self.console.tail();
        if !tail.is_empty() {
            text = format!("{text}\nthe end of its console:\n{tail}");
        }
        let mut complaints = String::new();
        if self.qemu_log.rewind().and_then(|()| self.qemu_log.read_to_string(&mut complaints)).is_ok() {
            text.push_str(&quoted("  QEMU: ", complaints.lines()));
        }
        text
    }

    fn pass_keys(&mut self) -> Result<()> {
        let mut keys = [0; 4096];
        let count = stdin().read(&mut keys)?;
        if count == 0 {
            self.input = Input::Ended;
            // The end of a file, as a terminal says it.
            return self.send("terminal", &[0x04]);
        }
        match keys[..count].iter().position(|key| *key == ESCAPE) {
            Some(_) => self.escaped = true,
            None => self.send("terminal", &keys[..count])?,
        }
        Ok(())
    }

    fn pass_size(&mut self) {
        if self.shell && self.ready.is_some() {
            let size = terminal::size();
            if let (Some((rows, columns)), true) = (size, size != self.size) {
                self.size = size;
                // A guest that is about to end does not listen any more.
                let _ = self.send("control", format!("size {rows} {columns}\n").as_bytes());
            }
        }
    }

    fn send(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        let line = self.lines.iter_mut().find(|line| line.name == name);
        if let Some(Line { end: End::Open(stream), .. }) = line {
            stream.write_all(bytes)?;
        }
        Ok(())
    }

    fn stop(&mut self) {
        // It may just have ended by itself.
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }

    /// Reads what is left in the lines of a machine that is gone.
    fn drain(&mut self, out: &mut dyn Write, err: &mut dyn Write) -> Result<()> {
        for index in 0..self.lines.len() {
            while matches!(self.lines[index].end, End::Open(_)) {
                self.serve(index, out, err)?;
            }
        }
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Line {
    fn fd(&self) -> Option<BorrowedFd<'_>> {
        match &self.end {
            End::Waiting(listener) => Some(listener.as_fd()),
            End::Open(stream) => Some(stream.as_fd()),
            End::Closed => None,
        }
    }

    /// What is there to read; nothing more once the other end is closed.
    fn take(&mut self) -> Result<Vec<u8>> {
        let End::Open(stream) = &mut self.end else { return Ok(Vec::new()) };
        let mut bytes = vec![0; 64 * 1024];
        match stream.read(&mut bytes) {
            Ok(0) => self.end = End::Closed,
            Ok(count) => {
                bytes.truncate(count);
                return Ok(bytes);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => self.end = End::Closed,
            Err(error) => return Err(error).context("cannot read from QEMU"),
        }
        Ok(Vec::new())
    }
}

/// What the guest's scripts are told, as shell assignments.
fn settings(shell: bool, size: Option<(u16, u16)>) -> String {
    let mode = if shell { "shell" } else { "script" };
    // The names of terminals are plain words; anything else would be run by the guest's shell.
    let terminal = std::env::var("TERM")
        .ok()
        .filter(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || "-+.".contains(c)));
    let terminal = terminal.unwrap_or_else(|| "linux".to_owned());
    let (rows, columns) =
        size.map_or_else(Default::default, |(rows, columns)| (rows.to_string(), columns.to_string()));
    format!("MODE={mode}\nTERM_HERE={terminal}\nROWS={rows}\nCOLUMNS_HERE={columns}\n")
}
