//! How a subcommand reaches the daemon.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use crate::api::SOCKET;
use crate::client::Client;

/// Which daemon, and as whom.
#[derive(Args, Debug)]
pub(super) struct Connect {
    /// The daemon's socket
    #[arg(long, value_name = "PATH", default_value = SOCKET, env = "EXPACTI_SOCKET", hide_env_values = true)]
    socket: PathBuf,
    /// A file that holds your token. Without it the environment variable EXPACTI_TOKEN is taken, or else you are who
    /// your user is mapped to
    #[arg(long, value_name = "PATH")]
    token_file: Option<PathBuf>,
    /// Your one-time password, if you have set up one
    #[arg(long, value_name = "CODE")]
    totp: Option<String>,
}

impl Connect {
    /// Where the daemon is.
    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    pub(super) fn client(&self, face: &'static str) -> anyhow::Result<Client> {
        // A token on the command line would be in every process list.
        let token = match &self.token_file {
            Some(path) => {
                let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
                Some(text.trim().to_owned())
            }
            None => std::env::var("EXPACTI_TOKEN").ok().filter(|token| !token.is_empty()),
        };
        Ok(Client::new(&self.socket, token, face).with_totp(self.totp.clone()))
    }
}
