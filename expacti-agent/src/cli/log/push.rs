//! `expacti log export --to`: OTLP over HTTP.

use std::io::{Write as _, stderr};
use std::time::Duration;

use anyhow::Context as _;
use axum::http::Uri;
use expacti_agent::log::{Cursor, Reader, export};
use expacti_core::record::filter::Filter;

use super::super::ending::BadInput;
use super::said;
use crate::notify::http;

/// How many attempts go into one request: collectors take 4 MiB by default, and a record has a few kilobytes.
const PAGE: u32 = 250;
/// A request that fails is sent again after these pauses.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(250), Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];
/// How long a collector may take for one request.
const PATIENCE: Duration = Duration::from_secs(10);

/// An address that records may be sent to.
pub(super) fn collector(url: &str) -> anyhow::Result<Uri> {
    let fit = url.parse().ok().filter(http::is_fit);
    let bad = || {
        BadInput(format!(
            "'{url}' is no address to send records to: give https://HOST:PORT/v1/logs, or http:// on this host"
        ))
    };
    Ok(fit.ok_or_else(bad)?)
}

/// Headers as they were given, or from a file, so that a secret need not stand in argv.
pub(super) fn headers(given: &[String]) -> anyhow::Result<Vec<(String, String)>> {
    let mut headers = Vec::new();
    for header in given {
        let text = match header.strip_prefix('@') {
            Some(path) => {
                std::fs::read_to_string(path).map_err(|error| BadInput(format!("{path}: {error}")))?
            }
            None => header.clone(),
        };
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            headers.push(one(line).ok_or_else(|| {
                BadInput("a header is NAME: VALUE, in visible ASCII; the one that was given is not".into())
            })?);
        }
    }
    Ok(headers)
}

fn one(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(':')?;
    let is_name =
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    let value = value.trim();
    (is_name && value.bytes().all(|b| matches!(b, b' '..=b'~'))).then(|| (name.to_owned(), value.to_owned()))
}

/// Posts every attempt that fits, oldest first. What a collector took is taken: a repeated request can double the
/// records of one page, never lose one.
pub(super) async fn push(
    reader: &Reader,
    filter: &Filter,
    url: &Uri,
    headers: &[(String, String)],
) -> anyhow::Result<()> {
    let headers: Vec<(&str, String)> =
        headers.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    let end = reader.newest().await.map_err(said)?;
    let (mut at, mut sent) = (Cursor(0), 0);
    let mut last = String::from("nothing");
    while at.0 < end.0 {
        let (attempts, next) = reader.newer(filter, at, PAGE).await.map_err(said)?;
        at = next;
        if attempts.is_empty() {
            continue;
        }
        let body = export::otlp_request(&attempts).map_err(said)?;
        let posted = post(url, &headers, body.as_bytes()).await;
        posted.with_context(|| {
            format!("{url} took {sent} records, the last of them {last}, and then failed")
        })?;
        sent += attempts.len();
        if let Some(attempt) = attempts.last() {
            last = format!("{} of {}", attempt.id, attempt.time);
        }
    }
    Ok(writeln!(stderr(), "{url} took {sent} records")?)
}

async fn post(url: &Uri, headers: &[(&str, String)], body: &[u8]) -> anyhow::Result<()> {
    let mut pauses = PAUSES.iter();
    loop {
        let failed = match tokio::time::timeout(PATIENCE, http::post(url, headers, body)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => anyhow::Error::from(error),
            Err(_) => anyhow::anyhow!("no answer within {PATIENCE:?}"),
        };
        // 4xx but 408 and 429: the same request will be refused again.
        let status = failed.to_string();
        let final_answer = status.starts_with("HTTP/")
            && status.contains(" 4")
            && !status.ends_with(" 408")
            && !status.ends_with(" 429");
        match pauses.next().filter(|_| !final_answer) {
            Some(&pause) => tokio::time::sleep(pause).await,
            None => return Err(failed),
        }
    }
}
