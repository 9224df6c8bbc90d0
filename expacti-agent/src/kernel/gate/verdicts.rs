//! Processes that wait, and the answers they get. The verdict in the kernel's map is the only authority; everything else
//! here is where a process sleeps meanwhile, and how it is woken.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, mpsc};
use std::time::{Duration, Instant};
use std::{io, thread};

use expacti_abi::control::agent;
use expacti_abi::ticket::{Ticket, verdict};
use expacti_core::docket::Verdict;

use super::after::After;
use super::{Gate, boot_ns, lock, nanos};
use crate::kernel::maps::{self, open_tickets};
use crate::kernel::park::{Parked, all_below, found_parked, inmates, park};
use crate::kernel::signals;

/// How long an allowed process has to use its verdict.
const VERDICT_LIFE: Duration = Duration::from_mins(1);
/// How long a process asks again and again before it is parked: most verdicts come sooner.
const PATIENCE: Duration = Duration::from_millis(20);
/// How often those that are parked are looked at, at the most.
const LOOKS: Duration = Duration::from_millis(100);
/// Of its time the parker spends one part in so many on that.
const SHARE: u32 = 50;

/// A process that waits for a verdict.
pub(super) struct Waiting {
    pub(super) pid: u32,
    since: Instant,
    /// It is being parked, or is.
    parking: bool,
    pub(super) parked: Option<Parked>,
    /// Why it could not be parked when that was last tried.
    trouble: Option<String>,
}

impl Waiting {
    fn new(pid: u32, parked: Option<Parked>) -> Self {
        Self { pid, since: Instant::now(), parking: parked.is_some(), parked, trouble: None }
    }
}

/// What may take a moment and must keep neither desk nor ring: done by a thread of its own.
pub(super) enum Errand {
    /// Say why, then refuse.
    Refuse { ticket: u64, line: String },
    /// Somebody human will be asked: sleep at once.
    Park(u64),
    /// The same behind the commit.
    Seclude(u64),
    /// Go on where it was.
    Release(Parked),
}

/// Everybody who waits.
pub(super) struct Waits {
    waiting: Mutex<HashMap<u64, Waiting>>,
    roused: Condvar,
    pub(super) after: Mutex<HashMap<u64, After>>,
    /// Cgroups that nobody waits in: they can go as soon as the last process in them is wholly gone.
    leftovers: Mutex<Vec<Parked>>,
    errands: Mutex<mpsc::Sender<Errand>>,
    freezes: Mutex<mpsc::Sender<(u64, Parked)>>,
}

/// What the threads read.
pub(super) struct Inboxes {
    errands: mpsc::Receiver<Errand>,
    freezes: mpsc::Receiver<(u64, Parked)>,
}

impl Waits {
    pub(super) fn new() -> (Self, Inboxes) {
        let ((errands, errands_in), (freezes, freezes_in)) = (mpsc::channel(), mpsc::channel());
        let waits = Self {
            waiting: Mutex::default(),
            roused: Condvar::new(),
            after: Mutex::default(),
            leftovers: Mutex::default(),
            errands: Mutex::new(errands),
            freezes: Mutex::new(freezes),
        };
        (waits, Inboxes { errands: errands_in, freezes: freezes_in })
    }

    pub(super) fn errand(&self, errand: Errand) {
        // The thread lives as long as the gate.
        let _ended = lock(&self.errands).send(errand);
    }

    /// Not an errand: a task spins in the kernel until it is done.
    pub(super) fn freeze(&self, ticket: u64, place: Parked) {
        let _ended = lock(&self.freezes).send((ticket, place));
    }

