//! The gate: an exec is about to happen. It passes, waits or is refused, and every attempt gets its number.

use aya_ebpf::bindings::{BPF_RB_FORCE_WAKEUP, BPF_RB_NO_WAKEUP};
use aya_ebpf::macros::lsm;
use aya_ebpf::maps::ring_buf::RingBufEntry;
use aya_ebpf::programs::LsmContext;
use expacti_abi::control::{Agent, Control, agent, counter};
use expacti_abi::event::{Attempt, flag, kind, reason};
use expacti_abi::limits::{MAX_FILES, MAX_UNREADABLE, PARKED_NS};
use expacti_abi::task::{TaskState, approved};
use expacti_abi::ticket::verdict;

use crate::caller::{Caller, caller};
use crate::kernel::{Bprm, Task, now};
use crate::member::{self, Membership};
use crate::wait::Answer;
use crate::{after, attempt, cache, maps, newcomer, report, ticket};

// match-proto:v6.12:security/security.c:int security_bprm_check(struct linux_binprm *bprm)
#[lsm(hook = "bprm_check_security", sleepable)]
fn check(ctx: LsmContext) -> i32 {
    let previous: i32 = ctx.arg(1);
    if previous != 0 {
        return previous;
    }
    try_check(Bprm(ctx.arg(0))).code()
}

/// One exec of a member on its way.
struct Gate {
    task: Task,
    bprm: Bprm,
    control: &'static Control,
    agent: Agent,
    state: &'static mut TaskState,
}

fn try_check(bprm: Bprm) -> Answer {
    let Some(control) = maps::control() else { return Answer::Pass };
    let task = Task::current();
    let (agent, state) = match member::execing(control, task) {
        Membership::None => return Answer::Pass,
        // In the next round it is marked, or in the one after that. Only a kernel without any memory makes it wait on,
        // as for everything else.
        Membership::Unmarkable => return Answer::Again,
        Membership::Canary => return Answer::Refuse,
        Membership::Of(agent, state) => (agent, state),
    };
    if newcomer::may_be_told(control, &agent) {
        maps::count(counter::RESTARTS);
        return Answer::Again;
    }
    let mut gate = Gate { task, bprm, control, agent, state };
    if !gate.note_file() {
        return gate.refuse(reason::TOO_DEEP);
    }
    if bprm.is_script() {
        // The kernel asks again for the interpreter, and the commit hook lets nothing through that was not approved.
        return Answer::Pass;
    }
    gate.pass_or_wait()
}

impl Gate {
    /// Adds the file that the kernel looks at to the attempt's chain. False: the chain is longer than the kernel's own
    /// limit allows, so something is not as we think.
    #[inline(always)]
    fn note_file(&mut self) -> bool {
        if self.bprm.is_first_file() {
            self.state.stages = 0;
            // Let through to be held behind its commit, which it never reached.
            after::forsake(self.task, self.state);
        }
        self.state.bprm = self.bprm.0 as u64;
        self.state.approved = 0;
        let stage = self.state.stages as usize;
        if stage >= MAX_FILES {
            return false;
        }
        self.state.files[stage] = self.bprm.file_id();
        self.state.stages = stage as u32 + 1;
        true
    }

    #[inline(always)]
    fn pass_or_wait(&mut self) -> Answer {
        // Registers that show no exec we know have no argv to judge.
        let Some(caller) = caller(self.task) else { return self.refuse(reason::UNREADABLE) };
        let seq = self.state.ticket;
        if seq != 0 {
            let same = self.shape(caller) == self.state.shape;
            if same && self.is_parked_for_its_tracer() {
                return Answer::Frozen;
            }
            let pending = same
                && match ticket::look(seq) {
                    Some(open) if open.verdict == verdict::PENDING => return self.wait_on(),
                    Some(open) if open.verdict == verdict::UNSURE => return Answer::Again,
                    Some(open) => open.verdict != verdict::VOID && now() <= open.expires_ns,
                    None => false,
                };
            if !pending {
                // What it spoke of is not attempted any more, or it was not used in time.
                self.withdraw();
            }
        }
        // The strings are read at one place only: the verifier walks it once.
        let Some(entry) = self.write_down(caller) else { return self.starve() };
        if self.state.ticket != 0 { self.use_verdict(entry) } else { self.ask(entry, caller) }
    }

