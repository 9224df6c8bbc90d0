//! A made-up past in a real exec log: what the same agents would have run in the last two weeks.

use expacti_agent::log::{Durability, Log, NotLogged};
use expacti_core::evaluation::{Decision, Evaluation};
use expacti_core::history::History;
use expacti_core::record::entry::{AttemptId, Attempted, BootId, Change, Decider, Entry, Verdict};
use expacti_core::request::ExecRequest;

use crate::daemon::engine::Engine;
use crate::daemon::ledger;

/// How far back it goes, in microseconds.
const SPAN: u64 = 14 * 86_400 * 1_000_000;
/// How many entries may be on their way.
const WINDOW: usize = 4_096;
const REVIEWERS: [&str; 3] = ["alice", "bob", "carol"];

/// Writes `count` attempts, evenly spread up to now.
pub(crate) async fn write(
    log: &Log,
    requests: &[ExecRequest],
    engine: &Engine,
    count: u64,
) -> Result<(), NotLogged> {
    let boot = random_boot();
    let judged =
        requests.iter().map(|request| (request, engine.judge(request, &[], &History::default()).evaluation));
    // What may run is what mostly runs.
    let (usual, other): (Vec<_>, Vec<_>) =
        judged.partition(|(_, evaluation)| evaluation.decision == Decision::Allow);
    let end = ledger::now().unsigned_abs();
    let mut receipts = Vec::new();
    for number in 0..count {
        let random = scatter(number);
        let among = if random.is_multiple_of(12) || usual.is_empty() { &other } else { &usual };
        let place = usize::try_from(random / 12).unwrap_or(0) % among.len().max(1);
        let Some((request, evaluation)) = among.get(place) else { continue };
        let at = (end - SPAN + SPAN / count * number).cast_signed();
        for entry in life(AttemptId { boot, sequence: number + 1 }, at, random, request, evaluation) {
            receipts.push(log.append(entry, Durability::Batched)?);
        }
        if receipts.len() >= WINDOW {
            for receipt in receipts.drain(..) {
                receipt.await?;
            }
        }
    }
    for receipt in receipts {
        receipt.await?;
    }
    Ok(())
}

/// One attempt from its beginning to its end. Every ninth starts what comes behind it.
fn life(id: AttemptId, at: i64, random: u64, request: &ExecRequest, evaluation: &Evaluation) -> Vec<Entry> {
    let entry = |after: u64, change| Entry { at: at + after.cast_signed(), attempt: Some(id), change };
    let mut request = request.clone();
    let (pid, parent) = pids(id.sequence);
    if let Some(first) = request.lineage.first_mut() {
        first.pid = parent;
    }
    let allow = evaluation.decision == Decision::Allow;
    let verdict = |allow, decider, because: &str, held| Verdict {
        allow,
        decider,
        because: because.to_owned(),
        held,
        review: None,
    };
    let engine = Decider::from(&evaluation.decided_by);
    let at_once =
        (evaluation.decision != Decision::Hold).then(|| verdict(allow, engine, "by the rules", 180));
    let attempted = Attempted {
        pid,
        ppid: parent,
        request,
        evaluation: evaluation.clone(),
        engine: env!("CARGO_PKG_VERSION").to_owned(),
        verdict: at_once,
        masked: Vec::new(),
    };
    let mut entries = vec![entry(0, Change::Attempted(Box::new(attempted)))];
    let mut runs = allow;
    if evaluation.decision == Decision::Hold {
        let held = 3_000_000 + random % 90_000_000;
        let deadline = at + 300_000_000;
        entries.push(entry(10, Change::Held { approvals: evaluation.approvals, deadline, after: false }));
        let (approve, lost) = (random % 10 < 7, random % 10 == 9);
        let names: Vec<String> = (0..usize::from(evaluation.approvals.max(1)))
            .map(|which| {
                REVIEWERS[(which + usize::try_from(random).unwrap_or(0)) % REVIEWERS.len()].to_owned()
            })
            .collect();
        if lost {
            let timeout = verdict(false, Decider::Timeout, "nobody answered in time", 300_000_000);
            entries.push(entry(300_000_000, Change::Decided(timeout)));
        } else {
            for reviewer in names.iter().cloned() {
                let (scope, note) = if approve { ("once", "") } else { ("", "use a branch, please") };
                let (scope, note, via) = (scope.to_owned(), note.to_owned(), "web".to_owned());
                entries.push(entry(held, Change::Voted { reviewer, approve, scope, note, via }));
            }
            let because = if approve { "approved" } else { "denied: use a branch, please" };
            let decided = verdict(approve, Decider::Reviewers { names }, because, held);
            entries.push(entry(held, Change::Decided(decided)));
            runs = approve;
        }
    }
    if runs {
        let code = Some(i32::from(random.is_multiple_of(23)));
        entries.push(entry(100_000_000, Change::Exited { code, signal: None, duration: 99_000_000 }));
    }
    entries
}

/// The process of an attempt and its parent.
fn pids(sequence: u64) -> (u32, u32) {
    let pid = |sequence: u64| 10_000 + u32::try_from(sequence % 4_000_000).unwrap_or(0);
    let first = sequence - sequence % 9;
    (pid(sequence), if sequence == first { 4_242 } else { pid(first) })
}

/// A life of a gate that nobody had before.
pub(crate) fn random_boot() -> BootId {
    let mut bytes = [7; 16];
    // Without randomness two simulations share a name, and nothing else.
    let _ = getrandom::fill(&mut bytes);
    BootId(u128::from_ne_bytes(bytes))
}

/// A number that looks random and is the same in every run.
fn scatter(number: u64) -> u64 {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32
}
