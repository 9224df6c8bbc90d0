//! Who is told, of what, and how: the `[[notify]]` tables of the configuration.

use std::path::PathBuf;

use expacti_core::docket::NoticeKind;
use expacti_core::evaluation::Level;
use serde::Deserialize;

/// One way to tell humans.
// Unknown keys are refused by `Target`, which gets everything that is not named here.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct SinkConfig {
    /// Nothing below this level.
    #[serde(default = "SinkConfig::lowest")]
    pub(crate) from_level: Level,
    /// Only these; all where none is named.
    #[serde(default)]
    pub(crate) kinds: Vec<NoticeKind>,
    /// How.
    #[serde(flatten)]
    pub(crate) target: Target,
}

/// How humans are told.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "to", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Target {
    /// JSON by HTTP POST.
    Webhook {
        /// Where: `https://...`, or `http://` on this host.
        url: String,
        /// What the receiver understands.
        #[serde(default)]
        format: Format,
        /// A file with the secret that signs it (HMAC-SHA-256), for the generic format.
        #[serde(default)]
        secret_file: Option<PathBuf>,
    },
    /// A letter by SMTP.
    Email {
        /// The mail server: `smtps://HOST`, or `smtp://HOST` with STARTTLS.
        server: String,
        /// Who the letters are from.
        from: String,
        /// Who gets them.
        recipients: Vec<String>,
        /// The name to sign in with, where the server wants one.
        #[serde(default)]
        user: Option<String>,
        /// A file with the password.
        #[serde(default)]
        password_file: Option<PathBuf>,
    },
    /// A program, with the message on its standard input as JSON.
    Command {
        /// The program and its arguments. No shell is involved.
        argv: Vec<String>,
    },
    /// The desktop of whoever runs the daemon, by `notify-send`.
    Desktop {},
}

/// What the receiver of a webhook understands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Format {
    /// Our own JSON, signed.
    #[default]
    Generic,
    /// Slack's incoming webhooks.
    Slack,
    /// Discord's webhooks.
    Discord,
    /// Teams' workflows, by adaptive card.
    Teams,
}

impl SinkConfig {
    fn lowest() -> Level {
        Level::Low
    }

    /// Whether it wants to hear of this.
    pub(super) fn wants(&self, kind: NoticeKind, level: Level) -> bool {
        level >= self.from_level && (self.kinds.is_empty() || self.kinds.contains(&kind))
    }
}
