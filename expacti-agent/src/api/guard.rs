//! What every request passes before a handler sees it.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use expacti_core::docket::{Role, Voter};

use super::Api;
use super::peer::{Peer, Process};
use super::problem::Problem;
use super::session;
use super::sockets::Origin;
use crate::clock::epoch_seconds;
use crate::web::Session;

/// Whether a request needs no name, because it tells nothing: files of the console, and these.
fn is_public(method: &Method, path: &str) -> bool {
    let is_api = path.starts_with("/v1/") || path == "/v1";
    !is_api
        || matches!(path, "/v1/health" | "/v1/ready" | "/v1/openapi.json")
        || (path == "/v1/session" && method == Method::POST)
}

/// Faces that a request may say it comes from.
const FACES: [&str; 4] = ["cli", "tui", "web", "api"];

/// The human behind a request.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    /// Name, roles and teams.
    pub(super) voter: Voter,
    /// The face they use.
    pub(super) via: &'static str,
    /// The one-time password they sent.
    pub(super) totp: Option<String>,
    /// Where they are.
    pub(super) peer: Peer,
    /// The browser's session that speaks for them.
    pub(super) session: Option<Session>,
}

impl Caller {
    /// Refuses who holds none of these roles.
    pub(super) fn must_be(&self, any_of: &[Role]) -> Result<(), Problem> {
        if any_of.iter().any(|role| self.voter.roles.contains(role)) {
            return Ok(());
        }
        let roles: Vec<&str> = any_of.iter().map(|role| role.name()).collect();
        let detail = format!("{} may not do this: it takes the role {}", self.voter.name, roles.join(" or "));
        Err(Problem::forbidden("role-missing", detail))
    }

    /// Refuses who has one-time passwords and sent none that is right.
    pub(super) fn must_show_totp(&self, api: &Api) -> Result<(), Problem> {
        let name = &self.voter.name;
        if !api.reviewers.needs_totp(name) || self.session.as_ref().is_some_and(|session| session.totp_shown)
        {
            return Ok(());
        }
        let (code, now) = (self.totp.as_deref().unwrap_or_default(), epoch_seconds());
        if api.reviewers.check_totp(name, code, now) {
            if let Some(session) = &self.session {
                api.sessions.showed_totp(&session.key, now);
            }
            return Ok(());
        }
        let detail =
            "a one-time password that is right and was not used yet belongs in the header `expacti-totp`";
        Err(Problem::forbidden("totp-missing", detail))
    }
}

/// Refuses peers that are gated, strange hosts and origins, floods and strangers; names everybody else.
pub(super) async fn admit(
    State(api): State<Arc<Api>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if let Peer::Remote(remote) = &peer {
        remote.find(&api.searching).await;
    }
    api.refuse_gated(&peer)?;
    let headers = request.headers();
    check_host(headers, &api.config.hosts)?;
    check_origin(headers, &api.config.hosts)?;
    if !api.limits.take(&peer.key(), Instant::now()) {
        let detail = "too many requests; wait a second";
        return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", detail));
    }
    if !is_public(request.method(), request.uri().path()) {
        let caller = identify(&api, peer, request.method(), headers).await?;
        request.extensions_mut().insert(caller);
    }
    let mut response = next.run(request).await;
    // What is shown here is nobody else's to keep, frame or guess at.
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(header::HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, header::HeaderValue::from_static("nosniff"));
    Ok(response)
}

impl Api {
    /// Nobody inside an enrolled cgroup answers, whatever their uid or token.
    pub(super) fn refuse_gated(&self, peer: &Peer) -> Result<(), Problem> {
        match peer {
            Peer::Unknown => refused("the kernel does not say who is asking"),
            Peer::Local { process, .. } => self.refuse_gated_process(process),
            Peer::Remote(remote) => match remote.origin() {
                Some(Origin::Here(holders)) => {
                    holders.iter().try_for_each(|holder| self.refuse_gated_process(holder))
                }
                Some(Origin::Elsewhere) => Ok(()),
                Some(Origin::Hidden(_)) if !self.gated.gates() => Ok(()),
                Some(Origin::Hidden(why)) => refused(why),
                None => refused("nobody has looked who is asking"),
            },
        }
    }

    fn refuse_gated_process(&self, process: &Process) -> Result<(), Problem> {
        // In this order: if it lives after the question, the question was about it.
        if self.gated.is_gated(process.pid) {
            return refused("a process of an enrolled agent cannot talk to its own gate");
        }
        if !process.is_alive() {
            return refused("the process that connected is gone");
        }
        Ok(())
    }
}

fn refused(detail: &str) -> Result<(), Problem> {
    Err(Problem::forbidden("gated", detail))
}

