//! The OpenAPI document, made from the handlers themselves, and whether the daemon serves.

use axum::Json;
use utoipa::OpenApi;

use super::{
    agents, cards, events, evidence, operations, people, precedents, records, rule_store, rules, session,
    suggestions,
};
use crate::wire::{Health, ProblemBody};

#[derive(OpenApi)]
#[openapi(
    info(title = "expacti", description = "Review what AI coding agents want to run."),
    paths(
        cards::list, cards::show, cards::vote, cards::ticket, precedents::similar, precedents::rule,
        records::list, records::show, records::stats, evidence::take, evidence::chain, evidence::prove,
        rules::list, rules::attempt, rules::check, suggestions::list, suggestions::accept,
        rule_store::show, rule_store::keep, rule_store::history,
        agents::list, agents::stop, agents::resume, agents::kill, agents::grants, agents::revoke_grant,
        session::begin, session::show, session::end,
        people::me, people::list, people::add, people::revoke,
        operations::enrol, operations::withdraw, operations::reload, operations::metrics, operations::ready,
        events::stream, health, document,
    ),
    components(schemas(ProblemBody)),
    modifiers(&Bearer),
    security(("bearer" = []), ("session" = []), ()),
)]
pub(super) struct Document;

struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "A reviewer's token; on the local socket a user that is mapped to a reviewer needs none",
            ))
            .build();
        let components = openapi.components.get_or_insert_with(Default::default);
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let cookie = ApiKeyValue::with_description(
            "__Host-expacti",
            "Set by POST /v1/session; without TLS, on loopback, it is called expacti-session",
        );
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}

/// Whether the daemon serves
#[utoipa::path(get, path = "/v1/health", tag = "meta", security(()), responses((status = 200, body = Health)))]
pub(super) async fn health() -> Json<Health> {
    Json(Health { status: "serving".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() })
}

/// This document
#[utoipa::path(get, path = "/v1/openapi.json", tag = "meta", security(()), responses((status = 200, body = Object)))]
pub(super) async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(Document::openapi())
}
