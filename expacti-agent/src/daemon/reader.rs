//! The thread that reads the ring and decides what needs no human. It waits for nothing but the ring.

use std::collections::HashSet;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use expacti_abi::event::{Head, Moment, flag, kind};
use expacti_core::docket::{Input, Withdrawal};
use expacti_core::record::entry::{Change, Decider as By, Verdict};
use expacti_core::request::Agent;
use rustix::event::{PollFd, PollFlags, Timespec};

use super::crew::Crew;
use super::decider::{Case, Decider, reason_text};
use super::execs::Execs;
use super::newcomers::Newcomers;
use super::offence;
use super::say;
use super::service::Pulse;
use crate::clock::epoch_seconds;
use crate::intake;
use crate::kernel::{Event, Member, Ring, boot_ns};

/// While events come, those that nobody waits for do not wake us; they are fetched at this interval.
const DRAIN: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
/// After so many looks at an empty ring we sleep until we are woken.
const QUIET: u32 = 10;
/// But not for longer: the service manager wants to hear that we live.
const SLEEP: Timespec = Timespec { tv_sec: 5, tv_nsec: 0 };

/// How often we look for execs that were refused without a record, while there is no quiet moment.
const TELL: Duration = Duration::from_secs(1);

/// How long a look at an agent's files may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// See the module.
pub(crate) struct Reader {
    ring: Ring,
    decider: Arc<Decider>,
    crew: Crew<Case>,
    execs: Execs,
    pulse: Arc<Pulse>,
    newcomers: Newcomers,
}

impl Reader {
    /// Starts the threads that look closer, too.
    pub(crate) fn new(
        ring: Ring,
        decider: Decider,
        pulse: Arc<Pulse>,
        newcomers: Newcomers,
    ) -> std::io::Result<Self> {
        let decider = Arc::new(decider);
        let (looks, concludes) = (Arc::clone(&decider), Arc::clone(&decider));
        let crew = Crew::start(
            PATIENCE,
            move |case, until| looks.look(case, until),
            move |case, came| concludes.conclude(case, came),
        )?;
        Ok(Self { ring, decider, crew, execs: Execs::default(), pulse, newcomers })
    }

    /// Reads until the process ends. `adopt` hears which tickets an earlier daemon left in the ring, before anything new
    /// is read.
    pub(crate) fn run(mut self, adopt: impl FnOnce(&HashSet<u64>)) {
        let mut unread = HashSet::new();
        while let Some(event) = self.ring.next() {
            if let Event::Attempt(attempt, _) = &event {
                unread.insert(attempt.seq);
            }
            self.take(event);
        }
        adopt(&unread);
        let mut quiet = 0;
        let mut told = Instant::now();
        self.tell_of_the_unlogged();
        loop {
            self.pulse.beat();
            quiet += 1;
            let (mut burst, mut agents_act) = (0, false);
            while let Some(event) = self.ring.next() {
                agents_act |= !is_the_canarys(&event);
                self.take(event);
                burst += 1;
            }
            if burst > 0 {
                self.decider.ledger.metrics().burst(burst);
            }
            if quiet == QUIET || burst > 0 && told.elapsed() >= TELL {
                told = Instant::now();
                self.tell_of_the_unlogged();
            }
            if agents_act {
                quiet = 0;
                self.newcomers.stir();
            }
            let gate = &self.decider.gate;
            gate.ring_ended();
            // Said before the last look at the ring, which the poll begins with.
            let asleep = quiet >= QUIET && gate.sleeps(true).is_ok();
            let mut fds = [PollFd::from_borrowed_fd(self.ring.as_fd(), PollFlags::IN)];
            // An interrupted or failed poll only means an early look.
            let _either = rustix::event::poll(&mut fds, Some(if asleep { &SLEEP } else { &DRAIN }));
            if asleep {
                // Where this fails, events wake us that need not.
                let _woken_too_often = gate.sleeps(false);
            }
        }
    }

