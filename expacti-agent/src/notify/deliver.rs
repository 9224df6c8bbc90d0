//! Hands in one message.

use std::fmt::Write as _;
use std::io;
use std::process::Stdio;

use axum::http::Uri;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::config::Format;
use super::http;
use super::message::Message;
use super::smtp::Mailer;
use crate::clock::epoch_seconds;

/// A way that was found to be in order.
#[derive(Debug)]
pub(super) enum Way {
    Webhook { url: Uri, format: Format, secret: Option<Vec<u8>> },
    Command { argv: Vec<String> },
    Email(Mailer),
    Desktop,
}

impl Way {
    pub(super) async fn hand_in(&self, message: &Message) -> io::Result<()> {
        match self {
            Self::Webhook { url, format, secret } => {
                let body = message.body(*format).to_string();
                let signature =
                    secret.as_ref().map(|secret| ("expacti-signature", sign(secret, epoch_seconds(), &body)));
                http::post(url, signature.as_slice(), body.as_bytes()).await
            }
            Self::Command { argv } => {
                let (program, arguments) = argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
                run(program, arguments, message.body(Format::Generic).to_string().as_bytes()).await
            }
            Self::Email(mailer) => mailer.hand_in(message).await,
            Self::Desktop => run("notify-send", &message.for_desktop(), b"").await,
        }
    }
}

/// `t=SECONDS,v1=HEX`: HMAC-SHA-256 over `SECONDS.BODY`, so that an old message cannot be sent again as a new one.
pub(super) fn sign(secret: &[u8], seconds: u64, body: &str) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return String::new() };
    mac.update(format!("{seconds}.{body}").as_bytes());
    let mut signature = format!("t={seconds},v1=");
    for byte in mac.finalize().into_bytes() {
        // Writing to a string cannot fail.
        let _ = write!(signature, "{byte:02x}");
    }
    signature
}

async fn run(program: &str, arguments: &[String], input: &[u8]) -> io::Result<()> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not read its input has heard enough.
        let _ = stdin.write_all(input).await;
    }
    let status = child.wait().await?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("{program}: {status}"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_what_others_compute() {
        // printf '7.{}' | openssl dgst -sha256 -hmac key
        let expected = "t=7,v1=77bc83bd1f40422311e47918b203449aecf84b02c1568bb1b570ac2a474cc2d8";
        assert_eq!(sign(b"key", 7, "{}"), expected);
    }
}
