//! Cards, tickets and votes.

#![expect(unused_qualifications, reason = "what utoipa makes of `params` names its type by a path")]

use std::time::Duration;

use axum::Json;
use expacti_core::assess;
use expacti_core::docket::{Answer, Repeat, Role, Scope, Vote};
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{Asked, Body, InPath, InQuery};
use super::problem::{Failure, Problem};
use super::versions;
use crate::wire::{
    AnswerWord, CardDetail, CardPage, CardView, PastView, RepeatWord, TicketState, TicketView, VoteBody,
    VoteResult, masked_line, outcome_in_words,
};

/// How long a card waits for the log, which may be far away. What the desk remembers is shown otherwise.
const PATIENCE: Duration = Duration::from_millis(500);

/// Which cards.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Only of this agent.
    agent: Option<String>,
    /// Behind this number.
    #[serde(default)]
    after: u64,
    /// At most so many, 1 to 1,000.
    #[serde(default = "Which::page")]
    #[param(minimum = 1, maximum = 1000)]
    limit: u16,
}

impl Which {
    fn page() -> u16 {
        200
    }
}

/// What waits for humans
#[utoipa::path(get, path = "/v1/cards", params(Which), tag = "cards", responses(
    (status = 200, body = CardPage), Failure))]
pub(super) async fn list(
    Asked { api, caller }: Asked,
    InQuery(Which { agent, after, limit }): InQuery<Which>,
) -> Result<Json<CardPage>, Problem> {
    caller.must_be(&Role::ALL)?;
    if !(1..=1_000).contains(&limit) {
        return Err(Problem::bad_input("`limit` is 1 to 1000"));
    }
    // What JSON calls int64.
    if i64::try_from(after).is_err() {
        return Err(Problem::bad_input("`after` is the number of a card"));
    }
    let limit = usize::from(limit);
    let masker = api.masker.clone();
    let page = api.desk.look(move |view| {
        let of_agent =
            |card: &&expacti_core::docket::Card| agent.as_ref().is_none_or(|name| *name == card.agent);
        let total = view.cards_after(None).filter(of_agent).count() as u64;
        let mut cards = view.cards_after(Some(after)).filter(of_agent);
        let page: Vec<CardView> =
            cards.by_ref().take(limit).map(|card| CardView::of(card, view.now_ms, &masker)).collect();
        let next = cards.next().and(page.last()).map(|card| card.id);
        (page, total, next, view.newest)
    });
    let (cards, total, next, newest) = page.await?;
    Ok(Json(CardPage { cards, total, next, as_of: api.event_id(newest) }))
}

/// One card with everything that a decision needs
#[utoipa::path(get, path = "/v1/cards/{id}", tag = "cards",
    params(("id" = u64, Path, description = "The card, or any ticket on it")), responses(
    (status = 200, body = CardDetail), Failure))]
pub(super) async fn show(
    Asked { api, caller }: Asked,
    InPath(id): InPath<u64>,
) -> Result<Json<CardDetail>, Problem> {
    caller.must_be(&Role::ALL)?;
    let masker = api.masker.clone();
    let detail = api.desk.look(move |view| {
        let card = view.docket.card(id).ok_or_else(|| match view.docket.outcome(id) {
            Some(outcome) => format!("ticket {id} has ended: {}", outcome_in_words(outcome)),
            None => format!("there is no ticket {id} that waits"),
        })?;
        let script = card.request.script.as_ref();
        let earlier = script.and_then(|script| view.recent.last_version(&card.agent, script));
        // What ran unasked and is the same says nothing.
        let earlier = earlier.filter(|version| !version.by.is_empty() || Some(&version.script) != script);
        let earlier = earlier.and_then(|version| versions::masked(version, &masker));
        let before = view.recent.before(&card.agent, card.id);
        let before = before.into_iter().map(|past| PastView {
            ticket: past.ticket,
            command: masked_line(&past.request, &masker).0,
            ago_ms: view.now_ms.saturating_sub(past.at_ms),
            outcome: past.outcome.as_ref().map(outcome_in_words),
        });
        let mut request = (*card.request).clone();
        masker.request(&mut request);
        Ok(CardDetail {
            claim: view.recent.claim(&card.agent).cloned(),
            before: before.collect(),
            card: CardView::of(&card, view.now_ms, &masker),
            request,
            evaluation: (*card.evaluation).clone(),
            commands: Vec::new(),
            earlier,
            node: String::new(),
        })
    });
    let mut detail = detail.await?.map_err(|why: String| Problem::not_found(why))?;
    // Not at the desk, where others wait. The log knows more: what ran by the kernel's memory, and before this daemon.
    let (before, approved) = tokio::join!(
        tokio::time::timeout(PATIENCE, api.session_before(detail.card.id)),
        tokio::time::timeout(PATIENCE, api.approved_version(&detail.request)),
    );
    if let Ok(Ok(before)) = before {
        detail.before = before;
    }
    if let Ok(Ok(Some(approved))) = approved {
        detail.earlier = Some(approved);
    }
    detail.node.clone_from(&api.config.node);
    detail.commands = assess(&detail.request, &api.tools()).commands;
    Ok(Json(detail))
}

