//! What is counted, as Prometheus reads it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use expacti_core::docket::{Author, Outcome};
use expacti_core::record::entry::Decider;

/// Upper bounds of waiting times, in seconds.
const BOUNDS: [f64; 9] = [0.001, 0.01, 0.1, 1.0, 10.0, 60.0, 300.0, 1800.0, 7200.0];

/// Everything that is counted since the daemon started.
#[derive(Debug, Default)]
pub(crate) struct Metrics(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// By agent.
    attempts: BTreeMap<String, u64>,
    /// By agent, allowed or denied, and by what.
    decided: BTreeMap<(String, bool, &'static str), u64>,
    /// What would have been held or denied where an agent is only watched.
    shadowed: BTreeMap<(String, &'static str), u64>,
    /// By what ended the wait.
    waits: BTreeMap<&'static str, Histogram>,
    ring_lag_ns: u64,
    ring_burst: u64,
    reloads: u64,
    failed_reloads: u64,
    alarms: u64,
}

#[derive(Debug, Default)]
struct Histogram {
    buckets: [u64; BOUNDS.len()],
    count: u64,
    sum: f64,
}

/// What would have become of an exec that ran because its agent is only watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Would {
    BeHeld,
    BeDenied,
    /// It was over before all of it was seen.
    NotBeKnown,
}

impl Metrics {
    /// An attempt was seen, this long after it happened.
    pub(crate) fn attempt(&self, agent: &str, lag_ns: u64) {
        let mut counts = self.counts();
        *counts.attempts.entry(agent.to_owned()).or_default() += 1;
        counts.ring_lag_ns = counts.ring_lag_ns.max(lag_ns);
    }

    /// So many events were in the ring when it was read.
    pub(crate) fn burst(&self, events: u64) {
        let mut counts = self.counts();
        counts.ring_burst = counts.ring_burst.max(events);
    }

    /// It was decided by the kernel.
    pub(crate) fn decided(&self, agent: &str, allow: bool, by: &Decider) {
        *self.counts().decided.entry((agent.to_owned(), allow, kind(by))).or_default() += 1;
    }

    /// It ended at the desk.
    pub(crate) fn ended(&self, agent: &str, outcome: &Outcome, held_ms: u64) {
        let (allow, by) = match outcome {
            Outcome::Allowed { by, .. } => (true, author(by)),
            Outcome::Denied { by, .. } => (false, author(by)),
            Outcome::TimedOut { .. } => (false, "timeout"),
            Outcome::Withdrawn { .. } => return,
        };
        let mut counts = self.counts();
        *counts.decided.entry((agent.to_owned(), allow, by)).or_default() += 1;
        counts.waits.entry(by).or_default().add(held_ms);
    }

    /// It ran because the agent is only watched, and would not have by itself, or nobody knows.
    pub(crate) fn shadowed(&self, agent: &str, would: Would) {
        let would = match would {
            Would::BeHeld => "held",
            Would::BeDenied => "denied",
            Would::NotBeKnown => "unknown",
        };
        *self.counts().shadowed.entry((agent.to_owned(), would)).or_default() += 1;
    }

    /// Configuration and rules were read again, or not.
    pub(crate) fn reload(&self, done: bool) {
        let mut counts = self.counts();
        if done { counts.reloads += 1 } else { counts.failed_reloads += 1 }
    }

    /// Something happened that must not.
    pub(crate) fn alarm(&self) {
        self.counts().alarms += 1;
    }

    /// Execs of an agent, and how many of them were denied.
    pub(crate) fn of(&self, agent: &str) -> (u64, u64) {
        let counts = self.counts();
        let denied = counts.decided.iter().filter(|((of, allow, _), _)| of == agent && !allow);
        (counts.attempts.get(agent).copied().unwrap_or_default(), denied.map(|(_, count)| count).sum())
    }

    /// All of it in Prometheus' text format.
    pub(crate) fn text(&self) -> String {
        let counts = self.counts();
        let mut page = Page::default();
        page.family("expacti_attempts_total", "counter", "Execs of agents that were seen.");
        for (agent, count) in &counts.attempts {
            page.sample("expacti_attempts_total", &[("agent", agent)], count);
        }
        page.family("expacti_decisions_total", "counter", "Execs by how they were decided and by what.");
        for ((agent, allow, by), count) in &counts.decided {
            let decision = if *allow { "allowed" } else { "denied" };
            page.sample(
                "expacti_decisions_total",
                &[("agent", agent), ("decision", decision), ("by", by)],
                count,
            );
        }
        page.family(
            "expacti_shadow_total",
            "counter",
            "Execs that would have been held or denied, had they not only been watched, or of which that is not known.",
        );
        for ((agent, would), count) in &counts.shadowed {
            page.sample("expacti_shadow_total", &[("agent", agent), ("would", would)], count);
        }
        page.family("expacti_wait_seconds", "histogram", "From attempt to verdict, by what decided.");
        for (by, histogram) in &counts.waits {
            histogram.write(&mut page, "expacti_wait_seconds", by);
        }
        page.family("expacti_ring_lag_seconds", "gauge", "The longest that an event waited in the ring.");
        page.sample("expacti_ring_lag_seconds", &[], &seconds(counts.ring_lag_ns));
        page.family(
            "expacti_ring_burst_events",
            "gauge",
            "The most events that were read from the ring at one go.",
        );
        page.sample("expacti_ring_burst_events", &[], &counts.ring_burst);
        page.family("expacti_reloads_total", "counter", "Reloads of configuration and rules.");
        page.sample("expacti_reloads_total", &[("result", "done")], &counts.reloads);
        page.sample("expacti_reloads_total", &[("result", "refused")], &counts.failed_reloads);
        page.family("expacti_alarms_total", "counter", "Things that happened and must not.");
        page.sample("expacti_alarms_total", &[], &counts.alarms);
        page.0
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // Numbers are whole whoever panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Histogram {
    #[expect(clippy::cast_precision_loss, reason = "waiting times are far below 2^52 ms")]
    fn add(&mut self, held_ms: u64) {
        let held = held_ms as f64 / 1000.0;
        for (bucket, bound) in self.buckets.iter_mut().zip(BOUNDS) {
            *bucket += u64::from(held <= bound);
        }
        self.count += 1;
        self.sum += held;
    }

    fn write(&self, page: &mut Page, name: &str, by: &str) {
        for (bucket, bound) in self.buckets.iter().zip(BOUNDS) {
            page.sample(&format!("{name}_bucket"), &[("by", by), ("le", &bound.to_string())], bucket);
        }
        page.sample(&format!("{name}_bucket"), &[("by", by), ("le", "+Inf")], &self.count);
        page.sample(&format!("{name}_sum"), &[("by", by)], &self.sum);
        page.sample(&format!("{name}_count"), &[("by", by)], &self.count);
    }
}

/// A page of samples in the making.
#[derive(Default)]
pub(super) struct Page(pub(super) String);

impl Page {
    pub(super) fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing into a string cannot fail.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    pub(super) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: &impl std::fmt::Display) {
        let escaped = |text: &str| text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
        let labels: Vec<String> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        // As above.
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge for people")]
fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

/// Without names of rules and reviewers: a label must not grow without bound.
fn kind(by: &Decider) -> &'static str {
    match by {
        Decider::Rule { .. } => "rule",
        Decider::Cache => "cache",
        Decider::Grant { .. } => "grant",
        Decider::Threshold => "threshold",
        Decider::Anomaly => "anomaly",
        Decider::Incomplete => "incomplete",
        Decider::Reviewers { .. } => "reviewers",
        Decider::Timeout => "timeout",
        Decider::FailMode => "fail-mode",
        Decider::Quota => "quota",
        Decider::Mismatch => "mismatch",
        Decider::Observe => "observe",
    }
}

fn author(by: &Author) -> &'static str {
    match by {
        Author::Engine { decided_by } => kind(&Decider::from(decided_by)),
        Author::Grant { .. } => "grant",
        Author::Humans { .. } => "reviewers",
        Author::Timeout => "timeout",
        Author::Quota => "quota",
        Author::Stopped { .. } | Author::Killed { .. } => "stopped",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_told_as_prometheus_reads_them() {
        let metrics = Metrics::default();
        metrics.attempt("a\"b", 2_000_000_000);
        metrics.decided("a\"b", true, &Decider::Cache);
        metrics.ended("a\"b", &Outcome::TimedOut { reason: String::new() }, 5_000);
        metrics.shadowed("a\"b", Would::BeHeld);
        metrics.shadowed("a\"b", Would::NotBeKnown);
        assert_eq!(metrics.of("a\"b"), (1, 1));
        let text = metrics.text();
        for line in [
            r#"expacti_attempts_total{agent="a\"b"} 1"#,
            r#"expacti_decisions_total{agent="a\"b",decision="allowed",by="cache"} 1"#,
            r#"expacti_decisions_total{agent="a\"b",decision="denied",by="timeout"} 1"#,
            r#"expacti_shadow_total{agent="a\"b",would="held"} 1"#,
            r#"expacti_shadow_total{agent="a\"b",would="unknown"} 1"#,
            r#"expacti_wait_seconds_bucket{by="timeout",le="1"} 0"#,
            r#"expacti_wait_seconds_bucket{by="timeout",le="10"} 1"#,
            r#"expacti_wait_seconds_sum{by="timeout"} 5"#,
            "expacti_ring_lag_seconds 2",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
