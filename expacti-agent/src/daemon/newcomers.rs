//! The thread that says whose new cgroups are. While it thinks, nothing runs in them.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::office::{Office, Told};

/// How often those are looked at again of which nobody could say whose they are.
const SOON: Duration = Duration::from_millis(50);
/// How often it is looked for those that the ring, when it was full, could not tell of. Only while agents do something:
/// what was full was read, and who read it said so.
const RARELY: Duration = Duration::from_millis(500);
/// So often yet after the last thing they did.
const ROUNDS: u32 = 4;

/// Who is told of new cgroups.
pub(crate) struct Newcomers {
    inbox: Sender<News>,
    /// The thread knows that something happens, and looks around soon.
    stirred: Arc<AtomicBool>,
}

enum News {
    /// The kernel told of this cgroup.
    Came(u64),
    /// Agents do something.
    Stir,
}

impl Newcomers {
    /// Starts the thread. Its first work is what was there before it. Whoever looks around as well is woken from time to
    /// time by what is given with it, while agents do something.
    pub(super) fn watch(office: Arc<Office>) -> io::Result<(Self, Arc<Notify>)> {
        let (sender, inbox) = channel();
        let others = Arc::new(Notify::new());
        let woken = Arc::clone(&others);
        let stirred = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stirred);
        let body = move || run(&office, &inbox, &seen, &woken);
        thread::Builder::new().name("newcomers".to_owned()).spawn(body)?;
        Ok((Self { inbox: sender, stirred }, others))
    }

    /// The kernel tells of one.
    pub(super) fn came(&self, id: u64) {
        // The thread lives as long as the process.
        let _ended = self.inbox.send(News::Came(id));
    }

    /// Agents did something, so cgroups may have come or gone. Costs nothing where that is known.
    pub(super) fn stir(&self) {
        if !self.stirred.swap(true, Ordering::Relaxed) {
            // As above.
            let _ended = self.inbox.send(News::Stir);
        }
    }
}

fn run(office: &Office, inbox: &Receiver<News>, stirred: &AtomicBool, others: &Notify) {
    let mut unknown = Unknown { office, asked: HashSet::new(), said: HashSet::new() };
    // Those that were there before us and of which their runtime does not say yet whose they are.
    let mut before = Vec::new();
    for folder in office.found_containers() {
        // Whoever comes meanwhile waits, and goes before those that are here anyway.
        for news in inbox.try_iter() {
            if let News::Came(id) = news {
                unknown.look(id);
            }
        }
        if let Told::NotYet { folder, why } = office.consider(&folder) {
            office.alarm_unknown(&folder, &why);
            before.push(folder);
        }
    }
    let mut nameless_are_free = false;
    let (mut rounds, mut looked) = (ROUNDS, Instant::now());
    loop {
        if before.is_empty() && !nameless_are_free {
            // Not earlier: what an earlier daemon gated may be one of those.
            office.let_go_of_the_nameless();
            nameless_are_free = true;
        }
        let news = if !unknown.asked.is_empty() {
            inbox.recv_timeout(SOON)
        } else if rounds > 0 || !before.is_empty() {
            inbox.recv_timeout(RARELY)
        } else {
            inbox.recv().map_err(RecvTimeoutError::from)
        };
        match news {
            Ok(News::Came(id)) => unknown.look(id),
            Ok(News::Stir) => rounds = ROUNDS,
            Err(RecvTimeoutError::Timeout) => {
                // What happens from here on is looked at another time.
                stirred.store(false, Ordering::Relaxed);
                unknown.look_at_all();
                before.retain(|folder| {
                    folder.exists() && matches!(office.consider(folder), Told::NotYet { .. })
                });
                if looked.elapsed() >= RARELY {
                    looked = Instant::now();
                    rounds = rounds.saturating_sub(1);
                    others.notify_one();
                }
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Those of which it cannot be said whose they are.
struct Unknown<'o> {
    office: &'o Office,
    asked: HashSet<u64>,
    /// Those that an alarm was about.
    said: HashSet<u64>,
}

impl Unknown<'_> {
    fn look_at_all(&mut self) {
        let all = self.office.newcomers();
        // Others are gone.
        self.asked.retain(|id| all.contains(id));
        self.said.retain(|id| all.contains(id));
        for id in all {
            self.look(id);
        }
    }

    fn look(&mut self, id: u64) {
        match self.office.newcomer(id) {
            Told::Done => {
                self.asked.remove(&id);
                self.said.remove(&id);
            }
            Told::NotYet { folder, why } => {
                self.asked.insert(id);
                if self.office.is_overdue(id) && self.said.insert(id) {
                    self.office.alarm_unknown(&folder, &why);
                }
            }
        }
    }
}
