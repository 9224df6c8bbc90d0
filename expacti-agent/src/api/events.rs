//! The live stream: server-sent events that resume without loss.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use expacti_core::docket::Role;
use futures_util::Stream;
use futures_util::stream::unfold;
use serde_json::json;

use super::Api;
use super::extract::Asked;
use super::guard::Caller;
use super::problem::{Failure, Problem};
use crate::desk::{Follower, Gone, News, Numbered};
use crate::wire::{CardView, GrantView, outcome_in_words};

/// Between two looks at whether the watcher may still watch.
const RECHECK: Duration = Duration::from_secs(10);

/// What happens, as it happens
///
/// Each event carries an id; a client that comes back with it in `Last-Event-ID` loses nothing. Where that is too long
/// ago, or from before a restart of the daemon, the first event is `reload`: look at everything anew.
#[utoipa::path(get, path = "/v1/events", tag = "events",
    params(("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was seen")), responses(
    (status = 200, content_type = "text/event-stream", body = String), Failure))]
pub(super) async fn stream(
    Asked { api, caller }: Asked,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    caller.must_be(&Role::ALL)?;
    let asked = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let live = api.desk.live();
    let newest = live.newest();
    let (after, first) = match asked.map(|id| api.event_number(id)) {
        None => (newest, hello(&api, "hello", newest)),
        Some(Some(number)) => (number, hello(&api, "hello", number)),
        Some(None) => (newest, hello(&api, "reload", newest)),
    };
    let watcher = Watcher { follower: live.follow(after), ready: vec![first], caller, api };
    let events = unfold(watcher, |mut watcher| async {
        let event = watcher.next().await?;
        Some((Ok(event), watcher))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(RECHECK)))
}

struct Watcher {
    api: Arc<Api>,
    caller: Caller,
    follower: Follower,
    // In reverse, so that the next one is taken from the end.
    ready: Vec<Event>,
}

impl Watcher {
    /// None ends the stream: the watcher may not watch any more.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop() {
                return Some(event);
            }
            let news = tokio::time::timeout(RECHECK, self.follower.next()).await;
            if !self.api.may_still_watch(&self.caller) {
                return None;
            }
            match news {
                Err(_) => {}
                Ok(Ok(news)) => {
                    let now_ms = self.api.desk.look(|view| view.now_ms).await.ok()?;
                    self.ready = news.iter().rev().map(|one| event(&self.api, one, now_ms)).collect();
                }
                Ok(Err(Gone)) => {
                    let newest = self.api.desk.live().newest();
                    self.follower = self.api.desk.live().follow(newest);
                    self.ready.push(hello(&self.api, "reload", newest));
                }
            }
        }
    }
}

fn hello(api: &Api, name: &str, number: u64) -> Event {
    Event::default().event(name).id(api.event_id(number)).data("{}")
}

fn event(api: &Api, (number, news): &Numbered, now_ms: u64) -> Event {
    let (name, data) = match &**news {
        News::CardOpened(card) => ("card-opened", json!(CardView::of(card, now_ms, &api.masker))),
        News::CardChanged(card) => ("card-changed", json!(CardView::of(card, now_ms, &api.masker))),
        News::CardClosed { card, outcome } => (
            "card-closed",
            json!({ "id": card.id, "agent": card.agent, "outcome": outcome_in_words(outcome) }),
        ),
        News::GrantMade(grant) => ("grant-made", json!(GrantView::of(grant, now_ms))),
        News::GrantEnded { id, agent, why } => {
            ("grant-ended", json!({ "id": id, "agent": agent, "why": why }))
        }
        News::AgentChanged { agent, to, by } => {
            ("agent-changed", json!({ "agent": agent, "to": to, "by": by }))
        }
    };
    Event::default().event(name).id(api.event_id(*number)).data(data.to_string())
}