    pub(super) fn waiting(&self) -> MutexGuard<'_, HashMap<u64, Waiting>> {
        lock(&self.waiting)
    }

    /// Again and again, until it is done.
    pub(super) fn remove_later(&self, place: Parked) {
        lock(&self.leftovers).push(place);
        self.look_after();
    }

    /// Those that hold somebody who waits go when that one is let go.
    fn remove_leftovers(&self) {
        if lock(&self.leftovers).is_empty() {
            return;
        }
        let held: Vec<Parked> =
            self.waiting().values().filter_map(|waiting| waiting.parked.clone()).collect();
        let gone = |place: &Parked| held.iter().any(|other| other.is_with(place)) || place.remove();
        lock(&self.leftovers).retain(|place| !gone(place));
    }

    /// Wakes the thread that looks after them. With the lock, so that it is not just about to fall asleep.
    pub(super) fn look_after(&self) {
        drop(self.waiting());
        self.roused.notify_one();
    }
}

impl Gate {
    pub(super) fn start_threads(self: &Arc<Self>, inboxes: Inboxes) -> io::Result<()> {
        let Inboxes { errands, freezes } = inboxes;
        let gate = Arc::clone(self);
        start("errands", move || errands.iter().for_each(|errand| gate.run(errand)))?;
        let gate = Arc::clone(self);
        start("freezer", move || {
            for (ticket, place) in freezes {
                // A task that nobody freezes in time is killed by its hook.
                if place.freeze().is_ok() {
                    gate.tell_frozen(ticket);
                }
            }
        })?;
        let gate = Arc::clone(self);
        start("parker", move || gate.sweep())
    }

    /// A process began to wait.
    pub(crate) fn waits(&self, ticket: u64, pid: u32) {
        self.waits.waiting().insert(ticket, Waiting::new(pid, None));
        self.waits.look_after();
    }

    /// A ticket needs no answer any more. Gives why its process could not be parked, if so: then it had only the grace to wait.
    pub(crate) fn forget(&self, ticket: u64) -> Option<String> {
        self.remove_ticket(ticket);
        let waiting = self.waits.waiting().remove(&ticket);
        self.forget_after(ticket);
        let Waiting { parked, trouble, .. } = waiting?;
        if let Some(parked) = parked {
            self.waits.errand(Errand::Release(parked));
        }
        trouble
    }

    /// Tickets that are open in the kernel, in their order.
    pub(crate) fn open_tickets(&self) -> Vec<(u64, Ticket)> {
        // What cannot be read is asked about no more, and its process is denied by the grace.
        let mut open = open_tickets(&lock(&self.maps).tickets).unwrap_or_default();
        open.sort_unstable_by_key(|(number, _)| *number);
        open
    }

    /// Takes over a ticket that an earlier daemon left.
    pub(crate) fn adopt(&self, ticket: u64, open: &Ticket) {
        let parked = found_parked(open.tgid);
        if open.verdict == verdict::HOLD_AFTER {
            self.adopt_after(ticket, parked);
            return;
        }
        self.waits.waiting().insert(ticket, Waiting::new(open.tgid, parked));
        self.waits.look_after();
    }

    /// Nothing is known of what a ticket is about. Its process asks anew; one that is past its commit cannot.
    pub(crate) fn ask_anew(&self, ticket: u64, open: &Ticket) {
        if open.verdict == verdict::HOLD_AFTER {
            self.adopt(ticket, open);
            self.settle(ticket, verdict::DENY);
            return;
        }
        self.write_verdict(ticket, verdict::VOID);
        if let Some(parked) = found_parked(open.tgid) {
            self.waits.errand(Errand::Release(parked));
        }
    }

    /// Allows a ticket that nobody has to decide about.
    pub(crate) fn let_pass(&self, ticket: u64) {
        self.settle(ticket, verdict::ALLOW);
    }

    pub(super) fn begin_hold(&self, ticket: u64) {
        let after = {
            let maps = lock(&self.maps);
            let agent = maps::ticket(&maps.tickets, ticket).and_then(|open| maps.agent(open.agent));
            agent.is_some_and(|entry| entry.flags & agent::HOLD_AFTER != 0)
        };
        self.waits.errand(if after { Errand::Seclude(ticket) } else { Errand::Park(ticket) });
    }

