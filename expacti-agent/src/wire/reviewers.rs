//! The humans who answer.

use expacti_core::docket::Role;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A reviewer without their secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct ReviewerView {
    /// Their name.
    pub(crate) name: String,
    /// What they may do.
    #[schema(value_type = Vec<String>)]
    pub(crate) roles: Vec<Role>,
    /// Further names that rules may ask for.
    pub(crate) teams: Vec<String>,
    /// The user of this host who is them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) uid: Option<u32>,
    /// They approve with a one-time password.
    pub(crate) totp: bool,
    /// Seconds since the epoch.
    pub(crate) created: u64,
    /// Seconds since the epoch, to the minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_use: Option<u64>,
    /// They may not answer any more, since then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) revoked: Option<u64>,
}

/// A new reviewer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewReviewer {
    /// A name that nobody has or had.
    #[schema(pattern = "^[a-z][a-z0-9._-]{0,63}$")]
    pub(crate) name: String,
    /// What they may do: viewer, reviewer, admin, auditor.
    #[schema(value_type = Vec<String>, min_items = 1)]
    pub(crate) roles: Vec<Role>,
    /// Further names that rules may ask for.
    #[serde(default)]
    pub(crate) teams: Vec<String>,
    /// The user of this host who is them, on the local socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) uid: Option<u32>,
    /// They approve with a one-time password too.
    #[serde(default)]
    pub(crate) totp: bool,
}

/// What a new reviewer is told once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct WelcomeView {
    /// Their name.
    pub(crate) name: String,
    /// Their token. It is shown once and kept nowhere.
    pub(crate) token: String,
    /// For their authenticator app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) totp_uri: Option<String>,
}

/// Whom the API takes the asker for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Me {
    /// Their name.
    pub(crate) name: String,
    /// What they may do.
    #[schema(value_type = Vec<String>)]
    pub(crate) roles: Vec<Role>,
    /// Further names that rules may ask for.
    pub(crate) teams: Vec<String>,
    /// They approve with a one-time password.
    pub(crate) totp: bool,
}
