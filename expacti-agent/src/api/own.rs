//! An agent's look at its own tickets, over a socket that may be mounted into its container.
//!
//! Here it is the other way round: only gated processes are answered, each about its own agent, and nothing here can
//! answer a ticket. What an agent says of itself is shown to reviewers as its own claim.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{ConnectInfo, DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::{get, put};
use axum::{Json, Router};
use expacti_core::untrusted::Untrusted;

use super::extract::Body;
use super::peer::Peer;
use super::problem::Problem;
use super::{Api, ServeError};
use crate::wire::{Claim, OwnPending, OwnTickets, TicketView, masked_line};

/// Bytes of a claim.
const LONGEST_CLAIM: usize = 500;

impl Api {
    /// Serves agents until the task is dropped.
    pub(crate) fn serve_own(
        self: &Arc<Self>,
        path: &Path,
    ) -> Result<impl Future<Output = io::Result<()>> + use<>, ServeError> {
        let router = Router::new()
            .route("/v1/own/tickets", get(tickets))
            .route("/v1/own/claim", put(claim))
            .fallback(async || Problem::not_found("there is /v1/own/tickets and /v1/own/claim here"))
            .layer(DefaultBodyLimit::max(4 * 1024))
            .with_state(Arc::clone(self));
        let service = router.into_make_service_with_connect_info::<Peer>();
        Ok(axum::serve(super::bind(path)?, service).into_future())
    }

    /// The agent that the peer is a process of.
    fn agent_of(&self, peer: &Peer) -> Result<String, Problem> {
        let agent = match peer {
            // In this order: if it lives after the question, the question was about it.
            Peer::Local { process, .. } => self.gated.agent_of(process.pid).filter(|_| process.is_alive()),
            Peer::Remote(_) | Peer::Unknown => None,
        };
        let agent = agent
            .ok_or_else(|| Problem::forbidden("not-an-agent", "you are no process of an enrolled agent"))?;
        if !self.limits.take(&format!("agent {agent}"), Instant::now()) {
            let detail = "too many requests; wait a second";
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", detail));
        }
        Ok(agent)
    }
}

async fn tickets(
    State(api): State<Arc<Api>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
) -> Result<Json<OwnTickets>, Problem> {
    let agent = api.agent_of(&peer)?;
    let masker = api.masker.clone();
    let look = api.desk.look(move |view| {
        let own = view.cards_after(None).filter(|card| card.agent == agent);
        let pending = own.map(|card| OwnPending {
            ticket: card.id,
            count: card.count as u64,
            command: masked_line(&card.request, &masker).0,
            remaining_ms: card.deadline_ms.saturating_sub(view.now_ms),
        });
        let pending = pending.collect();
        let past = view.recent.before(&agent, u64::MAX);
        let ended = past
            .iter()
            .filter_map(|past| past.outcome.as_ref().map(|outcome| TicketView::ended(past.ticket, outcome)));
        let ended = ended.collect();
        OwnTickets { stopped: view.docket.stopped_by(&agent).is_some(), agent, pending, ended }
    });
    Ok(Json(look.await?))
}

async fn claim(
    State(api): State<Arc<Api>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Body(Claim { text }): Body<Claim>,
) -> Result<StatusCode, Problem> {
    let agent = api.agent_of(&peer)?;
    if text.len() > LONGEST_CLAIM {
        return Err(Problem::bad_input(format!("`text` has at most {LONGEST_CLAIM} bytes")));
    }
    api.desk.claim(agent, Untrusted::from(text))?;
    Ok(StatusCode::NO_CONTENT)
}
