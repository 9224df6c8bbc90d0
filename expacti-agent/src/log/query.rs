//! From a filter to attempts, newest first, a page at a time.
//!
//! Every answer must come quickly however the filter's parts combine, and neither database can know that the parts
//! of a filter belong together. So the writer of the statement chooses: it counts, up to a bound and in the indices
//! alone, how many attempts each part leaves, drives the query by the rarest, and keeps the planner from the others
//! with a unary plus.

mod newer;

use expacti_core::record::Attempt;
use expacti_core::record::attempt::State;
use expacti_core::record::filter::{By, Filter, Wanted};
use serde::Serialize;
use sqlx::AssertSqlSafe;

use super::index::{code, rank};
use super::names::Kind;
use super::store::{Pool, on};
use super::{LogError, Reader};

/// Where a page ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Cursor(pub i64);

/// One page.
#[derive(Clone, Debug, Serialize)]
pub struct Page {
    /// What fits, newest first.
    pub attempts: Vec<Attempt>,
    /// Behind this place the page begins, whatever comes later; none where nothing fits.
    pub from: Option<Cursor>,
    /// Where the next page goes on; none where there is nothing more.
    pub next: Option<Cursor>,
}

/// Beyond this many, parts of a filter count as equally common.
const COMMON: i64 = 20_000;

/// One part of a filter.
#[derive(Clone, Debug)]
struct Part {
    /// The column that an index can be asked for.
    column: &'static str,
    /// The rest of the condition: numbers that this code wrote itself.
    test: String,
    /// What an index on only some rows needs to be told.
    partial: &'static str,
    index: Index,
}

/// What index a part has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Index {
    /// One whose rows come in the order of the log.
    Ordered,
    /// One whose rows must be sorted: only where it is rare is it better than walking the log.
    Unordered,
    /// None.
    None,
}

impl Part {
    fn equal(column: &'static str, value: i64) -> Self {
        Self { column, test: format!("= {value}"), partial: "", index: Index::Ordered }
    }

    fn indexed(&self) -> String {
        format!("a.{} {}{}", self.column, self.test, self.partial)
    }

    /// SQLite would rather walk the log than sort the few that an index gives.
    fn index_name(&self) -> &'static str {
        match self.column {
            "agent" => "INDEXED BY attempts_agent",
            "program" => "INDEXED BY attempts_program",
            "cwd" => "INDEXED BY attempts_cwd",
            "decider" => "INDEXED BY attempts_decider",
            "level" => "INDEXED BY attempts_risky",
            "state" => "INDEXED BY attempts_not_allowed",
            "held" => "INDEXED BY attempts_held",
            _ => "",
        }
    }

    fn filtering(&self) -> String {
        format!("+a.{} {}", self.column, self.test)
    }
}

/// A filter in the terms of the tables.
#[derive(Clone, Debug, Default)]
struct Terms {
    parts: Vec<Part>,
    since: Option<i64>,
    until: Option<i64>,
    text: Option<String>,
}

/// What drives a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Driver {
    /// The database's own planner: PostgreSQL keeps statistics.
    Planner,
    /// The order of the log.
    Order,
    Part(usize),
    Text,
}

impl Reader {
    /// Attempts that fit, newest first. Where the index is behind while much of it changes, a page can be shorter than
    /// `limit` and still have one that follows.
    pub async fn query(&self, filter: &Filter, after: Option<Cursor>, limit: u32) -> Result<Page, LogError> {
        // Before the index: what leaves the tail in between is in the index by then.
        let tail = self.tail(filter).await?;
        let indexed = match self.statement(filter, after, limit).await? {
            Some((sql, text)) => self.ids(&sql, text.as_deref()).await?,
            None => Vec::new(),
        };
        // Below the last of a full answer there may be more that is not read yet.
        let floor = indexed.last().filter(|_| indexed.len() > limit as usize).copied();
        let mut ids: Vec<i64> = indexed.into_iter().filter(|&id| !tail.has(id)).collect();
        let fresh = tail.rows(filter).into_iter();
        ids.extend(fresh.filter(|&id| after.is_none_or(|after| id < after.0) && Some(id) >= floor));
        ids.sort_unstable_by(|a, b| b.cmp(a));
        let more = ids.len() > limit as usize;
        ids.truncate(limit as usize);
        let next = if more { ids.last().copied() } else { floor };
        let from = ids.first().map(|first| Cursor(first + 1));
        Ok(Page { attempts: self.attempts(&ids).await?, from, next: next.map(Cursor) })
    }