    /// A verdict is there. It counts only for the very attempt it speaks of.
    #[inline(always)]
    fn use_verdict(&mut self, entry: RingBufEntry<Attempt>) -> Answer {
        // SAFETY: filled by `write_down`.
        let event = unsafe { entry.assume_init_ref() };
        let (digest, content) = (event.digest, event.content);
        entry.discard(BPF_RB_NO_WAKEUP.into());
        let seq = self.state.ticket;
        match ticket::look(seq) {
            Some(open) if open.verdict == verdict::UNSURE => Answer::Again,
            Some(open) if open.digest == digest => self.take(seq, open.verdict, digest, content),
            _ => {
                self.withdraw();
                // Asked anew in the next round.
                Answer::Again
            }
        }
    }

    /// Uses a verdict up.
    #[inline(always)]
    fn take(&mut self, seq: u64, verdict: u32, digest: [u64; 2], content: [u64; 2]) -> Answer {
        self.state.ticket = 0;
        if verdict == verdict::HOLD_AFTER {
            // The ticket stays: its answer is still to come.
            self.state.after = seq;
            return self.let_through(seq, approved::HOLD_AFTER, digest, content);
        }
        ticket::close(seq);
        if verdict != verdict::ALLOW {
            return Answer::Refuse;
        }
        self.let_through(seq, approved::VERDICT, digest, content)
    }

    #[inline(always)]
    fn let_through(&mut self, seq: u64, how: u32, digest: [u64; 2], content: [u64; 2]) -> Answer {
        self.state.approved = seq;
        self.state.how = how;
        self.state.digest = digest;
        self.state.content = content;
        self.state.place = attempt::place(self.task);
        self.state.starved_ns = 0;
        self.state.unreadable = 0;
        self.state.waiting_ns = 0;
        Answer::Pass
    }

    /// An attempt without a ticket.
    #[inline(always)]
    fn ask(&mut self, mut entry: RingBufEntry<Attempt>, caller: Caller) -> Answer {
        self.state.starved_ns = 0;
        // SAFETY: filled by `write_down`.
        let event = unsafe { entry.assume_init_mut() };
        if event.flags & flag::UNREADABLE != 0 && self.state.unreadable < MAX_UNREADABLE {
            // A page was not there; the kernel touches it when it copies argv for the next round.
            self.state.unreadable += 1;
            entry.discard(BPF_RB_NO_WAKEUP.into());
            return Answer::Again;
        }
        let (digest, content) = (event.digest, event.content);
        let unreadable = event.flags & flag::UNREADABLE != 0;
        let large = event.flags & flag::LARGE != 0;
        let barred = self.barred();
        let how = if unreadable || barred != 0 {
            approved::VERDICT
        } else if self.fails_open() {
            approved::FAIL_OPEN
        } else if large {
            // The daemon can read it only while the task waits.
            approved::VERDICT
        } else if self.agent.flags & agent::OBSERVE != 0 {
            approved::OBSERVED
        } else if cache::allows(self.control, &self.agent, event) {
            approved::CACHED
        } else {
            approved::VERDICT
        };
        let seq = maps::next_sequence();
        event.seq = seq;
        if how != approved::VERDICT {
            event.flags |= flag_of(how);
            entry.submit(maps::unhurried(self.control));
            return self.let_through(seq, how, digest, content);
        }
        let refusal = if unreadable {
            reason::UNREADABLE
        } else if barred != 0 {
            barred
        } else if !ticket::open(event) {
            maps::count(counter::TICKETS_FULL);
            reason::TOO_MANY
        } else {
            0
        };
        if refusal != 0 {
            event.flags |= flag::DENIED;
            event.reason = refusal as u32;
            self.state.unreadable = 0;
            entry.submit(BPF_RB_FORCE_WAKEUP.into());
            return Answer::Refuse;
        }
        event.flags |= flag::WAITS;
        entry.submit(BPF_RB_FORCE_WAKEUP.into());
        self.state.ticket = seq;
        self.state.shape = self.shape(caller);
        self.state.waiting_ns = now();
        self.state.last_round_ns = self.state.waiting_ns;
        ticket::spin(seq, self.control.spin_ns);
        if self.is_parked_for_its_tracer() {
            return Answer::Frozen;
        }
        match ticket::look(seq) {
            Some(open) if open.verdict == verdict::UNSURE => Answer::Again,
            Some(open) if open.verdict != verdict::PENDING && open.digest == digest => {
                self.take(seq, open.verdict, digest, content)
            }
            Some(open) if open.verdict == verdict::PENDING && self.task.is_traced() => self.nobody_answers(),
            _ => Answer::Again,
        }
    }

    /// A tracer is shown the signals that make the kernel restart a call, and one that waits for this very exec, as `gdb`
    /// does after its `vfork`, can never let them pass. So a traced task stays here until it is answered or parked,
    /// which restarts the call without a signal. Whether it is parked now.
    #[inline(always)]
    fn is_parked_for_its_tracer(&mut self) -> bool {
        let (seq, grace) = (self.state.ticket, self.control.grace_ns);
        self.task.is_traced() && ticket::freezes(seq, verdict::PENDING, grace, &mut self.state.relied_ns)
    }

