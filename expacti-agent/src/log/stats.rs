//! `expacti log stats`: who ran what, how much of it needed a human, and how long that took.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use expacti_core::record::attempt::State;
use expacti_core::record::filter::Filter;
use serde::Serialize;
use sqlx::{AssertSqlSafe, Row as _};

use super::encode::human_deciders;
use super::index::{code, day};
use super::names::Kind;
use super::store::{on, signed};
use super::tail::Tail;
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
    /// Those that waited for humans most often.
    pub held: Vec<Counted>,
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
    /// How often humans decided it, or it was refused for want of them.
    pub reviewed: u64,
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

/// Day, agent, command, state and whether a human decided: how many.
type Tally = BTreeMap<(i64, String, String, i64, i64), i64>;

/// Microseconds.
const DAY: i64 = 86_400_000_000;
/// How many commands are listed.
const COMMANDS: usize = 20;

impl Stats {
    fn count(&mut self, tally: &Tally) {
        let mut alone = 0;
        let mut commands: HashMap<&str, Counted> = HashMap::new();
        let mut days: BTreeMap<(Reverse<i64>, &str), Day> = BTreeMap::new();
        for ((number, agent, command, state, human), &count) in tally {
            let count = u64::try_from(count).unwrap_or(0);
            if count == 0 {
                continue;
            }
            let day = days.entry((Reverse(*number), agent)).or_insert_with(|| Day {
                date: date(*number),
                agent: agent.clone(),
                allowed: 0,
                denied: 0,
                reviewed: 0,
            });
            let of_command = commands.entry(command).or_insert_with(|| Counted {
                command: command.clone(),
                count: 0,
                denied: 0,
                reviewed: 0,
            });
            of_command.reviewed += count * human.unsigned_abs();
            day.reviewed += count * human.unsigned_abs();
            (self.total, of_command.count) = (self.total + count, of_command.count + count);
            match state {
                1 => (day.allowed, self.allowed) = (day.allowed + count, self.allowed + count),
                2 => {
                    (day.denied, self.denied) = (day.denied + count, self.denied + count);
                    of_command.denied += count;
                }
                _ => self.withdrawn += count,
            }
            alone += if *state == 1 && *human == 0 { count } else { 0 };
        }
        #[expect(clippy::cast_precision_loss, reason = "a share in percent needs no more than a few digits")]
        let percent = if self.allowed == 0 { 0.0 } else { alone as f64 * 100.0 / self.allowed as f64 };
        self.allowed_without_a_human_percent = (percent * 10.0).round() / 10.0;
        self.days = days.into_values().collect();
        let commands: Vec<Counted> = commands.into_values().collect();
        self.held = most_of(commands.iter().filter(|of| of.reviewed > 0).cloned(), |of| of.reviewed);
        self.commands = most_of(commands, |of| of.count);
    }
}

/// Those with the highest numbers.
fn most_of(commands: impl IntoIterator<Item = Counted>, number: impl Fn(&Counted) -> u64) -> Vec<Counted> {
    let mut commands: Vec<Counted> = commands.into_iter().collect();
    commands.sort_by(|a, b| number(b).cmp(&number(a)).then_with(|| a.command.cmp(&b.command)));
    commands.truncate(COMMANDS);
    commands
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
        let whole_days = Filter {
            since: since.map(|day| day.saturating_mul(DAY)),
            until: filter.until.map(|until| (day(until) + 1).saturating_mul(DAY)),
            ..filter.clone()
        };
        let tail = self.tail(&whole_days).await?;
        let mut tally = self.tally(&conditions).await?;
        self.add_tail(&tail, &mut tally).await?;
        stats.count(&tally);
        let conditions = conditions.replace("t.day", "(a.at / 86400000000)").replace("t.agent", "a.agent");
        stats.reviews = self.reviews(&conditions, &tail).await?;
        Ok(stats)
    }

    async fn tally(&self, conditions: &str) -> Result<Tally, LogError> {
        let sql = format!(
            "SELECT t.day, g.text, c.text, t.state, t.human, t.count FROM tally t
             JOIN names g ON g.id = t.agent JOIN names c ON c.id = t.command WHERE {conditions}"
        );
        let rows: Vec<(i64, String, String, i64, i64, i64)> = on!(Pool, &self.pool, pool => {
            sqlx::query_as(AssertSqlSafe(sql)).fetch_all(pool).await?
        });
        let mut tally = Tally::new();
        for (day, agent, command, state, human, count) in rows {
            *tally.entry((day, agent, command, state, human)).or_default() += count;
        }
        Ok(tally)
    }

    /// Counts what the index has not counted yet, and takes back what it counted as it was before.
    async fn add_tail(&self, tail: &Tail, tally: &mut Tally) -> Result<(), LogError> {
        for (&row, fresh) in tail.all() {
            const BEFORE: &str = "SELECT state, human FROM attempts WHERE id = $1";
            let before: Option<(i64, i64)> = on!(Pool, &self.pool, pool => {
                sqlx::query_as(BEFORE).bind(row).fetch_optional(pool).await?
            });
            let human = fresh.decided.as_ref().is_some_and(|decided| decided.human);
            let mut add = |(state, human), by| {
                let (agent, command) = (fresh.begun.agent.clone(), fresh.begun.command.clone());
                if state != code(State::Pending) {
                    *tally.entry((day(fresh.at), agent, command, state, human)).or_default() += by;
                }
            };
            if let Some(before) = before {
                add(before, -1);
            }
            add((code(fresh.state()), i64::from(human)), 1);
        }
        Ok(())
    }

    async fn reviews(&self, conditions: &str, tail: &Tail) -> Result<Reviews, LogError> {
        let fresh = tail.all().values().filter_map(|fresh| fresh.decided.as_ref());
        let mut times: Vec<i64> = fresh.filter(|by| by.human).map(|by| signed(by.held)).collect();
        for decider in human_deciders() {
            let Some(id) = self.name(Kind::Decider, &decider).await? else { continue };
            let sql = format!(
                "SELECT a.id, a.held_us FROM attempts a WHERE a.decider = {id} AND a.held_us IS NOT NULL AND {conditions}
                 ORDER BY a.id DESC LIMIT {REVIEWS}"
            );
            on!(Pool, &self.pool, pool => {
                for row in sqlx::query(AssertSqlSafe(sql)).fetch_all(pool).await? {
                    if !tail.has(row.try_get(0)?) {
                        times.push(row.try_get(1)?);
                    }
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
