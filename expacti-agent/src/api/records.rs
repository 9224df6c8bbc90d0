//! The exec log: search, one record with what is around it, numbers.

#![expect(unused_qualifications, reason = "what utoipa makes of `params` names its type by a path")]

use axum::Json;
use expacti_agent::log::{Branch, Cursor, LogError, Reader};
use expacti_core::assess;
use expacti_core::docket::Role;
use expacti_core::record::filter::Filter;
use expacti_core::record::{Attempt, AttemptId, BootId};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Api;
use super::extract::{Asked, InPath, InQuery};
use super::problem::{Failure, Problem};
use crate::clock::epoch_seconds;
use crate::wire::{PastView, RecordDetail, RecordLine, RecordPage, RecordTree, command_line};

/// Who may look back.
pub(super) const READERS: [Role; 3] = [Role::Reviewer, Role::Admin, Role::Auditor];

/// How many are counted, and how far down a page may begin.
const COUNTED: u32 = 10_000_000;
/// How many earlier attempts of the session a record or card shows.
const BEFORE: u32 = 20;
/// Characters of their commands that a card shows.
const SHORT: usize = 200;

/// Which attempts, and which page of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Search {
    /// As on the command line: `agent:claude level:high since:2h "drop table"`.
    #[serde(default)]
    q: String,
    /// Behind this number: `next` of the page before.
    after: Option<i64>,
    /// At most so many, 1 to 500.
    #[serde(default = "Search::page")]
    #[param(minimum = 1, maximum = 500)]
    limit: u32,
    /// Leave out so many that fit, at most 10,000,000, to begin far down.
    #[serde(default)]
    #[param(minimum = 0, maximum = 10_000_000)]
    skip: u32,
    /// Say how many fit in all.
    #[serde(default)]
    total: bool,
}

/// A question without pages.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Question {
    /// As on the command line; numbers know `agent`, `since` and `until` only.
    #[serde(default)]
    q: String,
}

impl Search {
    fn page() -> u32 {
        100
    }
}

/// Search the exec log, newest first
#[utoipa::path(get, path = "/v1/records", params(Search), tag = "records", responses(
    (status = 200, body = RecordPage), Failure))]
pub(super) async fn list(
    Asked { api, caller }: Asked,
    InQuery(Search { q, after, limit, skip, total }): InQuery<Search>,
) -> Result<Json<RecordPage>, Problem> {
    caller.must_be(&READERS)?;
    if !(1..=500).contains(&limit) {
        return Err(Problem::bad_input("`limit` is 1 to 500"));
    }
    if skip > COUNTED {
        return Err(Problem::bad_input("`skip` is at most 10000000"));
    }
    let (reader, filter) = (api.records()?, filter(&q)?);
    let total = if total { Some(reader.count(&filter, COUNTED).await?) } else { None };
    let after = match (skip, reader.skip(&filter, after.map(Cursor), skip).await?) {
        (1.., None) => return Ok(Json(RecordPage { total, ..RecordPage::default() })),
        (_, after) => after,
    };
    let page = reader.query(&filter, after, limit).await?;
    let records = page.attempts.iter().map(RecordLine::from).collect();
    let place = |cursor: Option<Cursor>| cursor.map(|Cursor(id)| id);
    Ok(Json(RecordPage { records, next: place(page.next), from: place(page.from), total }))
}

/// One record with everything around it
#[utoipa::path(get, path = "/v1/records/{id}", tag = "records",
    params(("id" = String, Path, description = "Such as `3f2a9c1e-42`; `42` is of the newest life of the gate")), responses(
    (status = 200, body = RecordDetail), Failure))]
pub(super) async fn show(
    Asked { api, caller }: Asked,
    InPath(id): InPath<String>,
) -> Result<Json<RecordDetail>, Problem> {
    caller.must_be(&READERS)?;
    let reader = api.records()?;
    let key = reader.find(&id).await?;
    let found = reader.attempt(key).await?;
    let record =
        found.ok_or_else(|| Problem::not_found(format!("the beginning of attempt {id} was pruned")))?;
    let around = reader.around(&record, BEFORE).await?;
    let commands = assess(&record.attempted.request, &api.tools()).commands;
    let before = around.before.iter().map(RecordLine::from).collect();
    let started = around.started.into_iter().map(tree).collect();
    Ok(Json(RecordDetail { record, commands, before, started, incomplete: around.incomplete }))
}

/// Who ran what, how much of it needed a human, and how long that took
#[utoipa::path(get, path = "/v1/stats", params(Question), tag = "records", responses(
    (status = 200, body = Object), Failure))]
pub(super) async fn stats(
    Asked { api, caller }: Asked,
    InQuery(Question { q }): InQuery<Question>,
) -> Result<Json<expacti_agent::log::Stats>, Problem> {
    caller.must_be(&READERS)?;
    Ok(Json(api.records()?.stats(&filter(&q)?).await?))
}

fn tree(branch: Branch) -> RecordTree {
    let record = RecordLine::from(&branch.attempt);
    RecordTree { record, started: branch.started.into_iter().map(tree).collect() }
}

/// A question, read now.
pub(super) fn filter(question: &str) -> Result<Filter, Problem> {
    Filter::parse(question, now_us()).map_err(|why| Problem::bad_input(why.to_string()))
}

/// Microseconds since the epoch.
pub(super) fn now_us() -> i64 {
    i64::try_from(epoch_seconds()).unwrap_or(0).saturating_mul(1_000_000)
}

impl Api {
    /// The log, where there is one.
    pub(super) fn records(&self) -> Result<&Reader, Problem> {
        let (reader, _) = self.kept()?;
        Ok(reader)
    }

    /// What the agent of a waiting ticket tried before in its session, oldest first.
    pub(super) async fn session_before(&self, ticket: u64) -> Result<Vec<PastView>, Problem> {
        let (reader, boot) = self.kept()?;
        let key = AttemptId { boot: *boot, sequence: ticket };
        let attempt = reader.attempt(key).await?;
        let attempt = attempt.ok_or_else(|| Problem::not_found("the log does not have it yet"))?;
        let now = now_us();
        let view = |past: &Attempt| PastView {
            ticket: past.sequence,
            command: command_line(&past.attempted.request.argv, SHORT).0,
            ago_ms: u64::try_from(now.saturating_sub(past.time_us) / 1_000).unwrap_or(0),
            outcome: past.verdict.as_ref().map(|_| format!("{} by {}", past.state.name(), past.decided_by())),
        };
        Ok(reader.before(&attempt, BEFORE).await?.iter().rev().map(view).collect())
    }

    fn kept(&self) -> Result<&(Reader, BootId), Problem> {
        self.records.get().ok_or_else(|| Problem::not_found("this daemon keeps no exec log"))
    }
}

impl From<LogError> for Problem {
    fn from(error: LogError) -> Self {
        match error {
            LogError::BadInput(why) => Self::bad_input(why),
            LogError::NotFound(why) => Self::not_found(why),
            LogError::Database(_)
            | LogError::Slow(_)
            | LogError::Newer { .. }
            | LogError::Foreign { .. }
            | LogError::Absent(_)
            | LogError::File { .. }
            | LogError::Entry { .. }
            | LogError::Io(_) => {
                let status = axum::http::StatusCode::SERVICE_UNAVAILABLE;
                Self::new(status, "log-failed", error.to_string())
            }
        }
    }
}
