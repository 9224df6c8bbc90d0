//! What was aimed at, what was reached, and where it was not, what it is that costs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use expacti_bench::cost::{Cost, State};
use expacti_bench::growth::{self, Of};
use expacti_bench::peers::{Compared, Peers};
use expacti_bench::report::Report;
use expacti_bench::scale::Scale;
use expacti_bench::workloads::Workload;

use super::{more, thousands};

/// One line of the table.
struct Goal {
    what: String,
    limit: String,
    measured: String,
    /// The best of the others.
    peer: String,
    met: bool,
    /// What it is made of.
    profile: String,
}

pub(super) fn text(report: &Report) -> String {
    let peers = report.peers.as_ref().map(|section| &section.found);
    let mut goals = Vec::new();
    if let Some(cost) = &report.cost {
        goals.extend(of_instructions(&cost.found, peers));
    }
    goals.extend(peers.and_then(|peers| of_the_daemon(peers, report.cost.as_ref().map(|cost| &cost.found))));
    if let Some(scale) = &report.scale {
        goals.extend(of_scale(&scale.found, peers));
    }
    if let Some(workloads) = &report.workloads {
        goals.extend(of_workloads(&workloads.found));
    }
    goals.extend(of_rules(report));
    let mut text = "\n## Goals\n\nEach by the figures below; of a peer what it adds to the same program, where it was measured.\n\n\
         | goal | at most | measured | best peer | |\n|---|---:|---:|---|---|\n"
        .to_owned();
    for Goal { what, limit, measured, peer, met, .. } in &goals {
        let met = if *met { "met" } else { "**missed**" };
        let _ = writeln!(text, "| {what} | {limit} | {measured} | {peer} | {met} |");
    }
    let missed: Vec<&Goal> = goals.iter().filter(|goal| !goal.met).collect();
    if !missed.is_empty() {
        text.push_str("\nWhere a goal is missed, this is what costs:\n\n");
        for same in missed.chunk_by(|one, next| one.profile == next.profile) {
            let names: Vec<&str> = same.iter().map(|goal| goal.what.as_str()).collect();
            let _ = writeln!(text, "- {}: {}.", names.join("; "), same[0].profile);
        }
    }
    text
}

fn of_instructions(cost: &Cost, peers: Option<&Peers>) -> Vec<Goal> {
    let goals = [
        ("not enrolled, `nop`", "nop", State::NotEnrolled, None),
        ("not enrolled, `true`", "true", State::NotEnrolled, None),
        ("cached allow with its record, `true`", "true", State::Cached, Some(1.0)),
        ("cached allow with its record, `nop`", "nop", State::Cached, Some(8.0)),
    ];
    let goal = |(what, program, state, limit): (&str, &str, State, Option<f64>)| {
        let more_by = more(cost, program, state)?;
        let (limit, measured, met) = if let Some(limit) = limit {
            let durable = more(cost, program, State::Recorded);
            let durable = durable.map(|more| format!("; {more:+.1} % until it is in the database"));
            let measured = format!("{more_by:+.1} %{}", durable.unwrap_or_default());
            (format!("+{limit} % instructions"), measured, more_by <= limit)
        } else {
            let ours = peers.and_then(|peers| figure(peers, "expacti, not enrolled", program))?;
            let told = if ours.added.holds_zero() { "not distinguishable" } else { "distinguishable" };
            let measured = format!(
                "{told} ({:+.0} to {:+.0} µs); {more_by:+.1} % instructions",
                ours.added.low, ours.added.high
            );
            ("not distinguishable in time".to_owned(), measured, ours.added.holds_zero())
        };
        Some(Goal {
            what: what.to_owned(),
            limit,
            measured,
            peer: peers.and_then(|peers| best(peers, program)).map_or_else(unknown, added),
            met,
            profile: hooks(cost, state),
        })
    };
    goals.into_iter().filter_map(goal).collect()
}

/// What one of them adds to a program on an idle machine.
fn figure<'p>(peers: &'p Peers, peer: &str, program: &str) -> Option<&'p Compared> {
    peers.figures.iter().find(|figure| figure.hogs == 0 && figure.program == program && figure.peer == peer)
}

/// What each of our programs in the kernel executes for it.
fn hooks(cost: &Cost, state: State) -> String {
    let mut hooks: Vec<_> = cost.hooks.iter().filter(|hook| hook.state == state).collect();
    hooks.sort_by(|a, b| b.instructions.total_cmp(&a.instructions));
    let each: Vec<String> =
        hooks.iter().map(|hook| format!("`{}` {:.0}", hook.name, hook.instructions)).collect();
    let added = cost.of("nop", state).zip(cost.of("nop", State::None));
    let added = added.map_or(0, |(with, bare)| with.instructions.saturating_sub(bare.instructions));
    format!(
        "it adds {} instructions to `nop`; those of our programs in the kernel, each with what counting them costs: {}",
        thousands(added),
        each.join(", ")
    )
}

