//! When the past makes an exec unusual. It can only raise: what is unusual waits for a human.

use serde::{Deserialize, Serialize};

use super::Risk;
use crate::evaluation::{Factor, Level};
use crate::history::History;

/// What counts as unusual.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AnomalyPolicy {
    /// Execs that an agent must have behind it before anything can be unusual for it.
    pub needs_history: u64,
    /// A program that the agent never ran before waits from this score on; none switches it off.
    pub first_time_from: Option<Risk>,
    /// An hour in which the agent hardly ever runs anything makes it wait from this score on; none switches it off.
    pub unusual_hour_from: Option<Risk>,
    /// An hour with less than this share of the agent's execs, in thousandths, is unusual.
    pub unusual_hour_permille: u64,
    /// More execs at MEDIUM or above than this within a minute are a burst; none switches it off.
    pub risky_per_minute: Option<u32>,
}

impl Default for AnomalyPolicy {
    fn default() -> Self {
        Self {
            needs_history: 500,
            first_time_from: Some(Risk::Score(20)),
            unusual_hour_from: Some(Risk::Level(Level::Medium)),
            unusual_hour_permille: 5,
            risky_per_minute: Some(30),
        }
    }
}

impl AnomalyPolicy {
    /// What is unusual about an exec with this score, in words. Points are 0: it does not change the score.
    pub fn findings(&self, score: u8, history: &History) -> Vec<Factor> {
        let mut findings = Vec::new();
        let mut find = |name: &str, because: String| {
            findings.push(Factor { name: format!("anomaly.{name}"), points: 0, because });
        };
        let reached = |bound: Option<Risk>| bound.is_some_and(|bound| score >= bound.floor());
        let known = history.execs >= self.needs_history;
        if known && history.of_this_program == 0 && reached(self.first_time_from) {
            find("first-time", format!("never run by this agent in {} execs before", history.execs));
        }
        let is_rare = history.in_this_hour_of_day.saturating_mul(1_000)
            < history.execs.saturating_mul(self.unusual_hour_permille);
        if known && is_rare && reached(self.unusual_hour_from) {
            let (rare, all) = (history.in_this_hour_of_day, history.execs);
            find(
                "unusual-hour",
                format!("only {rare} of this agent's {all} execs were at this hour of the day"),
            );
        }
        let burst = self.risky_per_minute.filter(|limit| history.risky_in_last_minute > *limit);
        if let Some(limit) = burst.filter(|_| score >= Risk::Level(Level::Medium).floor()) {
            let count = history.risky_in_last_minute;
            find("burst", format!("{count} execs at MEDIUM or above within a minute, over {limit}"));
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_unusual_is_found_where_it_counts() {
        let policy = AnomalyPolicy::default();
        let usual =
            History { execs: 1_000, of_this_program: 10, in_this_hour_of_day: 50, risky_in_last_minute: 0 };
        let names = |score, history: &History| -> Vec<String> {
            policy.findings(score, history).into_iter().map(|factor| factor.name).collect()
        };
        assert_eq!(names(95, &usual), [""; 0]);
        assert_eq!(names(95, &History::default()), [""; 0], "nothing is unusual for a newcomer");
        let strange =
            History { of_this_program: 0, in_this_hour_of_day: 4, risky_in_last_minute: 31, ..usual };
        assert_eq!(names(19, &strange), [""; 0]);
        assert_eq!(names(20, &strange), ["anomaly.first-time"]);
        assert_eq!(names(30, &strange), ["anomaly.first-time", "anomaly.unusual-hour", "anomaly.burst"]);
    }
}
