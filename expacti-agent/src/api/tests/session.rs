//! Signing in with a browser, spoken by hand: what a browser would send, and what it would never send by itself.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;

use expacti_core::docket::Role;
use serde_json::{Value, json};

use super::{Served, ask};
use crate::api::{ApiConfig, TcpConfig};
use crate::reviewers::New;

/// An answer: status, headers and body.
struct Answer(u16, String, Value);

impl Answer {
    fn code(&self) -> (u16, &str) {
        let kind = self.2["type"].as_str().unwrap_or_default();
        (self.0, kind.trim_start_matches("urn:expacti:problem:"))
    }

    /// The cookie as a browser sends it back.
    fn cookie(&self) -> String {
        let line = self.1.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
        assert!(line.contains("HttpOnly") && line.contains("SameSite=Strict"), "{line}");
        line.split(';').next().unwrap().to_owned()
    }
}

struct Site {
    served: Served,
    address: SocketAddr,
}

impl Site {
    async fn start() -> Self {
        let served = Served::start(ApiConfig::default());
        let config = TcpConfig { address: "127.0.0.1:0".parse().unwrap(), tls: None };
        let (address, serving) = served.api.serve_tcp(&config).await.unwrap();
        tokio::spawn(serving);
        Self { served, address }
    }

    fn token(&self, name: &str, totp: bool) -> String {
        let new = New { name: name.into(), roles: [Role::Reviewer].into(), totp, ..New::default() };
        self.served.reviewers.add(new, 0).unwrap().token.reveal().to_owned()
    }

    async fn ask(&self, line: &str, headers: &str, body: Option<Value>) -> Answer {
        let (address, line, headers) = (self.address, line.to_owned(), headers.to_owned());
        ask(move || {
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            let body = body.map_or_else(String::new, |body| body.to_string());
            let kind = if body.is_empty() { "" } else { "content-type: application/json\r\n" };
            let length = body.len();
            let head = format!("{line} HTTP/1.0\r\nhost: {address}\r\n{kind}content-length: {length}\r\n");
            let headers: String = headers.lines().flat_map(|line| [line.trim(), "\r\n"]).collect();
            write!(stream, "{head}{headers}\r\n{body}").unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            Answer(status, head.replace('\r', ""), serde_json::from_str(body).unwrap_or_default())
        })
        .await
    }

    async fn sign_in(&self, token: &str) -> Answer {
        self.ask("POST /v1/session", "", Some(json!({ "token": token }))).await
    }
}

#[tokio::test]
async fn a_cookie_speaks_for_whoever_has_signed_in_until_they_sign_out() {
    let site = Site::start().await;
    let begun = site.sign_in(&site.token("alice", false)).await;
    assert_eq!(begun.0, 201);
    let (cookie, csrf) = (begun.cookie(), begun.2["csrf"].as_str().unwrap().to_owned());
    let with_cookie = format!("cookie: other=1; {cookie}");
    let shown = site.ask("GET /v1/session", &with_cookie, None).await;
    assert_eq!((shown.0, &shown.2["csrf"], &shown.2["me"]["name"]), (200, &json!(csrf), &json!("alice")));
    assert_eq!(site.ask("GET /v1/session", "", None).await.0, 401);

    let ended = site.ask("DELETE /v1/session", &format!("{with_cookie}\nexpacti-csrf: {csrf}"), None).await;
    assert_eq!(ended.0, 204);
    assert_eq!(site.ask("GET /v1/me", &with_cookie, None).await.0, 401);
}

