//! Signing in with a browser: a token, and a one-time password where one is due, for a cookie.

use std::sync::Arc;

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use expacti_core::docket::Voter;

use super::Api;
use super::extract::{Asked, Body};
use super::guard::by_token;
use super::peer::Peer;
use super::problem::{Failure, Problem};
use crate::clock::epoch_seconds;
use crate::web::{IDLE, LIFE, Session};
use crate::wire::{Credentials, Me, SessionView};

/// The cookie over TLS: browsers take it over TLS alone, and for exactly this host.
const SECURE: &str = "__Host-expacti";
/// The cookie on loopback, where there is no TLS.
const PLAIN: &str = "expacti-session";

/// Sign in with a browser
///
/// The answer sets a cookie. Requests that change something repeat `csrf` in the header `expacti-csrf`. Who guesses
/// has to wait.
#[utoipa::path(post, path = "/v1/session", tag = "session", security(()), request_body = Credentials, responses(
    (status = 201, body = SessionView), Failure))]
pub(super) async fn begin(
    State(api): State<Arc<Api>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Body(Credentials { token, totp }): Body<Credentials>,
) -> Result<Response, Problem> {
    let now = epoch_seconds();
    let claimed = token.rsplit_once('.').map_or("", |(name, _)| name);
    let claimed: String = claimed.chars().take(64).collect();
    let who = format!("{} as {claimed}", peer.key());
    let wait = api.guesses.wait(&who, now);
    if wait > 0 {
        let detail = format!("too many wrong attempts to sign in; wait {wait} seconds");
        return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-guesses", detail));
    }
    let Some(voter) = by_token(&api, token, now).await else {
        api.guesses.wrong(&who, now);
        let detail = "this token is no reviewer's; ask an administrator for one (`expacti reviewer add`)";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "unknown-reviewer", detail));
    };
    let needs_totp = api.reviewers.needs_totp(&voter.name);
    if needs_totp {
        let code = totp.filter(|code| !code.is_empty()).ok_or_else(|| {
            Problem::forbidden("totp-missing", "the six digits that your authenticator shows are needed too")
        })?;
        if !api.reviewers.check_totp(&voter.name, &code, now) {
            api.guesses.wrong(&who, now);
            let detail = "these six digits are wrong or were used already; wait for the next ones";
            return Err(Problem::forbidden("totp-wrong", detail));
        }
    }
    api.guesses.right(&who);
    let id = api.sessions.begin(&voter.name, needs_totp, now).map_err(|why| {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "no-session",
            format!("no session could be made: {why}"),
        )
    })?;
    let session = api.sessions.of(&id, true, now).ok_or_else(none)?;
    let cookie = if peer.is_tls() {
        format!("{SECURE}={id}; Path=/; Max-Age={LIFE}; Secure; HttpOnly; SameSite=Strict")
    } else {
        format!("{PLAIN}={id}; Path=/; Max-Age={LIFE}; HttpOnly; SameSite=Strict")
    };
    Ok(with_cookie((StatusCode::CREATED, Json(view(voter, needs_totp, session))).into_response(), &cookie))
}

/// Who has signed in here
#[utoipa::path(get, path = "/v1/session", tag = "session", responses(
    (status = 200, body = SessionView), Failure))]
pub(super) async fn show(Asked { api, caller }: Asked) -> Result<Json<SessionView>, Problem> {
    let totp = api.reviewers.needs_totp(&caller.voter.name);
    let session = caller.session.ok_or_else(none)?;
    Ok(Json(view(caller.voter, totp, session)))
}

/// Sign out
#[utoipa::path(delete, path = "/v1/session", tag = "session", responses(
    (status = 204), Failure))]
pub(super) async fn end(Asked { api, caller }: Asked) -> Result<Response, Problem> {
    api.sessions.end(&caller.session.ok_or_else(none)?.key);
    let response = StatusCode::NO_CONTENT.into_response();
    let cookie = if caller.peer.is_tls() {
        format!("{SECURE}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict")
    } else {
        format!("{PLAIN}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict")
    };
    Ok(with_cookie(response, &cookie))
}

/// The id in the cookie, of the one name that belongs to this kind of connection.
pub(super) fn id<'a>(headers: &'a HeaderMap, peer: &Peer) -> Option<&'a str> {
    let name = if peer.is_tls() { SECURE } else { PLAIN };
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let mut pairs =
        cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, id)| id)
}

fn none() -> Problem {
    Problem::not_found("this request belongs to no session; POST /v1/session begins one")
}

fn view(voter: Voter, totp: bool, session: Session) -> SessionView {
    let Voter { name, roles, teams } = voter;
    let me = Me { name, roles: roles.into_iter().collect(), teams: teams.into_iter().collect(), totp };
    let Session { csrf, left, totp_shown, .. } = session;
    SessionView { me, csrf, left_s: left, idle_s: IDLE, totp_shown }
}

fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}
