//! What agents ran before, in a few numbers each: for what is unusual about the next exec.
//!
//! Only what really ran makes a program known, so that nobody gets used to what is refused. Memory is bounded: an
//! agent that runs very many programs forgets those that it ran least, and that can only make it wait more often.

use std::collections::HashMap;
use std::fs;
use std::hash::Hasher as _;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use expacti_core::evaluation::Level;
use expacti_core::history::History;
use expacti_core::request::Executable;
use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher24;

const AGENTS: usize = 1_024;
const PROGRAMS: usize = 1_024;
const SECONDS: usize = 60;

/// Stands for an executable's path, by a keyed hash: nobody can make two that are taken for each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Program(u64);

/// The past of all agents. Cheap to clone; all clones see the same.
#[derive(Clone, Debug)]
pub(super) struct Past {
    key: [u8; 16],
    agents: Arc<Mutex<HashMap<String, Agent>>>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Agent {
    execs: u64,
    programs: HashMap<u64, u64>,
    hours: [u64; 24],
    /// Risky attempts in each of the last seconds. Not kept: a minute is over when the daemon is back.
    #[serde(skip)]
    risky: Minute,
}

#[derive(Debug)]
struct Minute {
    counts: [u32; SECONDS],
    newest: u64,
}

impl Past {
    /// The past as it was kept, or none. A file that cannot be read makes everybody a newcomer, about whom nothing is
    /// unusual: the error is given back to be told.
    pub(super) fn open(path: &Path, key: [u8; 16]) -> (Self, Option<io::Error>) {
        let read = fs::read(path).and_then(|bytes| serde_json::from_slice(&bytes).map_err(io::Error::from));
        let (agents, error) = match read {
            Ok(agents) => (agents, None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (HashMap::new(), None),
            Err(error) => (HashMap::new(), Some(error)),
        };
        (Self { key, agents: Arc::new(Mutex::new(agents)) }, error)
    }

    /// Keeps it for the next daemon.
    pub(super) fn save(&self, path: &Path) -> io::Result<()> {
        let bytes = serde_json::to_vec(&*self.agents())?;
        let new = path.with_extension("new");
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600).custom_flags(libc::O_NOFOLLOW);
        let mut file = options.open(&new)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)
    }

    /// What stands for this file.
    pub(super) fn program(&self, file: &Executable) -> Program {
        let mut hasher = SipHasher24::new_with_key(&self.key);
        hasher.write(b"program");
        hasher.write(file.path.as_bytes());
        Program(hasher.finish())
    }

    /// An agent's past at this moment, and that it tries something of this level at this second.
    pub(super) fn look(&self, agent: &str, program: Program, hour: u8, now: u64) -> History {
        let mut agents = self.agents();
        let Some(past) = agents.get_mut(agent) else { return History::default() };
        History {
            execs: past.execs,
            of_this_program: past.programs.get(&program.0).copied().unwrap_or_default(),
            in_this_hour_of_day: past.hours.get(usize::from(hour)).copied().unwrap_or_default(),
            risky_in_last_minute: past.risky.sum(now),
        }
    }

    /// An agent tried something of this level.
    pub(super) fn attempted(&self, agent: &str, level: Level, now: u64) {
        if level >= Level::Medium {
            self.with(agent, |past| past.risky.add(now));
        }
    }

    /// Something of an agent began to run.
    pub(super) fn started(&self, agent: &str, program: Program, hour: u8) {
        self.with(agent, |past| {
            past.execs += 1;
            if let Some(count) = past.hours.get_mut(usize::from(hour)) {
                *count += 1;
            }
            if past.programs.len() >= PROGRAMS && !past.programs.contains_key(&program.0) {
                let least = past.programs.values().min().copied().unwrap_or_default();
                past.programs.retain(|_, count| *count > least);
            }
            *past.programs.entry(program.0).or_default() += 1;
        });
    }

    fn with(&self, agent: &str, change: impl FnOnce(&mut Agent)) {
        let mut agents = self.agents();
        if agents.len() < AGENTS || agents.contains_key(agent) {
            change(agents.entry(agent.to_owned()).or_default());
        }
    }