    /// Whoever found the ring full, and nobody who read it, was refused, and there was no room to say so.
    fn tell_of_the_unlogged(&self) {
        let gate = &self.decider.gate;
        let Ok(count @ 1..) = gate.untold() else { return };
        let text = format!(
            "{count} execs were refused without a record of their own: the ring was full, and nobody read it for longer \
             than the grace"
        );
        say(&format!("ALARM: {text}"));
        self.decider.alarm("denied-unlogged", text);
        // Where this fails they are told once more.
        let _told_twice = gate.told(count);
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Attempt(attempt, payload) => self.attempt(attempt, &payload),
            Event::Moment(moment) => self.moment(&moment),
            Event::Unknown { kind, len } => self
                .decider
                .alarm("unknown-event", format!("the kernel sent an event of kind {kind} and {len} bytes")),
        }
    }

    fn attempt(&mut self, event: Arc<Head>, payload: &[u8]) {
        let decider = &self.decider;
        if event.flags & flag::WAITS != 0 {
            decider.gate.waits(event.seq, event.tgid);
        }
        let Member { name, cgroup, late, container } = decider.gate.agent(event.agent).unwrap_or_else(nobody);
        decider.ledger.metrics().attempt(&name, boot_ns().saturating_sub(event.time_ns));
        let mut request = intake::request(&event, payload, Agent { name, cgroup, late });
        request.container = container.map(|container| (*container).clone());
        decider.recall(&mut request);
        let program = decider.past.program(&request.exe);
        let (ancestors, lineage) = self.execs.attempted(&event, &request, program);
        request.lineage = lineage;
        if let Some(evaluation) = decider.said_before(&event) {
            return decider.note_attempt(&event, request, evaluation);
        }
        let hour = request.local_time.map_or(0, |time| time.hour);
        let history = decider.past.look(&request.agent.name, program, hour, epoch_seconds());
        let case = Case { event, request, ancestors, history };
        let judged = decider.judge(&case);
        if decider.needs_a_closer_look(&case, &judged) {
            decider.looks_closer(case.event.seq);
            self.crew.take(case);
        } else {
            decider.decided(case, judged);
        }
    }

    fn moment(&mut self, moment: &Moment) {
        let moment = *moment;
        let seq = moment.seq;
        match moment.kind {
            kind::STARTED => {
                self.decider.gate.passed(seq);
                if let Some((agent, program)) = self.execs.started(seq, moment.tgid, moment.time_ns) {
                    self.decider.past.started(&agent, program, intake::local_time().hour);
                }
                let started = Change::Started { pid: moment.tgid };
                self.decider.behind(seq, move |decider| decider.ledger.note(Some(seq), started));
            }
            kind::ENDED => {
                for (seq, started) in self.execs.ended(seq, moment.tgid) {
                    let exited = exited(&moment, started.unwrap_or(moment.time_ns));
                    self.decider.behind(seq, move |decider| {
                        decider.ledger.note(Some(seq), exited);
                        decider.desk.tell(Input::Finished { ticket: seq });
                    });
                }
            }
            kind::HELD_AFTER => self.decider.gate.committed(seq, moment.tgid),
            kind::WITHDRAWN => {
                self.decider.gate.forget(seq);
                self.execs.gone(seq);
                self.decider.behind(seq, move |decider| {
                    decider.desk.tell(Input::Withdrawn { ticket: seq, why: Withdrawal::Died });
                });
            }
            kind::DENIED if seq == 0 => self.decider.alarm(
                "unreadable-exec",
                format!("an exec of process {} was refused: {}", moment.tgid, reason_text(moment.value)),
            ),
            kind::DENIED => {
                let mut because = reason_text(moment.value).to_owned();
                if let Some(trouble) = self.decider.gate.forget(seq) {
                    // Who is asked about it would otherwise wonder why there was so little time.
                    because = format!(
                        "{because}; to wait longer it has to be parked in a cgroup below its own: {trouble}"
                    );
                }
                self.execs.gone(seq);
                let denied = Change::Decided(Verdict {
                    allow: false,
                    decider: By::FailMode,
                    because,
                    held: 0,
                    review: None,
                });
                self.decider.behind(seq, move |decider| {
                    decider.ledger.note_refused(seq, denied);
                    decider.desk.tell(Input::Withdrawn { ticket: seq, why: Withdrawal::Changed });
                });
            }
            kind::MISMATCH => {
                let text = format!(
                    "process {} was killed before its first instruction: what the kernel was about to run is not what \
                     was allowed",
                    moment.tgid
                );
                let alarm = Change::Alarm { name: "exec-changed".to_owned(), text };
                self.decider
                    .behind(seq, move |decider| decider.ledger.note((seq != 0).then_some(seq), alarm));
            }
            kind::OFFENCE => {
                let agent = self.decider.gate.agent(moment.agent).unwrap_or_default().name;
                let offence = offence::entry(&moment, &agent);
                // What tried it may still be looked at, and the log knows no offence of what it has not seen.
                self.decider
                    .behind(seq, move |decider| decider.ledger.note((seq != 0).then_some(seq), offence));
            }
            kind::CGROUP => self.newcomers.came(moment.value),
            kind::CANARY => self.decider.gate.canary_reported(),
            other => {
                self.decider.alarm("unknown-moment", format!("the kernel told of a moment of kind {other}"));
            }
        }
    }
}

/// It comes every few seconds, and nothing follows from it.
fn is_the_canarys(event: &Event) -> bool {
    matches!(event, Event::Moment(moment) if moment.kind == kind::CANARY)
}

/// Of a new cgroup of which it was not told in time whose it is. No agent can be called so.
fn nobody() -> Member {
    Member { name: "(unknown)".to_owned(), ..Member::default() }
}

/// From the kernel's wait status.
fn exited(moment: &Moment, started: u64) -> Change {
    let status = i32::try_from(moment.value).unwrap_or_default();
    let (code, signal) = (status >> 8 & 0xff, status & 0x7f);
    Change::Exited {
        code: (signal == 0).then_some(code),
        signal: (signal != 0).then_some(signal),
        duration: moment.time_ns.saturating_sub(started) / 1000,
    }
}
