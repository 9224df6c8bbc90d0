//! Signing in with a browser.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Me;

/// What a human signs in with.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credentials {
    /// Their token.
    #[schema(max_length = 256)]
    pub(crate) token: String,
    /// The one-time password, where they have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 16)]
    pub(crate) totp: Option<String>,
}

/// A session of a browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct SessionView {
    /// Whose it is.
    pub(crate) me: Me,
    /// What requests that change something repeat in the header `expacti-csrf`.
    pub(crate) csrf: String,
    /// When it ends at the latest, in seconds from now.
    pub(crate) left_s: u64,
    /// It ends after so many seconds without a sign of the human.
    pub(crate) idle_s: u64,
    /// A one-time password was shown not long ago, so that approvals need none.
    pub(crate) totp_shown: bool,
}