    fn agents(&self) -> MutexGuard<'_, HashMap<String, Agent>> {
        // Counters are whole at any moment.
        self.agents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Minute {
    fn default() -> Self {
        Self { counts: [0; SECONDS], newest: 0 }
    }
}

impl Minute {
    fn turn_to(&mut self, now: u64) {
        let passed = usize::try_from(now.saturating_sub(self.newest)).unwrap_or(SECONDS);
        for second in 1..=passed.min(SECONDS) {
            let place = (self.newest + second as u64) % SECONDS as u64;
            if let Some(count) = usize::try_from(place).ok().and_then(|place| self.counts.get_mut(place)) {
                *count = 0;
            }
        }
        if passed > 0 {
            if passed >= SECONDS {
                self.counts = [0; SECONDS];
            }
            self.newest = now;
        }
    }

    fn add(&mut self, now: u64) {
        self.turn_to(now);
        let place = usize::try_from(self.newest % SECONDS as u64).unwrap_or_default();
        if let Some(count) = self.counts.get_mut(place) {
            *count = count.saturating_add(1);
        }
    }

    fn sum(&mut self, now: u64) -> u32 {
        self.turn_to(now);
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Past {
        Past::open(Path::new("/does/not/exist"), [7; 16]).0
    }

    fn file(path: &str) -> Executable {
        Executable { path: path.into(), ..Executable::default() }
    }

    #[test]
    fn only_what_ran_is_known() {
        let (past, agent) = (empty(), "claude");
        let (ls, git) = (past.program(&file("/bin/ls")), past.program(&file("/bin/git")));
        past.attempted(agent, Level::Low, 100);
        assert_eq!(past.look("claude", ls, 9, 100), History::default());
        past.started(agent, ls, 9);
        past.started(agent, ls, 10);
        let seen = past.look("claude", ls, 9, 100);
        assert_eq!((seen.execs, seen.of_this_program, seen.in_this_hour_of_day), (2, 2, 1));
        assert_eq!(past.look("claude", git, 9, 100).of_this_program, 0);
        assert_eq!(past.look("other", ls, 9, 100), History::default());
    }

    #[test]
    fn a_minute_has_sixty_seconds() {
        let (past, agent) = (empty(), "claude");
        let risky = |now| past.look("claude", Program::default(), 0, now).risky_in_last_minute;
        past.attempted(agent, Level::Medium, 1_000);
        past.attempted(agent, Level::Critical, 1_030);
        past.attempted(agent, Level::Low, 1_031);
        assert_eq!([risky(1_030), risky(1_059), risky(1_060), risky(1_089), risky(1_090)], [2, 2, 1, 1, 0]);
        past.attempted(agent, Level::High, 999_999);
        assert_eq!(risky(1_000_000), 1);
    }

    #[test]
    fn many_programs_do_not_pile_up_and_the_usual_ones_stay() {
        let (past, agent) = (empty(), "claude");
        let usual = past.program(&file("/bin/ls"));
        past.started(agent, usual, 0);
        past.started(agent, usual, 0);
        for number in 0..5_000 {
            past.started(agent, past.program(&file(&format!("/tmp/{number}"))), 0);
        }
        assert!(past.agents()["claude"].programs.len() <= PROGRAMS);
        assert_eq!(past.look("claude", usual, 0, 0).of_this_program, 2);
    }

    #[test]
    fn the_next_daemon_knows_it_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.json");
        let (past, agent) = (empty(), "claude");
        let ls = past.program(&file("/bin/ls"));
        past.started(agent, ls, 3);
        past.save(&path).unwrap();
        let (next, error) = Past::open(&path, [7; 16]);
        assert!(error.is_none());
        assert_eq!(next.look("claude", ls, 3, 0), past.look("claude", ls, 3, 0));
        fs::write(&path, "{").unwrap();
        assert!(Past::open(&path, [7; 16]).1.is_some());
    }
}
