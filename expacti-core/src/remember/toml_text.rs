//! Writing a rule as TOML.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest as _, Sha256};

use super::Width;
use crate::request::ExecRequest;
use crate::time::Timestamp;
use crate::untrusted::Untrusted;

/// A name that a human recognises, and that another command does not get: `remembered-git-push-1f3a9c02`.
pub(super) fn name(request: &ExecRequest) -> String {
    let mut hash = Sha256::new();
    for part in request.argv.iter().chain(request.cwd.as_ref()).chain([&request.exe.path]) {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.update(request.agent.name.as_bytes());
    let hash = hash.finalize();
    let mut name = String::from("remembered");
    for word in request.argv.iter().take(2) {
        let word = word.as_bytes().rsplit(|b| *b == b'/').next().unwrap_or_default();
        let plain: String =
            word.iter().take(12).filter(|b| b.is_ascii_alphanumeric()).map(|b| char::from(*b)).collect();
        if !plain.is_empty() {
            let _ = write!(name, "-{}", plain.to_ascii_lowercase());
        }
    }
    name.push('-');
    for byte in hash.iter().take(8) {
        let _ = write!(name, "{byte:02x}");
    }
    name
}

/// One `[[rule]]`. Writing to a string cannot fail.
pub(super) fn rule(
    name: &str,
    request: &ExecRequest,
    score: u8,
    width: Width,
    because: &str,
    now: Timestamp,
    expires: Option<Timestamp>,
) -> String {
    let because = if because.trim().is_empty() { "approved by a human" } else { because };
    let mut text =
        format!("[[rule]]\nname = {}\ndecision = \"allow\"\nbecause = {}\n", string(name), string(because));
    let words: Vec<String> = request.argv.iter().map(word).collect();
    let _ = writeln!(text, "argv = [{}]", words.join(", "));
    let _ = writeln!(text, "exe = {}", string(&glob_of(&request.exe.path.to_lossy())));
    if let Some(hash) = &request.exe.sha256 {
        let _ = writeln!(text, "sha256 = {}", string(hash));
    }
    if let Some(script) = request.script.as_ref().filter(|script| !script.sha256.is_empty()) {
        let _ = writeln!(text, "script_sha256 = {}", string(&script.sha256));
    }
    let folder = request.cwd.as_ref().and_then(Untrusted::as_str).filter(|_| width == Width::SameFolder);
    if let Some(folder) = folder {
        let _ = writeln!(text, "cwd = {}", string(&glob_of(folder)));
    }
    if !request.agent.name.is_empty() {
        let _ = writeln!(text, "agent = {}", string(&glob_of(&request.agent.name)));
    }
    // Should it become riskier one day, it is another question.
    let _ = writeln!(text, "max_risk = {score}");
    let _ = writeln!(text, "created = {}", now.to_rfc3339());
    if let Some(expires) = expires {
        let _ = writeln!(text, "expires = {}", expires.to_rfc3339());
    }
    text
}

/// One word of `argv`, as an element that takes it and nothing else.
pub(crate) fn word(word: &Untrusted) -> String {
    match word.as_str() {
        Some("...") => "{literal = \"...\"}".to_owned(),
        Some(text) => string(text),
        None => format!("{{base64 = \"{}\"}}", BASE64.encode(word.as_bytes())),
    }
}

/// A basic string of TOML. What is not plainly visible is written as an escape.
pub(crate) fn string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            ' '..='~' => out.push(c),
            _ => {
                let _ = write!(out, "\\U{:08X}", u32::from(c));
            }
        }
    }
    out.push('"');
    out
}

/// A glob that takes this text only.
pub(crate) fn glob_of(text: &str) -> String {
    let mut glob = String::new();
    for c in text.chars() {
        if "*?[]{}\\".contains(c) {
            glob.push('\\');
        }
        glob.push(c);
    }
    glob
}