    pub(super) fn answer(&self, verdict: Verdict) {
        if verdict.allow {
            self.settle(verdict.ticket, verdict::ALLOW);
        } else {
            let reason = expacti_core::untrusted::Untrusted::from(verdict.reason);
            let line = format!("expacti: denied ({reason}) ticket {}\n", verdict.ticket);
            self.waits.errand(Errand::Refuse { ticket: verdict.ticket, line });
        }
    }

    /// Writes a verdict into the kernel and wakes the process.
    fn settle(&self, ticket: u64, verdict: u32) {
        if self.write_verdict(ticket, verdict) == Some(verdict::HOLD_AFTER) {
            self.settle_after(ticket, verdict == verdict::ALLOW);
        }
        if let Some(Waiting { parked: Some(parked), .. }) = self.waits.waiting().remove(&ticket) {
            self.waits.errand(Errand::Release(parked));
        }
    }

    /// Gives a ticket that nobody answered yet a verdict. Returns the one it had; none: the process is gone or asks for
    /// something else.
    pub(super) fn write_verdict(&self, ticket: u64, verdict: u32) -> Option<u32> {
        let mut maps = lock(&self.maps);
        let mut open = maps::ticket(&maps.tickets, ticket)?;
        let before = open.verdict;
        if before == verdict::PENDING || before == verdict::HOLD_AFTER {
            open.verdict = verdict;
            open.frozen_ns = 0;
            open.expires_ns = boot_ns() + nanos(VERDICT_LIFE);
            maps::replace_ticket(&mut maps.tickets, ticket, open);
        }
        Some(before)
    }

    /// The kernel froze the task of a ticket, or will on its way back to user space: its hook may let it go there.
    fn tell_frozen(&self, ticket: u64) {
        let mut maps = lock(&self.maps);
        let Some(mut open) = maps::ticket(&maps.tickets, ticket) else { return };
        open.frozen_ns = boot_ns();
        maps::replace_ticket(&mut maps.tickets, ticket, open);
    }

    pub(super) fn remove_ticket(&self, ticket: u64) {
        // The hook that used it may have removed it before.
        let _gone_already = lock(&self.maps).tickets.remove(&ticket);
    }

    fn run(&self, errand: Errand) {
        match errand {
            Errand::Refuse { ticket, line } => {
                let pid = self.waits.waiting().get(&ticket).map(|waiting| waiting.pid);
                if let Some(pid) = pid.or_else(|| self.pid_after(ticket)) {
                    self.teller.tell(pid, line);
                }
                self.settle(ticket, verdict::DENY);
            }
            Errand::Park(ticket) => self.park(ticket),
            Errand::Seclude(ticket) => {
                let pid = self.waits.waiting().get(&ticket).map(|waiting| waiting.pid);
                if pid.is_some_and(|pid| self.seclude(ticket, pid).is_err()) {
                    // No cgroup of its own, so it is held the other way.
                    self.park(ticket);
                }
            }
            Errand::Release(parked) => {
                let gone = parked.release();
                self.wait_on_unparked(parked.pid());
                if !gone {
                    self.free_strays(parked.inmates());
                    self.waits.remove_later(parked);
                }
            }
        }
    }

    /// Lets those go on who are parked and wait for nothing. Such a process was born to one that was being parked when its
    /// verdict came: it was let go, and forked on its way in.
    fn free_strays(&self, parked: Vec<Parked>) {
        if parked.is_empty() {
            return;
        }
        let waiting: HashSet<u32> = self.waits.waiting().values().map(|waiting| waiting.pid).collect();
        let mut strays = parked.into_iter().filter(|parked| !waiting.contains(&parked.pid())).peekable();
        if strays.peek().is_none() {
            return;
        }
        // What an earlier daemon left waits by its ticket alone.
        let open: HashSet<u32> = self.open_tickets().into_iter().map(|(_, open)| open.tgid).collect();
        for stray in strays.filter(|stray| !open.contains(&stray.pid())) {
            if !stray.release() {
                self.waits.remove_later(stray);
            }
        }
    }

