//! Execs that wait or run: which made which. Grants follow these lines.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use expacti_abi::event::Head;
use expacti_core::request::{Ancestor, ExecRequest};

use super::past::Program;

/// How far up a line is known. A grant further up than this does not reach down.
const DEEPEST: usize = 64;

/// Parents that a request names, and how much of each: enough to know them by.
const LINEAGE: usize = 16;
const WORDS: usize = 32;
const BYTES: usize = 1_024;

/// Attempts that have not started. Refused ones never do, so the oldest give way.
const ATTEMPTS: usize = 16_384;

/// Running execs. One whose end was never told gives way when it is the oldest.
const RUNNING: usize = 131_072;

/// An exec in a line, and what it was.
type Link = (u64, Arc<Ancestor>);

/// One exec, as far as it concerns those that come from it.
#[derive(Debug)]
struct Exec {
    /// Itself, then those that made it, nearest first.
    line: Arc<[Link]>,
    agent: Arc<str>,
    program: Program,
    started_ns: u64,
    /// What the same process ran before it, and when that started.
    replaced: Vec<(u64, u64)>,
}

/// All of them. Its size is bounded, whatever the kernel forgets to tell.
#[derive(Debug, Default)]
pub(super) struct Execs {
    attempts: BTreeMap<u64, Exec>,
    running: BTreeMap<u64, Exec>,
    by_process: HashMap<u32, u64>,
}

impl Execs {
    /// Somebody tries. Given back are the execs that made it, nearest first, and what they were. The kernel told that,
    /// so it is the truth whatever they have written over their own argv since.
    pub(super) fn attempted(
        &mut self,
        event: &Head,
        request: &ExecRequest,
        program: Program,
    ) -> (Arc<[u64]>, Vec<Ancestor>) {
        let above = self.running.get(&event.parent).map(|parent| Arc::clone(&parent.line));
        let ancestors = match &above {
            Some(line) => line.iter().map(|(seq, _)| *seq).collect(),
            None => Arc::from_iter((event.parent != 0).then_some(event.parent)),
        };
        let above = above.unwrap_or_default();
        let lineage = above.iter().take(LINEAGE).map(|(_, ancestor)| (**ancestor).clone()).collect();
        let itself = (event.seq, Arc::new(ancestor(event.tgid, request)));
        let line = std::iter::once(itself).chain(above.iter().cloned()).take(DEEPEST).collect();
        let agent = Arc::from(request.agent.name.as_str());
        let exec = Exec { line, agent, program, started_ns: 0, replaced: Vec::new() };
        if self.attempts.len() >= ATTEMPTS {
            self.attempts.pop_first();
        }
        self.attempts.insert(event.seq, exec);
        (ancestors, lineage)
    }

    /// It runs. Given back is whose it is and what.
    pub(super) fn started(&mut self, seq: u64, process: u32, now_ns: u64) -> Option<(Arc<str>, Program)> {
        let mut exec = self.attempts.remove(&seq)?;
        exec.started_ns = now_ns;
        if let Some(before) = self.by_process.insert(process, seq)
            && let Some(replaced) = self.running.remove(&before)
        {
            exec.replaced = replaced.replaced;
            exec.replaced.push((before, replaced.started_ns));
            // A process can exec for ever.
            let too_many = exec.replaced.len().saturating_sub(DEEPEST);
            exec.replaced.drain(..too_many);
        }
        let known = (Arc::clone(&exec.agent), exec.program);
        if self.running.len() >= RUNNING {
            self.running.pop_first();
        }
        self.running.insert(seq, exec);
        Some(known)
    }

    /// It will not run.
    pub(super) fn gone(&mut self, seq: u64) {
        self.attempts.remove(&seq);
    }

    /// Its process ended. Given back is everything that ended with it, and when each had started.
    pub(super) fn ended(&mut self, seq: u64, process: u32) -> Vec<(u64, Option<u64>)> {
        if self.by_process.get(&process) == Some(&seq) {
            self.by_process.remove(&process);
        }
        match self.running.remove(&seq) {
            Some(exec) => {
                let replaced = exec.replaced.into_iter().map(|(seq, at)| (seq, Some(at)));
                replaced.chain([(seq, Some(exec.started_ns))]).collect()
            }
            None => vec![(seq, None)],
        }
    }
}

fn ancestor(pid: u32, request: &ExecRequest) -> Ancestor {
    let mut left = BYTES;
    let words = request.argv.iter().take(WORDS).take_while(|word| {
        let fits = word.len() <= left;
        left = left.saturating_sub(word.len());
        fits
    });
    Ancestor { pid, exe: request.exe.path.clone(), argv: words.cloned().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_event() -> Head {
        // SAFETY: it is made of integers and arrays of them.
        unsafe { std::mem::zeroed() }
    }

    fn attempt(execs: &mut Execs, seq: u64, parent: u64) -> Vec<u64> {
        let event = Head { seq, parent, tgid: 100, ..no_event() };
        let argv = vec![format!("number {seq}").into()];
        let request = ExecRequest { argv, ..ExecRequest::default() };
        let (ancestors, lineage) = execs.attempted(&event, &request, Program::default());
        assert!(lineage.len() <= LINEAGE);
        for (seq, ancestor) in ancestors.iter().zip(&lineage) {
            assert_eq!(ancestor.argv, [format!("number {seq}").into()]);
        }
        ancestors.to_vec()
    }

    #[test]
    fn a_line_outlives_those_in_its_middle() {
        let mut execs = Execs::default();
        attempt(&mut execs, 1, 0);
        execs.started(1, 100, 5);
        attempt(&mut execs, 2, 1);
        execs.started(2, 101, 6);
        attempt(&mut execs, 3, 2);
        execs.started(3, 102, 7);
        assert_eq!(execs.ended(2, 101), [(2, Some(6))]);
        assert_eq!(attempt(&mut execs, 4, 3), [3, 2, 1]);
    }

    #[test]
    fn what_a_process_ran_before_ends_with_it() {
        let mut execs = Execs::default();
        attempt(&mut execs, 1, 0);
        execs.started(1, 100, 5);
        attempt(&mut execs, 2, 1);
        execs.started(2, 100, 6);
        assert_eq!(execs.ended(2, 100), [(1, Some(5)), (2, Some(6))]);
        assert_eq!(execs.ended(2, 100), [(2, None)]);
    }

    #[test]
    fn what_never_starts_does_not_pile_up() {
        let mut execs = Execs::default();
        for seq in 1..=40_000 {
            attempt(&mut execs, seq, 0);
        }
        assert_eq!(execs.attempts.len(), ATTEMPTS);
        assert!(execs.started(1, 100, 5).is_none() && execs.started(40_000, 100, 5).is_some());
    }

    #[test]
    fn a_process_that_execs_for_ever_does_not_pile_up() {
        let mut execs = Execs::default();
        for seq in 1..=1_000 {
            assert!(attempt(&mut execs, seq, seq - 1).len() <= DEEPEST);
            execs.started(seq, 100, seq);
        }
        assert_eq!(execs.running.len(), 1);
        assert_eq!(execs.ended(1_000, 100).len(), DEEPEST + 1);
    }
}
