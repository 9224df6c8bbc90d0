//! The thread that says whose new cgroups are. While it thinks, nothing runs in them.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use super::office::{Office, Told};

/// How often those are looked at again of which nobody could say whose they are.
const SOON: Duration = Duration::from_millis(50);
/// How often it is looked for those that the ring, when it was full, could not tell of.
const RARELY: Duration = Duration::from_millis(500);

/// Who is told of new cgroups.
pub(crate) struct Newcomers(Sender<u64>);

impl Newcomers {
    /// Starts the thread. Its first work is what was there before it.
    pub(super) fn watch(office: Arc<Office>) -> io::Result<Self> {
        let (sender, inbox) = channel();
        thread::Builder::new().name("newcomers".to_owned()).spawn(move || run(&office, &inbox))?;
        Ok(Self(sender))
    }

    /// The kernel tells of one.
    pub(super) fn came(&self, id: u64) {
        // The thread lives as long as the process.
        let _ended = self.0.send(id);
    }
}

fn run(office: &Office, inbox: &Receiver<u64>) {
    let mut unknown = Unknown { office, asked: HashSet::new(), said: HashSet::new() };
    // Those that were there before us and of which their runtime does not say yet whose they are.
    let mut before = Vec::new();
    for folder in office.found_containers() {
        // Whoever comes meanwhile waits, and goes before those that are here anyway.
        for id in inbox.try_iter() {
            unknown.look(id);
        }
        if let Told::NotYet { folder, why } = office.consider(&folder) {
            office.alarm_unknown(&folder, &why);
            before.push(folder);
        }
    }
    let mut nameless_are_free = false;
    loop {
        if before.is_empty() && !nameless_are_free {
            // Not earlier: what an earlier daemon gated may be one of those.
            office.let_go_of_the_nameless();
            nameless_are_free = true;
        }
        match inbox.recv_timeout(if unknown.asked.is_empty() { RARELY } else { SOON }) {
            Ok(id) => unknown.look(id),
            Err(RecvTimeoutError::Timeout) => {
                unknown.look_at_all();
                before.retain(|folder| {
                    folder.exists() && matches!(office.consider(folder), Told::NotYet { .. })
                });
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