    /// No verdict yet. Waiting unparked has an end, because it costs CPU and somebody should have answered.
    #[inline(always)]
    fn wait_on(&mut self) -> Answer {
        maps::count(counter::RESTARTS);
        let now = now();
        if now.wrapping_sub(self.state.last_round_ns) > PARKED_NS {
            // It was parked meanwhile: somebody takes care of it.
            self.state.waiting_ns = now;
        }
        self.state.last_round_ns = now;
        let gone = self.control.daemon_gone_ns;
        let since = if gone > self.state.waiting_ns { gone } else { self.state.waiting_ns };
        if now.wrapping_sub(since) < self.control.grace_ns && !self.task.is_traced() {
            return Answer::Again;
        }
        if self.fails_open() {
            // The next round finds no ticket, and nobody to ask.
            self.withdraw();
            return Answer::Again;
        }
        self.nobody_answers()
    }

    #[inline(always)]
    fn nobody_answers(&mut self) -> Answer {
        let seq = self.state.ticket;
        self.state.ticket = 0;
        ticket::void(seq);
        report::urgent(self.task, kind::DENIED, seq, self.state.agent, reason::NO_ANSWER);
        Answer::Refuse
    }

    /// Why nothing of this agent may exec at all, one of [`reason`]; zero where it may.
    #[inline(always)]
    fn barred(&self) -> u64 {
        let flags = self.agent.flags;
        if flags & agent::STOPPED != 0 {
            reason::STOPPED
        } else if flags & agent::NEW != 0 && flags & agent::FAIL_OPEN == 0 {
            reason::UNTOLD
        } else {
            0
        }
    }

    /// Whether the daemon has been gone for longer than the grace, or has not said in time whose this is, and the operator
    /// wants things to go on then.
    #[inline(always)]
    fn fails_open(&self) -> bool {
        let gone = self.control.daemon_gone_ns;
        let flags = self.agent.flags;
        flags & agent::FAIL_OPEN != 0
            && (flags & agent::NEW != 0 || gone != 0 && now().wrapping_sub(gone) >= self.control.grace_ns)
    }

    /// The ring is full: going round is the backpressure. It has an end only where nobody reads the ring for the grace:
    /// behind many others it takes longer than that, and they all get their turn.
    #[inline(always)]
    fn starve(&mut self) -> Answer {
        maps::count(counter::RING_FULL);
        let (now, read) = (now(), maps::read_so_far());
        if self.state.starved_ns == 0 || self.state.starved_at != read {
            self.state.starved_ns = now;
            self.state.starved_at = read;
        }
        if now.wrapping_sub(self.state.starved_ns) < self.control.grace_ns {
            return Answer::Again;
        }
        self.state.starved_ns = 0;
        maps::count(counter::DENIED_UNLOGGED);
        Answer::Refuse
    }

    /// The open ticket speaks of something that is not attempted any more.
    #[inline(always)]
    fn withdraw(&mut self) {
        let seq = self.state.ticket;
        self.state.ticket = 0;
        ticket::void(seq);
        report::urgent(self.task, kind::WITHDRAWN, seq, self.state.agent, 0);
    }

    /// An attempt that cannot even be written down.
    #[inline(always)]
    fn refuse(&mut self, reason: u64) -> Answer {
        report::urgent(self.task, kind::DENIED, 0, self.state.agent, reason);
        Answer::Refuse
    }

    #[inline(always)]
    fn write_down(&mut self, caller: Caller) -> Option<RingBufEntry<Attempt>> {
        let mut entry = maps::EVENTS.reserve_untyped::<Attempt>(0)?;
        attempt::fill(entry.as_mut_ptr(), self.control, self.task, self.bprm, caller, self.state);
        // SAFETY: `fill` wrote the head; of the payload only what the lengths speak of is read.
        self.state.argc = unsafe { entry.assume_init_ref() }.argc;
        Some(entry)
    }

    /// What tells one attempt from another without reading its strings.
    #[inline(always)]
    fn shape(&self, caller: Caller) -> u64 {
        let file = self.bprm.file_id();
        caller.argv
            ^ caller.envp.rotate_left(16)
            ^ self.bprm.region().rotate_left(32)
            ^ file.ino.rotate_left(48)
    }
}

#[inline(always)]
fn flag_of(how: u32) -> u32 {
    match how {
        approved::OBSERVED => flag::OBSERVED,
        approved::FAIL_OPEN => flag::FAIL_OPEN,
        _ => flag::CACHED,
    }
}
