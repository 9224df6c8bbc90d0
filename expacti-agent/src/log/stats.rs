//! `expacti log stats`: who ran what, how much of it needed a human, and how long that took.

use expacti_core::record::filter::Filter;
use serde::Serialize;
use sqlx::{AssertSqlSafe, Row as _};

use super::encode::human_deciders;
use super::index::day;
use super::names::Kind;
use super::store::on;
use super::{LogError, Reader};

/// Reviews beyond this many are not looked at one by one; the newest count.
const REVIEWS: usize = 20_000;

/// Numbers over a period of whole days.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Stats {
    /// The first day, as `2026-11-20`; empty where nothing limits it.
    pub since: String,
    /// Decided attempts.
    pub total: u64,
    /// Let through.
    pub allowed: u64,
    /// Refused.
    pub denied: u64,
    /// Gone before they were decided.
    pub withdrawn: u64,
    /// Share of the allowed ones that no human looked at, in percent.
    pub allowed_without_a_human_percent: f64,
    /// By agent and day, newest day first.
    pub days: Vec<Day>,
    /// The commonest commands.
    pub commands: Vec<Counted>,
    /// How long humans took, from the attempt to the verdict.
    pub reviews: Reviews,
}

/// One agent's day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Day {
    /// Such as `2026-11-20`, in UTC.
    pub date: String,
    /// The agent's name.
    pub agent: String,
    /// Let through.
    pub allowed: u64,
    /// Refused.
    pub denied: u64,
    /// Decided by humans, or denied for want of them.
    pub reviewed: u64,
}

/// How often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// The program and its subcommand.
    pub command: String,
    /// How often it was tried.
    pub count: u64,
    /// How often it was refused.
    pub denied: u64,
}

/// Times in seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Reviews {
    /// How many were looked at.
    pub count: usize,
    /// Half took less.
    pub p50: f64,
    /// Nine of ten took less.
    pub p90: f64,
    /// The longest.
    pub max: f64,
}

impl Reader {
    /// Numbers since the day of `filter.since`, for `filter.agent` or all. Other parts of a filter are refused.
    pub async fn stats(&self, filter: &Filter) -> Result<Stats, LogError> {
        let known = Filter {
            agent: filter.agent.clone(),
            since: filter.since,
            until: filter.until,
            ..Filter::default()
        };
        if *filter != known {
            return Err(LogError::BadInput(
                "statistics can be limited by agent, since and until only".into(),
            ));
        }
        let mut conditions = vec!["1 = 1".to_owned()];
        let since = filter.since.map(day);
        conditions.extend(since.map(|day| format!("t.day >= {day}")));
        conditions.extend(filter.until.map(|until| format!("t.day <= {}", day(until))));
        if let Some(agent) = &filter.agent {
            let id = self.name(Kind::Agent, agent).await?;
            let none = || LogError::NotFound(format!("there is no agent '{agent}' in the log"));
            conditions.push(format!("t.agent = {}", id.ok_or_else(none)?));
        }
        let conditions = conditions.join(" AND ");
        let mut stats = Stats { since: since.map(date).unwrap_or_default(), ..Stats::default() };
        self.days(&conditions, &mut stats).await?;
        self.commands(&conditions, &mut stats).await?;
        stats.reviews = self
            .reviews(&conditions.replace("t.day", "(a.at / 86400000000)").replace("t.agent", "a.agent"))
            .await?;
        Ok(stats)
    }

    async fn days(&self, conditions: &str, stats: &mut Stats) -> Result<(), LogError> {
        let sql = format!(
            "SELECT t.day, n.text, t.state, t.human, CAST(sum(t.count) AS BIGINT) FROM tally t JOIN names n ON n.id = t.agent
             WHERE {conditions} GROUP BY t.day, n.text, t.state, t.human ORDER BY t.day DESC, n.text"
        );
        let rows: Vec<(i64, String, i64, i64, i64)> = on!(Pool, &self.pool, pool => {
            sqlx::query_as(AssertSqlSafe(sql)).fetch_all(pool).await?
        });
        let mut alone = 0;
        for (number, agent, state, human, count) in rows {
            let (date, count) = (date(number), count.unsigned_abs());
            if stats.days.last().is_none_or(|last| last.date != date || last.agent != agent) {
                stats.days.push(Day { date, agent, allowed: 0, denied: 0, reviewed: 0 });
            }
            let Some(last) = stats.days.last_mut() else { continue };
            last.reviewed += count * human.unsigned_abs();
            stats.total += count;
            match state {
                1 => (last.allowed, stats.allowed) = (last.allowed + count, stats.allowed + count),
                2 => (last.denied, stats.denied) = (last.denied + count, stats.denied + count),
                _ => stats.withdrawn += count,
            }
            alone += if state == 1 && human == 0 { count } else { 0 };
        }
        #[expect(clippy::cast_precision_loss, reason = "a share in percent needs no more than a few digits")]
        let percent = if stats.allowed == 0 { 0.0 } else { alone as f64 * 100.0 / stats.allowed as f64 };
        stats.allowed_without_a_human_percent = (percent * 10.0).round() / 10.0;
        Ok(())
    }

    async fn commands(&self, conditions: &str, stats: &mut Stats) -> Result<(), LogError> {
        let sql = format!(
            "SELECT n.text, CAST(sum(t.count) AS BIGINT) AS all_of_them,
                 CAST(sum(CASE WHEN t.state = 2 THEN t.count ELSE 0 END) AS BIGINT)
             FROM tally t JOIN names n ON n.id = t.command WHERE {conditions}
             GROUP BY n.text ORDER BY all_of_them DESC, n.text LIMIT 20"
        );
        let rows: Vec<(String, i64, i64)> = on!(Pool, &self.pool, pool => {
            sqlx::query_as(AssertSqlSafe(sql)).fetch_all(pool).await?
        });
        let counted = |(command, count, denied): (String, i64, i64)| Counted {
            command,
            count: count.unsigned_abs(),
            denied: denied.unsigned_abs(),
        };
        stats.commands = rows.into_iter().map(counted).collect();
        Ok(())
    }

    async fn reviews(&self, conditions: &str) -> Result<Reviews, LogError> {
        let mut times = Vec::new();
        for decider in human_deciders() {
            let Some(id) = self.name(Kind::Decider, &decider).await? else { continue };
            let sql = format!(
                "SELECT held_us FROM attempts a WHERE a.decider = {id} AND a.held_us IS NOT NULL AND {conditions}
                 ORDER BY a.id DESC LIMIT {REVIEWS}"
            );
            on!(Pool, &self.pool, pool => {
                for row in sqlx::query(AssertSqlSafe(sql)).fetch_all(pool).await? {
                    times.push(row.try_get::<i64, _>(0)?);
                }
            });
        }
        times.sort_unstable();
        let at = |percent: usize| {
            let index = (times.len() * percent / 100).min(times.len().saturating_sub(1));
            #[expect(clippy::cast_precision_loss, reason = "seconds for people")]
            times.get(index).map_or(0.0, |&us| (us / 1000) as f64 / 1000.0)
        };
        Ok(Reviews { count: times.len(), p50: at(50), p90: at(90), max: at(100) })
    }
}

fn date(day: i64) -> String {
    let time = expacti_core::record::attempt::rfc3339(day.saturating_mul(86_400_000_000));
    time.split('T').next().unwrap_or_default().to_owned()
}
