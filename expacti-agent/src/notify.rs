//! Tells humans who are not looking: webhooks, programs, the desktop.
//!
//! Every way has a queue and a task of its own. A full queue drops the message and a failing way tries again later:
//! neither a verdict nor another way ever waits for it.

mod config;
mod deliver;
pub(crate) mod http;
mod message;
mod quiet;
mod smtp;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use expacti_core::docket::Notice;
use expacti_core::record::secrets::Masker;
use tokio::sync::mpsc;
use tokio::time::Instant;

pub(crate) use self::config::Format;
pub(crate) use self::config::{SinkConfig, Target};
use self::deliver::Way;
use self::message::Message;
use self::quiet::Quiet;
use self::smtp::Mailer;
use crate::desk::Notifier;

/// Messages that wait for one way.
const QUEUE: usize = 256;

/// How long one attempt may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// How messages are made and handed in.
#[derive(Clone, Debug)]
pub(crate) struct NotifyConfig {
    /// The ways.
    pub(crate) sinks: Vec<SinkConfig>,
    /// Where the console is, for links.
    pub(crate) link: Option<String>,
    /// The same is not told again for so long.
    pub(crate) quiet: Duration,
    /// Pauses between attempts; there is one attempt more than pauses.
    pub(crate) retries: Vec<Duration>,
}

impl Default for NotifyConfig {
    fn default() -> Self {
        let retries = [2, 10, 60, 300].map(Duration::from_secs).to_vec();
        Self { sinks: Vec::new(), link: None, quiet: Duration::from_mins(5), retries }
    }
}

/// Why a way is of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotifyError {
    /// The address is none, or would send commands over the network in clear.
    #[error("notify: `{0}` is no address to send to: give https://HOST/..., or http:// on this host")]
    BadUrl(String),
    /// The secret cannot be read.
    #[error("notify: {}: {source}", path.display())]
    Secret {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A letter cannot be sent like this.
    #[error("notify: {0}")]
    BadLetter(String),
    /// There is nothing to run.
    #[error("notify: `argv` of a command is empty; name the program")]
    NoProgram,
}

/// All ways.
#[derive(Debug)]
pub(crate) struct Notifications {
    sinks: Vec<(SinkConfig, mpsc::Sender<Message>)>,
    link: Option<String>,
    masker: Masker,
    quiet: Mutex<Quiet>,
    start: Instant,
}

impl Notifications {
    /// Checks every way and starts its task on the current runtime.
    pub(crate) fn start(config: NotifyConfig, masker: Masker) -> Result<Self, NotifyError> {
        let mut sinks = Vec::new();
        for sink in config.sinks {
            let way = way_of(&sink.target)?;
            let (sender, queue) = mpsc::channel(QUEUE);
            tokio::spawn(work(way, queue, config.retries.clone()));
            sinks.push((sink, sender));
        }
        let pause = u64::try_from(config.quiet.as_millis()).unwrap_or(u64::MAX);
        let quiet = Mutex::new(Quiet::new(pause));
        Ok(Self { sinks, link: config.link, masker, quiet, start: Instant::now() })
    }
}

impl Notifier for Notifications {
    fn notify(&self, notice: Notice) {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        let level = notice.card.evaluation.level;
        let mut wanting = self.sinks.iter().filter(|(sink, _)| sink.wants(notice.kind, level)).peekable();
        // What nobody hears of does not count as told.
        if wanting.peek().is_none()
            || !self.quiet.lock().unwrap_or_else(PoisonError::into_inner).admits(&notice, now)
        {
            return;
        }
        let message = Message::of(&notice, self.link.as_deref(), &self.masker);
        for (_, queue) in wanting {
            // A way that is this far behind has enough to tell already.
            let _ = queue.try_send(message.clone());
        }
    }
}

fn way_of(target: &Target) -> Result<Way, NotifyError> {
    match target {
        Target::Webhook { url, format, secret_file } => {
            let parsed =
                url.parse().ok().filter(http::is_fit).ok_or_else(|| NotifyError::BadUrl(url.clone()))?;
            let secret = secret_file.as_ref().map(|path| secret(path)).transpose()?.map(String::into_bytes);
            Ok(Way::Webhook { url: parsed, format: *format, secret })
        }
        Target::Email { server, from, recipients, user, password_file } => {
            let wrong = |text: String| NotifyError::BadLetter(text);
            let (host, port, tls_at_once) = Mailer::server(server).ok_or_else(|| {
                wrong(format!("`{server}` is no mail server: give smtps://HOST, or smtp://HOST for STARTTLS"))
            })?;
            if recipients.is_empty() {
                return Err(wrong("`recipients` is empty; name who gets the letters".to_owned()));
            }
            if let Some(bad) = recipients.iter().chain([from]).find(|text| !Mailer::is_address(text)) {
                return Err(wrong(format!("`{bad}` is no address; write it as name@example.org")));
            }
            let password = password_file.as_ref().map(|path| secret(path)).transpose()?;
            let user = match (user, password) {
                (Some(user), Some(password)) => Some((user.clone(), password)),
                (None, None) => None,
                _ => return Err(wrong("`user` and `password_file` belong together".to_owned())),
            };
            let (from, recipients) = (from.clone(), recipients.clone());
            Ok(Way::Email(Mailer { host, port, tls_at_once, user, from, recipients }))
        }
        Target::Command { argv } if argv.is_empty() => Err(NotifyError::NoProgram),
        Target::Command { argv } => Ok(Way::Command { argv: argv.clone() }),
        Target::Desktop {} => Ok(Way::Desktop),
    }
}

fn secret(path: &Path) -> Result<String, NotifyError> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|source| NotifyError::Secret { path: path.to_owned(), source })?;
    Ok(text.trim().to_owned())
}

async fn work(way: Way, mut queue: mpsc::Receiver<Message>, retries: Vec<Duration>) {
    while let Some(message) = queue.recv().await {
        let mut pauses = retries.iter();
        loop {
            match tokio::time::timeout(PATIENCE, way.hand_in(&message)).await {
                Ok(Ok(())) => break,
                Ok(Err(_)) | Err(_) => match pauses.next() {
                    Some(pause) => tokio::time::sleep(*pause).await,
                    // The card itself stays in the queue of every console; only the call for attention is lost.
                    None => break,
                },
            }
        }
    }
}