    /// The statement that answers, and what it binds; none where nothing can fit.
    pub(super) async fn statement(
        &self,
        filter: &Filter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Option<(String, Option<String>)>, LogError> {
        let Some(terms) = self.terms(filter).await? else { return Ok(None) };
        let driver = self.driver(&terms).await?;
        let mut conditions = terms.conditions(&self.pool, driver);
        if let Some(Cursor(id)) = after {
            conditions.push(format!("a.id < {id}"));
        }
        // Times need not follow the order of the log exactly: what was spooled comes late. The bounds are exact
        // nevertheless, and let the walk stop where nothing more can come.
        if let Some(since) = terms.since {
            let sql = format!("SELECT min(id) FROM attempts WHERE at >= {since}");
            let Some(first) = self.number(&sql, None).await? else { return Ok(None) };
            conditions.push(format!("a.id >= {first} AND +a.at >= {since}"));
        }
        if let Some(until) = terms.until {
            let sql = format!("SELECT max(id) FROM attempts WHERE at < {until}");
            let Some(last) = self.number(&sql, None).await? else { return Ok(None) };
            conditions.push(format!("a.id <= {last} AND +a.at < {until}"));
        }
        let conditions = if conditions.is_empty() { "a.id > 0".to_owned() } else { conditions.join(" AND ") };
        let more = u64::from(limit) + 1;
        let sql = match (&self.pool, driver) {
            (Pool::Sqlite(_), Driver::Text) => format!(
                "SELECT a.id FROM attempts_text t CROSS JOIN attempts a ON a.id = t.rowid
                 WHERE attempts_text MATCH $1 AND {} ORDER BY t.rowid DESC LIMIT {more}",
                conditions.replace("a.id <", "t.rowid <")
            ),
            (Pool::Sqlite(_), Driver::Part(index)) => {
                let by = terms.parts[index].index_name();
                format!("SELECT a.id FROM attempts a {by} WHERE {conditions} ORDER BY a.id DESC LIMIT {more}")
            }
            _ => format!("SELECT a.id FROM attempts a WHERE {conditions} ORDER BY a.id DESC LIMIT {more}"),
        };
        Ok(Some((sql, terms.text)))
    }

    /// The rarest part; where all are common, one whose index is in the order of the log, or that order itself.
    async fn driver(&self, terms: &Terms) -> Result<Driver, LogError> {
        if matches!(self.pool, Pool::Postgres(_)) {
            return Ok(Driver::Planner);
        }
        let mut best = (COMMON + 1, Driver::Order);
        for (index, part) in terms.parts.iter().enumerate().filter(|(_, part)| part.index != Index::None) {
            let test = part.indexed();
            let sql =
                format!("SELECT count(*) FROM (SELECT 1 FROM attempts a WHERE {test} LIMIT {})", COMMON + 1);
            let count = self.number(&sql, None).await?.unwrap_or(0);
            if count < best.0 || best.1 == Driver::Order && part.index == Index::Ordered {
                best = (count, Driver::Part(index));
            }
        }
        if terms.text.is_some() {
            let sql =
                "SELECT count(*) FROM (SELECT 1 FROM attempts_text WHERE attempts_text MATCH $1 LIMIT 20001)";
            let count = self.number(sql, terms.text.as_deref()).await?.unwrap_or(0);
            if count <= best.0 {
                best = (count, Driver::Text);
            }
        }
        Ok(best.1)
    }

    async fn terms(&self, filter: &Filter) -> Result<Option<Terms>, LogError> {
        let mut terms = Terms { since: filter.since, until: filter.until, ..Terms::default() };
        let named = [(&filter.agent, Kind::Agent, "agent"), (&filter.node, Kind::Node, "node")];
        for (text, kind, column) in named {
            let Some(text) = text else { continue };
            let Some(id) = self.name(kind, text).await? else { return Ok(None) };
            let part = Part::equal(column, id);
            // Few nodes share a log, so there is no index for them.
            terms.parts.push(if column == "node" { Part { index: Index::None, ..part } } else { part });
        }
        if let Some(exe) = &filter.exe {
            let program = exe.rsplit('/').next().unwrap_or_default();
            let Some(id) = self.name(Kind::Program, program).await? else { return Ok(None) };
            terms.parts.push(Part::equal("program", id));
            if exe.contains('/') {
                let Some(id) = self.name(Kind::Exe, exe).await? else { return Ok(None) };
                terms.parts.push(Part {
                    column: "exe",
                    test: format!("= {id}"),
                    partial: "",
                    index: Index::None,
                });
            }
        }
        if let Some(cwd) = &filter.cwd {
            let Some(part) = self.folder(cwd).await? else { return Ok(None) };
            terms.parts.push(part);
        }
        match &filter.by {
            Some(By::Decider(name)) => {
                let Some(id) = self.name(Kind::Decider, name).await? else { return Ok(None) };
                terms.parts.push(Part::equal("decider", id));
            }
            Some(By::Reviewer(name)) => {
                let Some(id) = self.name(Kind::Reviewer, name).await? else { return Ok(None) };
                let test = format!("IN (SELECT attempt FROM votes WHERE reviewer = {id})");
                terms.parts.push(Part { column: "id", test, partial: "", index: Index::Unordered });
            }
            None => {}
        }
        if let Some(level) = filter.level.map(rank).filter(|&level| level > 0) {
            let test = format!(">= {level}");
            terms.parts.push(Part {
                column: "level",
                test,
                partial: " AND a.level > 0",
                index: Index::Unordered,
            });
        }
        match filter.decision {
            Some(Wanted::State(State::Allowed)) => {
                // Most are, so there is no index for it.
                let part = Part::equal("state", code(State::Allowed));
                terms.parts.push(Part { index: Index::None, ..part });
            }
            Some(Wanted::State(state)) => {
                let part = Part::equal("state", code(state));
                terms.parts.push(Part { partial: " AND a.state <> 1", ..part });
            }
            Some(Wanted::Held) => terms.parts.push(Part::equal("held", 1)),
            Some(Wanted::TimedOut) => {
                let Some(id) = self.name(Kind::Decider, "timeout").await? else { return Ok(None) };
                terms.parts.push(Part::equal("decider", id));
            }
            None => {}
        }
        terms.text = (!filter.words.is_empty()).then(|| self.text(&filter.words));
        Ok(Some(terms))
    }

    /// The words as either database's full-text search wants them. They hold letters, digits and `_` only.
    fn text(&self, words: &[String]) -> String {
        match self.pool {
            Pool::Sqlite(_) => format!("\"{}\" *", words.join(" ")),
            Pool::Postgres(_) => {
                let words: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
                format!("{}:*", words.join(" <-> "))
            }
        }
    }

    async fn folder(&self, path: &str) -> Result<Option<Part>, LogError> {
        const BELOW: &str =
            "SELECT id FROM names WHERE kind = 4 AND (text = $1 OR (text >= $2 AND text < $3)) LIMIT 1001";
        let path = path.trim_end_matches('/');
        // '0' is the character after '/'.
        let (from, to) = (format!("{path}/"), format!("{path}0"));
        let ids: Vec<i64> = on!(Pool, &self.pool, pool => {
            sqlx::query_scalar(BELOW).bind(path.to_owned()).bind(from).bind(to).fetch_all(pool).await?
        });
        if ids.len() > 1000 {
            let why = format!("more than 1000 folders below {path} are in the log: give a deeper one");
            return Err(LogError::BadInput(why));
        }
        Ok(match ids.as_slice() {
            [] => None,
            [id] => Some(Part::equal("cwd", *id)),
            ids => {
                let list: Vec<String> = ids.iter().map(i64::to_string).collect();
                Some(Part {
                    column: "cwd",
                    test: format!("IN ({})", list.join(", ")),
                    partial: "",
                    index: Index::Unordered,
                })
            }
        })
    }

    pub(super) async fn name(&self, kind: Kind, text: &str) -> Result<Option<i64>, LogError> {
        const NAME: &str = "SELECT id FROM names WHERE kind = $1 AND text = $2";
        Ok(on!(Pool, &self.pool, pool => {
            sqlx::query_scalar(NAME).bind(kind as i64).bind(text.to_owned()).fetch_optional(pool).await?
        }))
    }

    pub(super) async fn ids(&self, sql: &str, text: Option<&str>) -> Result<Vec<i64>, LogError> {
        Ok(on!(Pool, &self.pool, pool => {
            let mut query = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()));
            if let Some(text) = text {
                query = query.bind(text.to_owned());
            }
            query.fetch_all(pool).await?
        }))
    }

    async fn number(&self, sql: &str, text: Option<&str>) -> Result<Option<i64>, LogError> {
        Ok(on!(Pool, &self.pool, pool => {
            let mut query = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()));
            if let Some(text) = text {
                query = query.bind(text.to_owned());
            }
            query.fetch_one(pool).await?
        }))
    }
}

impl Terms {
    fn conditions(&self, pool: &Pool, driver: Driver) -> Vec<String> {
        let mut conditions = Vec::new();
        for (index, part) in self.parts.iter().enumerate() {
            let chosen = driver == Driver::Part(index) || driver == Driver::Planner;
            conditions.push(if chosen { part.indexed() } else { part.filtering() });
        }
        match (&self.text, pool) {
            (None, _) => {}
            (Some(_), Pool::Sqlite(_)) if driver == Driver::Text => {}
            (Some(_), Pool::Sqlite(_)) => {
                // All matches once, as a set. Asking the full-text index row by row begins its search anew each time:
                // half a minute for ten thousand rows.
                let sql = "+a.id IN (SELECT rowid FROM attempts_text WHERE attempts_text MATCH $1)";
                conditions.push(sql.to_owned());
            }
            (Some(_), Pool::Postgres(_)) => {
                let sql = "a.id IN (SELECT t.id FROM attempts_text t WHERE t.words @@ $1::tsquery)";
                conditions.push(sql.to_owned());
            }
        }
        conditions
    }
}

#[cfg(test)]
mod tests;