#[tokio::test]
async fn pages_of_others_change_nothing_with_somebody_elses_cookie() {
    let site = Site::start().await;
    let ticket = site.served.simulation.attempt("claude", &["git", "push"], 45);
    let begun = site.sign_in(&site.token("alice", false)).await;
    let (cookie, csrf) = (begun.cookie(), begun.2["csrf"].as_str().unwrap().to_owned());
    let card = site.ask(&format!("GET /v1/cards/{ticket}"), &format!("cookie: {cookie}"), None).await.2;
    let vote = json!({ "digest": card["card"]["digest"], "newest": ticket, "answer": "approve" });
    let line = format!("POST /v1/cards/{ticket}/votes");
    let elsewhere = format!("origin: http://localhost:{}", site.address.port() + 1);
    for (headers, code) in [
        (String::new(), "csrf-missing"),
        ("expacti-csrf: x".to_owned(), "csrf-missing"),
        (format!("expacti-csrf: {csrf}\nsec-fetch-site: cross-site"), "cross-site"),
        (format!("expacti-csrf: {csrf}\nsec-fetch-site: same-site"), "cross-site"),
        // Another service of this host, on another port.
        (format!("expacti-csrf: {csrf}\n{elsewhere}"), "cross-site"),
    ] {
        let refused = site.ask(&line, &format!("cookie: {cookie}\n{headers}"), Some(vote.clone())).await;
        assert_eq!(refused.code(), (403, code), "{headers}");
    }
    assert_eq!(site.served.simulation.kernel.verdict_now(ticket), None);
    let own = format!(
        "cookie: {cookie}\nexpacti-csrf: {csrf}\nsec-fetch-site: same-origin\norigin: http://{}",
        site.address
    );
    assert_eq!(site.ask(&line, &own, Some(vote)).await.0, 200);
    assert!(site.served.simulation.kernel.verdict(ticket).await.allow);
}

#[tokio::test]
async fn who_guesses_waits_and_others_do_not() {
    let site = Site::start().await;
    let token = site.token("alice", false);
    for _ in 0..5 {
        assert_eq!(site.sign_in("alice.wrong").await.code(), (401, "unknown-reviewer"));
    }
    assert_eq!(site.sign_in(&token).await.code(), (429, "too-many-guesses"));
    assert_eq!(site.sign_in(&site.token("bob", false)).await.0, 201);
}

#[tokio::test]
async fn signing_in_takes_the_one_time_password_of_those_who_have_one() {
    let site = Site::start().await;
    let token = site.token("carol", true);
    assert_eq!(site.sign_in(&token).await.code(), (403, "totp-missing"));
    let wrong = json!({ "token": token, "totp": "000000x" });
    assert_eq!(site.ask("POST /v1/session", "", Some(wrong)).await.code(), (403, "totp-wrong"));
    let code = site.served.reviewers.code_of("carol");
    let begun = site.ask("POST /v1/session", "", Some(json!({ "token": token, "totp": code }))).await;
    assert_eq!((begun.0, &begun.2["totp_shown"]), (201, &json!(true)));
    // It was shown just now, so approving asks for none.
    let ticket = site.served.simulation.attempt("claude", &["git", "push"], 45);
    let (cookie, csrf) = (begun.cookie(), begun.2["csrf"].as_str().unwrap().to_owned());
    let card = site.ask(&format!("GET /v1/cards/{ticket}"), &format!("cookie: {cookie}"), None).await.2;
    let vote = json!({ "digest": card["card"]["digest"], "newest": ticket, "answer": "approve" });
    let headers = format!("cookie: {cookie}\nexpacti-csrf: {csrf}");
    assert_eq!(site.ask(&format!("POST /v1/cards/{ticket}/votes"), &headers, Some(vote)).await.0, 200);
}

#[tokio::test]
async fn whoever_is_revoked_is_out_at_once() {
    let site = Site::start().await;
    let begun = site.sign_in(&site.token("alice", false)).await;
    let cookie = format!("cookie: {}", begun.cookie());
    assert_eq!(site.ask("GET /v1/me", &cookie, None).await.0, 200);
    site.served.reviewers.revoke("alice", 1).unwrap();
    assert_eq!(site.ask("GET /v1/me", &cookie, None).await.0, 401);
}

#[tokio::test]
async fn pages_are_for_everybody_and_protected() {
    let site = Site::start().await;
    for path in ["/", "/log/3f2a9c1e-42", "/console/app/main.js"] {
        let Answer(status, head, _) = site.ask(&format!("GET {path}"), "", None).await;
        assert_eq!(status, 200, "{path}");
        assert!(head.contains("content-security-policy: default-src 'none'; script-src 'self'"), "{head}");
        assert!(head.contains("x-frame-options: DENY") && head.contains("nosniff"), "{head}");
    }
    let tag = |head: &str| head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap().to_owned();
    let known = format!("if-none-match: {}", tag(&site.ask("GET /", "", None).await.1));
    assert_eq!(site.ask("GET /", &known, None).await.0, 304);
    assert_eq!(site.ask("GET /console/../../etc/passwd", "", None).await.0, 404);
    let evil = site.ask("GET /", "origin: https://evil.tld", None).await;
    assert_eq!(evil.code(), (403, "unknown-origin"));
}
