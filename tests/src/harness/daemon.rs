//! A running daemon.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Instant;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::cgroup::Cgroup;
use super::wait::{DEADLINE, until};

/// `expacti daemon`, killed when dropped.
pub struct Daemon {
    process: Child,
    folder: TempDir,
    lines: Receiver<String>,
    /// Every line it has printed, on either stream, in the order it came.
    seen: Vec<String>,
}

impl Daemon {
    /// Starts it with these options and a folder of its own.
    #[track_caller]
    pub fn start(options: &[&str]) -> Self {
        let folder = Self::new_folder();
        Self::start_in(folder, options)
    }

    /// Starts it with a cgroup enrolled as the agent `test`, and waits until it is ready.
    #[track_caller]
    pub fn gating(agent: &Cgroup, options: &[&str]) -> Self {
        let folder = Self::new_folder();
        Self::gating_in(folder, agent, options)
    }

    /// The same with rules.
    #[track_caller]
    pub fn ruled(agent: &Cgroup, rules: &str, options: &[&str]) -> Self {
        let folder = Self::folder_with(rules);
        let file = folder.path().join("rules.toml");
        Self::gating_in(folder, agent, &[&["--rules", file.to_str().unwrap()], options].concat())
    }

    /// A folder for a daemon, with rules in its `rules.toml`.
    pub fn folder_with(rules: &str) -> TempDir {
        let folder = Self::new_folder();
        std::fs::write(folder.path().join("rules.toml"), rules).unwrap();
        folder
    }

    fn new_folder() -> TempDir {
        tempfile::Builder::new().prefix("expacti-").tempdir_in("/var/tmp").unwrap()
    }

    /// The same on what an earlier one left.
    #[track_caller]
    pub fn gating_in(folder: TempDir, agent: &Cgroup, options: &[&str]) -> Self {
        let enrolled = format!("--agent=test={}", agent.path().display());
        // An answer that never comes ends a test soon; the last of two options counts.
        let mut daemon = Self::start_in(folder, &[&[enrolled.as_str(), "--review=25"], options].concat());
        daemon.says("ready");
        daemon
    }

    /// Starts it with a configuration of its own, and waits until it is ready.
    #[track_caller]
    pub fn configured(configuration: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("expacti-").tempdir_in("/var/tmp").unwrap();
        std::fs::write(folder.path().join("expacti.toml"), configuration).unwrap();
        Self::configured_in(folder)
    }

    /// The same on what an earlier one left, its configuration too. What waits for a human waits as long as that says.
    #[track_caller]
    pub fn configured_in(folder: TempDir) -> Self {
        let file = folder.path().join("expacti.toml");
        let says_how_long = std::fs::read_to_string(&file).unwrap().contains("timeout = ");
        let file = file.display().to_string();
        let patience: &[&str] = if says_how_long { &[] } else { &["--review=25"] };
        let mut daemon = Self::start_in(folder, &[&["--config", &file], patience].concat());
        daemon.says("ready");
        daemon
    }

    /// Starts it on what an earlier one left.
    #[track_caller]
    pub fn start_in(folder: TempDir, options: &[&str]) -> Self {
        let mut process = Command::new("expacti")
            .arg("daemon")
            .arg("--home")
            .arg(folder.path())
            .args(options)
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

    /// Nanoseconds of a processor that it has had, by the names of its threads.
    #[track_caller]
    pub fn used_by_threads(&self) -> BTreeMap<String, u64> {
        let mut sums = BTreeMap::new();
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.pid())).unwrap().flatten() {
            let read = |name| std::fs::read_to_string(thread.path().join(name));
            // One may end meanwhile.
            let (Ok(name), Ok(schedule)) = (read("comm"), read("schedstat")) else { continue };
            let nanoseconds: u64 = schedule.split(' ').next().unwrap().parse().unwrap();
            *sums.entry(name.trim().to_owned()).or_default() += nanoseconds;
        }
        sums
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

    /// What a subcommand answers, asked about this daemon.
    #[track_caller]
    pub fn ask(&self, arguments: &[&str]) -> String {
        let output = Command::new("expacti")
            .args(arguments)
            .env("EXPACTI_HOME", self.folder())
            .env("EXPACTI_LOG", self.file("log.db"))
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "expacti {arguments:?}: {}\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Waits for its end.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        until("the end of the daemon", || self.process.try_wait().unwrap())
    }