/// The cheapest of the others for a program.
fn best<'p>(peers: &'p Peers, program: &str) -> Option<&'p Compared> {
    let others = peers.figures.iter().filter(|figure| {
        figure.hogs == 0 && figure.program == program && !figure.peer.starts_with("expacti")
    });
    others.min_by(|a, b| a.added.median.total_cmp(&b.added.median))
}

fn added(figure: &Compared) -> String {
    if figure.added.holds_zero() {
        return format!("{}: not distinguishable", figure.peer);
    }
    let share = figure.added.median / figure.bare * 100.0;
    format!("{}: {:+.0} µs, {share:+.1} %", figure.peer, figure.added.median)
}

fn unknown() -> String {
    "-".to_owned()
}

/// Asked each time, it should still be cheaper than whoever knows the answer.
fn of_the_daemon(peers: &Peers, cost: Option<&Cost>) -> Option<Goal> {
    let ours = figure(peers, "expacti, allowed by the daemon", "nop")?;
    let peer = best(peers, "nop")?;
    let asked = cost.and_then(|cost| cost.of("nop", State::Asked));
    let profile = asked.map_or_else(unknown, |asked| {
        let threads: BTreeMap<_, _> =
            asked.threads.iter().map(|(name, sum)| (name.clone(), thousands(*sum))).collect();
        format!(
            "of {} instructions until the record is in the database {} are the daemon's ({}), the others are the \
             exec's, which goes round while it waits",
            thousands(asked.instructions),
            thousands(asked.daemons),
            listed(&threads)
        )
    });
    Some(Goal {
        what: "allowed by the daemon, `nop`: below every peer's cached figure".to_owned(),
        limit: format!("{:+.0} µs", peer.added.median),
        measured: format!("{:+.0} µs", ours.added.median),
        peer: added(peer),
        met: ours.added.high < peer.added.median,
        profile,
    })
}

fn of_scale(scale: &Scale, peers: Option<&Peers>) -> Vec<Goal> {
    let mut goals = Vec::new();
    if let Some(worst) = scale.storms.iter().min_by(|a, b| a.share().total_cmp(&b.share())) {
        let lost: u64 = scale.storms.iter().map(|storm| storm.made.abs_diff(storm.seen)).sum();
        let threads: BTreeMap<_, _> =
            worst.threads.iter().map(|(name, time)| (name.clone(), format!("{time:.0} µs"))).collect();
        let peer = peers.and_then(|peers| best(peers, "nop")).map(|peer| {
            let left = peer.bare / (peer.bare + peer.added.median.max(0.0)) * 100.0;
            format!("{}: {left:.0} % by what it adds to one exec", peer.peer)
        });
        goals.push(Goal {
            what: format!("storm of {} workers: rate of the ungated, none lost", worst.workers),
            limit: "at least 95 %, 0 lost".to_owned(),
            measured: format!("{:.0} %, {lost} lost", worst.share() * 100.0),
            peer: peer.unwrap_or_else(unknown),
            met: worst.share() >= 0.95 && lost == 0,
            profile: format!(
                "an exec takes {:.0} µs of a processor without a gate, and the daemon takes {:.0} µs on the same two \
                 processors to record it ({})",
                1e6 / worst.bare * if worst.workers > 1 { 2.0 } else { 1.0 },
                worst.daemon_us(),
                listed(&threads)
            ),
        });
    }
    let idle = &scale.idle;
    goals.push(Goal {
        what: "daemon's memory after its start".to_owned(),
        limit: "30 MiB".to_owned(),
        measured: format!("{:.1} MiB", idle.resident_mib),
        peer: unknown(),
        met: idle.resident_mib <= 30.0,
        profile: format!(
            "it allocated {:.1} MiB; {:.1} MiB are of files that it maps (its program, its database), {:.1} MiB the ring \
             that it shares with the kernel, mapped twice",
            idle.allocated_mib, idle.files_mib, idle.ring_mib
        ),
    });
    let rate: f64 = idle.wakeups.iter().map(|(_, rate)| rate).sum();
    let threads: BTreeMap<_, _> =
        idle.wakeups.iter().map(|(name, rate)| (name.clone(), format!("{rate:.1}"))).collect();
    goals.push(Goal {
        what: "wake-ups when idle".to_owned(),
        limit: "none".to_owned(),
        measured: format!("{rate:.1} a second"),
        peer: unknown(),
        met: rate == 0.0,
        profile: format!("its threads wake up so often in a second: {}", listed(&threads)),
    });
    goals
}

