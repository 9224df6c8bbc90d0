//! What helps with a card beside the card: what humans said before, and what "always" would mean.

use std::collections::BTreeSet;

use axum::Json;
use expacti_core::assess;
use expacti_core::docket::Role;
use expacti_core::record::Attempt;
use expacti_core::record::attempt::State as Stands;
use expacti_core::record::entry::{Decider, Verdict};
use expacti_core::record::filter::{Filter, Wanted};
use expacti_core::request::ExecRequest;

use super::Api;
use super::aside::aside;
use super::extract::{Asked, InPath};
use super::problem::{Failure, Problem};
use super::records::{READERS, now_us};
use crate::judging::now;
use crate::wire::{RulePreview, SimilarView, command_line};

/// How many attempts are looked at.
const MOST: u32 = 1_000;
/// How many are shown.
const SHOWN: usize = 8;
/// How far back a rule is tried, in microseconds.
const MONTH: i64 = 30 * 86_400 * 1_000_000;

/// What humans said to the same command before
#[utoipa::path(get, path = "/v1/cards/{id}/similar", tag = "cards", params(("id" = u64, Path)), responses(
    (status = 200, body = SimilarView), Failure))]
pub(super) async fn similar(
    Asked { api, caller }: Asked,
    InPath(id): InPath<u64>,
) -> Result<Json<SimilarView>, Problem> {
    caller.must_be(&READERS)?;
    let request = api.request_of(id).await?;
    let past = api.held_before(&request, MOST).await?;
    let mut view = SimilarView::default();
    let mut by = BTreeSet::new();
    for attempt in past.iter().filter(|attempt| attempt.state != Stands::Pending) {
        let then = &attempt.attempted.request;
        if (&then.argv, &then.cwd) != (&request.argv, &request.cwd) {
            view.same_program += 1;
            continue;
        }
        // A human, or the want of one.
        match &attempt.verdict {
            Some(Verdict { allow: true, decider: Decider::Reviewers { names }, .. }) => {
                view.approved += 1;
                by.extend(names.iter().cloned());
            }
            Some(Verdict { decider: Decider::Reviewers { names }, .. }) => {
                view.denied += 1;
                by.extend(names.iter().cloned());
            }
            Some(Verdict { decider: Decider::Timeout, .. }) => view.timed_out += 1,
            Some(_) | None => continue,
        }
        // They come newest first.
        view.last_us.get_or_insert(attempt.time_us);
    }
    view.by = by.into_iter().collect();
    Ok(Json(view))
}

/// The rule that "always" would make of a card, and what it would have let through
#[utoipa::path(get, path = "/v1/cards/{id}/rule", tag = "cards", params(("id" = u64, Path)), responses(
    (status = 200, body = RulePreview), Failure))]
pub(super) async fn rule(
    Asked { api, caller }: Asked,
    InPath(id): InPath<u64>,
) -> Result<Json<RulePreview>, Problem> {
    caller.must_be(&[Role::Reviewer, Role::Admin])?;
    let engine = api.engine()?;
    let card = api.desk.look(move |view| view.docket.card(id)).await?;
    let card = card.ok_or_else(|| Problem::not_found(format!("there is no ticket {id} that waits")))?;
    let request = &*card.request;
    let because = format!("approved by {}", caller.voter.name);
    let suggestion =
        engine.suggest(request, &because, &api.masker).map_err(|why| Problem::bad_input(why.to_string()))?;
    let since = now_us().checked_sub(MONTH);
    let filter = Filter { exe: program(request), since, ..Filter::default() };
    let past = match api.records.get() {
        Some((reader, _)) => reader.query(&filter, None, MOST).await?.attempts,
        None => Vec::new(),
    };
    let agent = card.agent.clone();
    let judge = move || {
        let assessed: Vec<_> = past
            .iter()
            .map(|attempt| (&attempt.attempted.request, assess(&attempt.attempted.request, &engine.tools)))
            .collect();
        let pairs = assessed.iter().map(|(request, assessment)| (*request, assessment));
        let places = suggestion.would_have_allowed(pairs, &engine.treatment(&agent).decide, now());
        let matched: Vec<&Attempt> = places.iter().filter_map(|place| past.get(*place)).collect();
        let line = |attempt: &&Attempt| command_line(&attempt.attempted.request.argv, 200).0;
        RulePreview {
            matched: matched.len() as u64,
            more: past.len() >= MOST as usize,
            examples: matched.iter().take(SHOWN).map(line).collect(),
            text: suggestion.text,
        }
    };
    Ok(Json(aside(judge).await?))
}

/// The name of what would run.
fn program(request: &ExecRequest) -> Option<String> {
    let path = if request.exe.path.is_empty() { request.argv.first()? } else { &request.exe.path };
    path.to_lossy().rsplit('/').next().map(str::to_owned).filter(|name| !name.is_empty())
}

impl Api {
    /// What the agent of a request wanted to run of the same program, and people were asked about. Newest first.
    pub(super) async fn held_before(
        &self,
        request: &ExecRequest,
        most: u32,
    ) -> Result<Vec<Attempt>, Problem> {
        let agent = Some(request.agent.name.clone()).filter(|name| !name.is_empty());
        let filter =
            Filter { agent, exe: program(request), decision: Some(Wanted::Held), ..Filter::default() };
        Ok(self.records()?.query(&filter, None, most).await?.attempts)
    }

    /// What a card asks for, without its secrets.
    async fn request_of(&self, id: u64) -> Result<ExecRequest, Problem> {
        let card = self.desk.look(move |view| view.docket.card(id)).await?;
        let card = card.ok_or_else(|| Problem::not_found(format!("there is no ticket {id} that waits")))?;
        let mut request = (*card.request).clone();
        self.masker.request(&mut request);
        Ok(request)
    }
}