    /// What `expacti` answers to arguments that it may refuse.
    pub fn call(&self, arguments: &[&str]) -> Output {
        Command::new("expacti")
            .args(arguments)
            .env("EXPACTI_HOME", self.folder())
            .env("EXPACTI_LOG", self.file("log.db"))
            .output()
            .unwrap()
    }

    /// Every attempt in the log, newest first.
    #[track_caller]
    pub fn records(&self) -> Vec<Value> {
        let mut records = objects(&self.ask(&["log", "--json", "--limit", "10000"]));
        // A page that is not the last one says so in its last line.
        while let Some(next) = records.last().and_then(|last| last["next"].as_i64()) {
            records.pop();
            records.extend(objects(&self.ask(&[
                "log",
                "--json",
                "--limit",
                "10000",
                "--after",
                &next.to_string(),
            ])));
        }
        records
    }

    /// Waits for the record of an exec with this argv in this state: pending, allowed, denied or withdrawn.
    #[track_caller]
    pub fn record(&self, argv: &[&str], state: &str) -> Value {
        until(&format!("a record of {argv:?}, {state}"), || {
            let fits =
                |record: &Value| record["request"]["argv"] == json!(argv) && record["state"] == json!(state);
            self.records().into_iter().find(fits)
        })
    }

    /// How many attempts it has heard of. Their records may come later, and not in a row.
    #[track_caller]
    pub fn attempts(&self) -> usize {
        self.counted("expacti_attempts_total{")
    }

    /// How many alarms it has raised.
    #[track_caller]
    pub fn alarms(&self) -> usize {
        self.counted("expacti_alarms_total ")
    }

    #[track_caller]
    fn counted(&self, start: &str) -> usize {
        let metrics = self.ask(&["metrics"]);
        let value = |line: &str| line.rsplit(' ').next()?.parse::<usize>().ok();
        metrics.lines().filter(|line| line.starts_with(start)).filter_map(value).sum()
    }

    /// Every card that waits for humans.
    #[track_caller]
    pub fn pending(&self) -> Vec<Value> {
        objects(&self.ask(&["pending", "--json"]))
    }

    /// Waits for a card of a command; gives its number.
    #[track_caller]
    pub fn card(&self, command: &str) -> String {
        let card = until(&format!("a card of {command:?}"), || {
            self.pending().into_iter().find(|card| card["command"] == json!(command))
        });
        card["id"].to_string()
    }

    /// Kills it as a crash would, and keeps its folder for the next one.
    pub fn kill(mut self) -> TempDir {
        self.stop();
        let elsewhere = Self::new_folder();
        std::mem::replace(&mut self.folder, elsewhere)
    }

    fn stop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if thread::panicking() {
            let log = self.call(&["log", "--limit", "20"]);
            eprintln!("{}", self.console());
            eprintln!("--- its log:\n{}---", String::from_utf8_lossy(&log.stdout));
            eprintln!("--- its folder:\n{}---", listing(self.folder()));
            eprintln!("--- its threads:\n{}---", threads(self.pid()));
            eprintln!("--- processes:\n{}---", processes());
        }
        self.stop();
    }
}

/// Takes the gate out of the kernel, if there is one. Its ring can be made anew then, and numbers begin anew: earlier tests
/// have logs of their own, and in a new one those would be missing.
#[track_caller]
pub fn unload() {
    let output = Command::new("expacti").args(["daemon", "--unload"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// A rule about one command.
pub fn rule(decision: &str, argv: &[&str]) -> String {
    let letters =
        argv.concat().chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    // A list of strings is the same in JSON and TOML.
    let argv = json!(argv);
    format!(
        "[[rule]]\nname = \"{decision}-{letters}\"\ndecision = \"{decision}\"\nbecause = \"the test says so\"\nargv = {argv}\n"
    )
}

/// Names and sizes: what waits in the spool shows here.
fn listing(folder: &Path) -> String {
    let output = Command::new("ls").args(["-lR"]).arg(folder).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Where in the kernel each thread is.
fn threads(pid: u32) -> String {
    let Ok(folder) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return String::new() };
    let read = |thread: &Path, name| std::fs::read_to_string(thread.join(name)).unwrap_or_default();
    let one = |thread: PathBuf| format!("{}{}", read(&thread, "comm"), read(&thread, "stack"));
    folder.flatten().map(|entry| one(entry.path())).collect()
}

/// What runs, in which state and cgroup. Kernel threads are left out.
fn processes() -> String {
    let columns = "pid,ppid,stat,wchan:24,etimes,cgroup:48,args";
    let output = Command::new("ps").args(["--ppid", "2", "-p", "2", "-N", "-o", columns]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn objects(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
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