fn of_workloads(workloads: &[Workload]) -> Vec<Goal> {
    let wanted = workloads.iter().filter(|workload| ["configure", "make"].contains(&workload.name.as_str()));
    let goal = |workload: &Workload| {
        let Workload { name, execs, cached, bare, added, not_timed, .. } = workload;
        let (measured, met) = match added {
            None if workload.trouble.is_some() => ("not measured".to_owned(), false),
            None => (format!("not timed: {}", super::one_line(not_timed)), false),
            Some(added) => {
                let percent = |value: f64| value / bare * 100.0;
                let told = if added.holds_zero() { "not distinguishable, " } else { "" };
                let interval = format!(
                    "{told}{:+.1} % ({:+.1} to {:+.1} %)",
                    percent(added.median),
                    percent(added.low),
                    percent(added.high)
                );
                (interval, percent(added.median) <= 1.0)
            }
        };
        Goal {
            what: format!("wall time of {name}, warm"),
            limit: "+1 %".to_owned(),
            measured,
            peer: unknown(),
            met,
            profile: format!(
                "of {execs} execs in {bare:.1} s the kernel's cache allows {cached}, and the daemon is asked about the \
                 others, each at the price of an exec that is allowed by the daemon"
            ),
        }
    };
    wanted.map(goal).collect()
}

/// With 100,000 rules: in the guest with everything around, and alone.
fn of_rules(report: &Report) -> Vec<Goal> {
    let mut goals = Vec::new();
    let goal = |what: &str, ratio: f64| Goal {
        what: what.to_owned(),
        limit: "3 times that with 10".to_owned(),
        measured: format!("{ratio:.2} times"),
        peer: unknown(),
        met: ratio <= 3.0,
        profile: "see the figures under Growth".to_owned(),
    };
    if let Some(ratio) = report.growth.as_ref().and_then(|section| {
        let asked: Vec<_> = growth::of(&section.found, Of::Rules).collect();
        let (first, last) = (asked.first()?, asked.last()?);
        #[expect(clippy::cast_precision_loss, reason = "instructions of one exec")]
        (first.0 == 10 && last.0 == 100_000).then(|| last.1.asked as f64 / first.1.asked as f64)
    }) {
        goals.push(goal("exec that the daemon allows, with 100,000 rules", ratio));
    }
    if let Some(ratio) = report.decisions.as_deref().and_then(worst_ratio) {
        goals.push(goal("decision alone, with 100,000 rules", ratio));
    }
    goals
}

/// The largest of the ratios that end the lines of `cargo bench`.
fn worst_ratio(decisions: &str) -> Option<f64> {
    let ratios =
        decisions.lines().filter_map(|line| line.split_whitespace().last()?.strip_prefix('x')?.parse().ok());
    ratios.max_by(f64::total_cmp)
}

/// Names with what is said of each.
fn listed(each: &BTreeMap<String, String>) -> String {
    let each: Vec<String> = each.iter().map(|(name, said)| format!("`{name}` {said}")).collect();
    each.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use expacti_bench::scale::{Idle, Storm};
    use expacti_bench::statistics::Interval;

    #[test]
    fn the_worst_ratio_counts() {
        let text =
            "loading 100,000 rules: 9 ms\nexact  10 rules: 343  x1.01\nrest  10 rules: 4  x3.50\nno  x0.99\n";
        assert_eq!(worst_ratio(text), Some(3.5));
        assert_eq!(worst_ratio("loading"), None);
    }

    #[test]
    fn a_storm_is_as_good_as_its_worst_and_says_what_it_lost() {
        let storm = |workers, gated, seen| Storm {
            workers,
            bare: 1000.0,
            gated,
            made: 100,
            seen,
            drained_ms: 0,
            ring_full: 0,
            notes_lost: 0,
            ring_most: 0,
            threads: BTreeMap::from([("ring".to_owned(), 70.0)]),
        };
        let storms = vec![storm(1, 990.0, 100), storm(4, 960.0, 99)];
        let goals = of_scale(&Scale { storms, idle: Idle::default() }, None);
        assert_eq!(goals[0].measured, "96 %, 1 lost");
        assert!(!goals[0].met, "nothing may be lost");
        assert!(goals[0].profile.contains("`ring` 70 µs"), "{}", goals[0].profile);
        assert!(goals[2].met, "a silent daemon");
    }

    #[test]
    fn the_daemon_is_compared_with_the_cheapest_of_the_others() {
        let figure = |peer: &str, median: f64| Compared {
            peer: peer.to_owned(),
            program: "nop".to_owned(),
            hogs: 0,
            bare: 1000.0,
            added: Interval { median, low: median - 1.0, high: median + 1.0 },
            pairs: 16,
        };
        let ours = figure("expacti, allowed by the daemon", 300.0);
        let figures = vec![ours, figure("a", 400.0), figure("b", 350.0)];
        let mut peers = Peers { figures, ..Peers::default() };
        let goal = of_the_daemon(&peers, None).unwrap();
        assert_eq!((goal.peer.as_str(), goal.met), ("b: +350 µs, +35.0 %", true));
        peers.figures.push(figure("c", 200.0));
        assert!(!of_the_daemon(&peers, None).unwrap().met);
    }
}
