//! `expacti simulate`: the review side without a kernel, for trying it and for tests of what stands on the API.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;

use super::ending::Ending;
use crate::api::{Api, ApiConfig, Gated, TcpConfig};
use crate::desk::simulation::{Simulation, play};
use crate::reviewers::Reviewers;
use expacti_core::docket::{PerLevel, Policy};
use expacti_core::record::secrets::Masker;

/// Serve the review side with made-up agents. Nothing is gated
#[derive(Args)]
pub(super) struct Simulate {
    /// The socket to serve on
    #[arg(long, value_name = "PATH")]
    socket: PathBuf,
    /// Where reviewers are kept
    #[arg(long, value_name = "PATH")]
    reviewers: PathBuf,
    /// Serve over TCP too, on loopback
    #[arg(long, value_name = "ADDRESS:PORT")]
    tcp: Option<SocketAddr>,
    /// A socket where everybody is taken for the agent `claude`
    #[arg(long, value_name = "PATH")]
    own: Option<PathBuf>,
    /// How many commands wait in the beginning
    #[arg(long, value_name = "N", default_value_t = 5)]
    attempts: usize,
    /// Seconds between further commands; 0 for none
    #[arg(long, value_name = "S", default_value_t = 0)]
    every: u64,
    /// Seconds that a command waits for humans
    #[arg(long, value_name = "S", default_value_t = 300)]
    timeout: u64,
    /// Requests a second that one client may make
    #[arg(long, value_name = "N", default_value_t = 50)]
    rate: u32,
}

/// No process is gated, because nothing is.
struct Nobody;

impl Gated for Nobody {
    fn is_gated(&self, _: u32) -> bool {
        false
    }

    fn agent_of(&self, _: u32) -> Option<String> {
        Some("claude".to_owned())
    }
}

impl Simulate {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(self.serve())
    }

    async fn serve(self) -> anyhow::Result<Ending> {
        let timeout_ms = PerLevel::same(self.timeout.saturating_mul(1_000));
        let policy = Policy { timeout_ms, max_pending: u32::MAX, ..Policy::default() };
        let simulation = Simulation::start(&["claude", "codex"], policy);
        let reviewers = Reviewers::open(&self.reviewers)?.into();
        let config = ApiConfig {
            requests_per_second: self.rate,
            burst: self.rate.saturating_mul(4),
            ..ApiConfig::default()
        };
        let mut random = [0; 16];
        getrandom::fill(&mut random).context("no randomness")?;
        let epoch = format!("{:x}", u128::from_ne_bytes(random));
        let api = Api::new(
            simulation.desk.clone(),
            reviewers,
            std::sync::Arc::new(Nobody),
            config,
            Masker::new(random),
            epoch,
        );
        for number in 0..self.attempts {
            play(&simulation, number);
        }
        let serving = api.serve_unix(&self.socket)?;
        if let Some(own) = &self.own {
            tokio::spawn(api.serve_own(own)?);
        }
        let mut said = format!("a simulation serves on {}; nothing is gated", self.socket.display());
        if let Some(address) = self.tcp {
            let (bound, serving) = api.serve_tcp(&TcpConfig { address, tls: None }).await?;
            tokio::spawn(serving);
            said.extend([" (also on http://", &bound.to_string(), ")"]);
        }
        writeln!(io::stdout(), "{said}")?;
        let more = async {
            if self.every == 0 {
                return std::future::pending().await;
            }
            for number in self.attempts.. {
                tokio::time::sleep(Duration::from_secs(self.every)).await;
                play(&simulation, number);
            }
        };
        tokio::select! {
            served = serving => served?,
            () = more => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        Ok(Ending::Done)
    }
}