    /// The same for all agents, once the tickets that an earlier daemon left have been taken over.
    pub(crate) fn free_all_strays(&self) {
        let cgroups: Vec<PathBuf> =
            lock(&self.agents).all().map(|(_, enrolled)| enrolled.cgroup.path.clone()).collect();
        self.free_strays(cgroups.iter().flat_map(|cgroup| all_below(cgroup)).collect());
    }

    /// Ends everybody in a folder of ours. Gives how many.
    pub(crate) fn end_all_in(&self, folder: &Path) -> usize {
        let all = inmates(folder);
        for parked in &all {
            // Without its cgroup there is no process either.
            let _gone = parked.kill();
            self.waits.remove_later(parked.clone());
        }
        if all.is_empty() {
            let _gone_already = std::fs::remove_dir(folder);
        }
        all.len()
    }

    /// Other threads of a process that was let go wait on, and have to be parked anew.
    fn wait_on_unparked(&self, pid: u32) {
        for waiting in self.waits.waiting().values_mut().filter(|waiting| waiting.pid == pid) {
            waiting.parked = None;
            waiting.parking = false;
            waiting.since = Instant::now();
        }
    }

    fn park(&self, ticket: u64) {
        let Some(pid) = self.waits.waiting().get(&ticket).map(|waiting| waiting.pid) else { return };
        let parked = match park(pid) {
            Ok(parked) => parked,
            Err(error) => {
                if let Some(waiting) = self.waits.waiting().get_mut(&ticket) {
                    waiting.trouble = Some(error.to_string());
                }
                // It asks on, is tried again, and the kernel's grace ends that.
                self.wait_on_unparked(pid);
                return;
            }
        };
        self.tell_frozen(ticket);
        match self.waits.waiting().get_mut(&ticket) {
            Some(waiting) => {
                waiting.parking = true;
                waiting.parked = Some(parked);
                waiting.trouble = None;
            }
            // Answered in between.
            None => self.waits.errand(Errand::Release(parked)),
        }
    }

    /// Lets those out who are parked and have got a signal that they take only outside. It acts before they come round to
    /// their exec again, and who is still there then is parked anew.
    fn let_signals_act(&self) {
        let parked: Vec<(u64, u32)> = (self.waits.waiting().iter())
            .filter(|(_, waiting)| waiting.parked.is_some())
            .map(|(ticket, waiting)| (*ticket, waiting.pid))
            .collect();
        // Without the lock, which the desk and the ring want.
        for (ticket, _) in parked.into_iter().filter(|(_, pid)| signals::wait_for(*pid)) {
            let parked = self.waits.waiting().get_mut(&ticket).and_then(|waiting| waiting.parked.take());
            if let Some(parked) = parked {
                self.waits.errand(Errand::Release(parked));
            }
        }
    }

    /// Parks who waits for long, whatever for: a busy disk, a daemon under load. Sleeps while nobody waits.
    fn sweep(&self) {
        let mut look = Instant::now();
        loop {
            let mut waiting = self.waits.waiting();
            while waiting.is_empty() && lock(&self.waits.leftovers).is_empty() {
                waiting = self.waits.roused.wait(waiting).unwrap_or_else(std::sync::PoisonError::into_inner);
            }
            for (ticket, process) in waiting.iter_mut() {
                if !process.parking && process.since.elapsed() >= PATIENCE {
                    process.parking = true;
                    // Only one thread moves processes, so that no move crosses another.
                    self.waits.errand(Errand::Park(*ticket));
                }
            }
            drop(waiting);
            self.waits.remove_leftovers();
            let before = Instant::now();
            if before >= look {
                self.let_signals_act();
                look = before + LOOKS.max(before.elapsed() * SHARE);
            }
            thread::sleep(PATIENCE);
        }
    }
}

fn start(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(body).map(drop)
}