/// Answer a card
#[utoipa::path(post, path = "/v1/cards/{id}/votes", tag = "cards", request_body = VoteBody,
    params(("id" = u64, Path, description = "The card, or any ticket on it")), responses(
    (status = 200, body = VoteResult), Failure))]
pub(super) async fn vote(
    Asked { api, caller }: Asked,
    InPath(id): InPath<u64>,
    Body(body): Body<VoteBody>,
) -> Result<Json<VoteResult>, Problem> {
    caller.must_be(&[Role::Reviewer])?;
    let digest = body.digest.parse().map_err(|why| Problem::bad_input(format!("`digest`: {why}")))?;
    let answer = answer_of(&body)?;
    let note = body.note.filter(|note| !note.is_empty());
    if note.as_ref().is_some_and(|note| note.chars().count() > 1_000 || note.contains(char::is_control)) {
        return Err(Problem::bad_input(
            "`note` has at most 1000 characters, none of them a control character",
        ));
    }
    if answer != Answer::Deny {
        caller.must_show_totp(&api)?;
    }
    let (voter, via) = (caller.voter, caller.via.to_owned());
    let done = api.desk.vote(Vote { id, digest, newest: body.newest, voter, answer, note, via }).await?;
    let masker = api.masker.clone();
    let card = api
        .desk
        .look(move |view| view.docket.card(id).map(|card| CardView::of(&card, view.now_ms, &masker)))
        .await?;
    let ended = done.ended.iter().map(|(ticket, outcome)| TicketView::ended(*ticket, outcome)).collect();
    Ok(Json(VoteResult { ended, card }))
}

/// Where a ticket stands
#[utoipa::path(get, path = "/v1/tickets/{id}", tag = "cards", params(("id" = u64, Path)), responses(
    (status = 200, body = TicketView), Failure))]
pub(super) async fn ticket(
    Asked { api, caller }: Asked,
    InPath(id): InPath<u64>,
) -> Result<Json<TicketView>, Problem> {
    caller.must_be(&Role::ALL)?;
    let found = api.desk.look(move |view| match (view.docket.outcome(id), view.docket.card(id)) {
        (Some(outcome), _) => Some(TicketView::ended(id, outcome)),
        (None, Some(card)) => {
            Some(TicketView { ticket: id, state: TicketState::Pending, card: Some(card.id), outcome: None })
        }
        (None, None) => None,
    });
    let unknown = || Problem::not_found(format!("ticket {id} is unknown here; the exec log may know it"));
    found.await?.map(Json).ok_or_else(unknown)
}

fn answer_of(body: &VoteBody) -> Result<Answer, Problem> {
    let repeat = match (body.repeat, body.for_ms) {
        (RepeatWord::For, Some(ms)) => Repeat::For(ms),
        (RepeatWord::For, None) => return Err(Problem::bad_input("`\"repeat\": \"for\"` needs `for_ms`")),
        (_, Some(_)) => return Err(Problem::bad_input("`for_ms` belongs to `\"repeat\": \"for\"`")),
        (RepeatWord::Once, None) => Repeat::Once,
        (RepeatWord::Session, None) => Repeat::Session,
        (RepeatWord::Always, None) => Repeat::Always,
    };
    match body.answer {
        AnswerWord::Approve => Ok(Answer::Approve(Scope { children: body.children, repeat })),
        AnswerWord::Deny if body.children || repeat != Repeat::Once => {
            Err(Problem::bad_input("a denial has no `children` and no `repeat`"))
        }
        AnswerWord::Deny => Ok(Answer::Deny),
    }
}