async fn identify(
    api: &Arc<Api>,
    peer: Peer,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Caller, Problem> {
    let now = epoch_seconds();
    let mut session = None;
    let voter = if let Some(token) = bearer(headers)? {
        by_token(api, token.to_owned(), now).await
    } else if let Some(id) = session::id(headers, &peer) {
        session = signed_in(api, id, method, headers, now)?;
        session.as_ref().and_then(|session| api.reviewers.by_name(&session.name, now))
    } else if let Peer::Local { uid, .. } = &peer {
        api.by_uid(*uid, now)
    } else {
        None
    };
    let voter = voter.ok_or_else(Problem::unknown_reviewer)?;
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let face = if session.is_some() { "web" } else { text("expacti-via").unwrap_or_default() };
    let via = FACES.into_iter().find(|known| *known == face).unwrap_or("api");
    Ok(Caller { voter, via, totp: text("expacti-totp").map(str::to_owned), peer, session })
}

/// The session of a cookie, where the request comes from our own page. Browsers send cookies along whoever made them
/// ask, so the cookie alone is no proof that the human did.
fn signed_in(
    api: &Api,
    id: &str,
    method: &Method,
    headers: &HeaderMap,
    now: u64,
) -> Result<Option<Session>, Problem> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let from_elsewhere =
        Problem::forbidden("cross-site", "a page of another origin may not use this session");
    if text("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return Err(from_elsewhere);
    }
    // Another service on another port of this host is another origin, too.
    let origin = text("origin").map(|origin| origin.split_once("://").map_or(origin, |(_, host)| host));
    if origin.is_some_and(|origin| !text("host").is_some_and(|host| host.eq_ignore_ascii_case(origin))) {
        return Err(from_elsewhere);
    }
    let Some(session) = api.sessions.of(id, text("expacti-background").is_none(), now) else {
        return Ok(None);
    };
    if !method.is_safe() && text("expacti-csrf") != Some(&session.csrf) {
        let detail =
            "a request that changes something repeats the session's `csrf` in the header `expacti-csrf`";
        return Err(Problem::forbidden("csrf-missing", detail));
    }
    Ok(Some(session))
}

/// Whose token this is.
pub(super) async fn by_token(api: &Arc<Api>, token: String, now: u64) -> Option<Voter> {
    // argon2 takes time and memory: two at once, and nobody's ring reader waits.
    let permit = api.hashing.acquire().await;
    let reviewers = Arc::clone(&api.reviewers);
    let found = tokio::task::spawn_blocking(move || reviewers.by_token(&token, now)).await;
    drop(permit);
    found.ok().flatten()
}

fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let token = value.to_str().ok().and_then(|text| text.split_once(' '));
    match token {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim())),
        _ => Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "unknown-reviewer",
            "send `Authorization: Bearer TOKEN`",
        )),
    }
}

/// A web page of a stranger whose name suddenly points here (DNS rebinding) still sends the stranger's name.
fn check_host(headers: &HeaderMap, hosts: &[String]) -> Result<(), Problem> {
    let mut named = headers.get_all(header::HOST).iter();
    let host = named.next().and_then(|host| host.to_str().ok()).unwrap_or_default();
    if named.next().is_none() && is_known_host(host, hosts) {
        return Ok(());
    }
    let detail = "this host name is not in `api.hosts` of the configuration";
    Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, "unknown-host", detail))
}

/// Browsers say which page a request comes from; other clients say nothing.
fn check_origin(headers: &HeaderMap, hosts: &[String]) -> Result<(), Problem> {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let known = |origin: &header::HeaderValue| {
        let host = origin
            .to_str()
            .ok()
            .and_then(|o| o.strip_prefix("https://").or_else(|| o.strip_prefix("http://")));
        host.is_some_and(|host| is_known_host(host, hosts))
    };
    if origins.all(known) {
        return Ok(());
    }
    Err(Problem::forbidden("unknown-origin", "pages of this origin may not use the API"))
}

fn is_known_host(host: &str, hosts: &[String]) -> bool {
    let without_port = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !port.is_empty() => name,
        _ => host,
    };
    hosts.iter().any(|known| known.eq_ignore_ascii_case(host) || known.eq_ignore_ascii_case(without_port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_known_by_their_whole_name() {
        let hosts = ["localhost".to_owned(), "[::1]".to_owned()];
        for host in ["localhost", "localhost:8080", "LOCALHOST", "[::1]", "[::1]:80"] {
            assert!(is_known_host(host, &hosts), "{host}");
        }
        for host in
            ["", "evil.tld", "localhost.evil.tld", "evil.tld:localhost", "localhost:80x", "::1", "null"]
        {
            assert!(!is_known_host(host, &hosts), "{host}");
        }
    }
}
