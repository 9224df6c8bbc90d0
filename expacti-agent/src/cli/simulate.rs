//! `expacti simulate`: the review side without a kernel, for trying it and for tests of what stands on the API.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;

use super::ending::{BadInput, Ending};
use super::rule_files::RuleFiles;
use crate::api::{Api, ApiConfig, Gated, TcpConfig};
use crate::daemon::engine::{Engine, InForce};
use crate::daemon::ledger::Ledger;
use crate::desk::simulation::{Simulation, past, play};
use crate::judging::request_of;
use crate::reviewers::Reviewers;
use expacti_agent::log::{Config, Log, Place};
use expacti_core::Tools;
use expacti_core::docket::{PerLevel, Policy};
use expacti_core::history::History;
use expacti_core::record::filter::Filter;
use expacti_core::record::secrets::Masker;
use expacti_core::request::ExecRequest;

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
    /// What agents try, judged by the engine: a file with one request as JSON a line
    #[arg(long, value_name = "FILE")]
    requests: Option<PathBuf>,
    /// Keep a real exec log in this folder
    #[arg(long, value_name = "FOLDER")]
    home: Option<PathBuf>,
    /// How many of the requests that log holds already
    #[arg(long, value_name = "N", default_value_t = 0, requires_all = ["home", "requests"])]
    past: u64,
    #[command(flatten)]
    rules: RuleFiles,
}

/// No process is gated, because nothing is.
struct Nobody;

impl Gated for Nobody {
    fn is_gated(&self, _: u32) -> bool {
        false
    }

    fn gates(&self) -> bool {
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
        let tools = Tools::embedded();
        let rules = self.rules.load(&tools)?;
        let policy_of_agents = expacti_core::policy::Policy::default();
        let in_force = InForce::new(Engine::of_one_policy(tools, policy_of_agents, rules));
        let in_force = Arc::new(in_force);
        let engine = in_force.now();
        let requests = self.requests.as_deref().map(read).transpose()?.unwrap_or_default();
        let agents = ["claude", "codex"];
        let log = self.log(&requests, &engine).await?;
        let boot = past::random_boot();
        let simulation = match &log {
            None => Simulation::start(&agents, policy),
            Some(log) => Simulation::recorded(&agents, policy, Ledger::new(log.clone(), boot)),
        };
        let reviewers = Reviewers::open(&self.reviewers)?.into();
        let config = ApiConfig {
            requests_per_second: self.rate,
            burst: self.rate.saturating_mul(4),
            node: "simulation".to_owned(),
            ..ApiConfig::default()
        };
        let mut random = [0; 16];
        getrandom::fill(&mut random).context("no randomness")?;
        let epoch = format!("{:x}", u128::from_ne_bytes(random));
        let api = Api::new(
            simulation.desk.clone(),
            reviewers,
            Arc::new(Nobody),
            config,
            Masker::new(random),
            epoch,
        );
        if let Some(log) = &log {
            api.look_back(log.reader().clone(), boot, Arc::clone(&in_force));
        }
        let attempt = |number| match requests.get(number % requests.len().max(1)) {
            None => play(&simulation, number),
            Some(request) => {
                let request = again(request, number / requests.len());
                let evaluation = engine.judge(&request, &[], &History::default()).evaluation;
                simulation.kernel.attempt(&simulation.desk, request, evaluation)
            }
        };
        for number in 0..self.attempts {
            attempt(number);
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
                attempt(number);
            }
        };
        tokio::select! {
            served = serving => served?,
            () = more => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        Ok(Ending::Done)
    }

    /// The log, with a past.
    async fn log(&self, requests: &[ExecRequest], engine: &Engine) -> anyhow::Result<Option<Log>> {
        let Some(home) = &self.home else { return Ok(None) };
        let place = Place::Sqlite(home.join("log.db"));
        let log = Log::open(Config::new(place, home)).await.context("the exec log")?;
        let is_new = log.query(&Filter::default(), None, 1).await?.attempts.is_empty();
        if self.past > 0 && is_new {
            past::write(&log, requests, engine, self.past).await?;
            log.settle().await?;
        }
        Ok(Some(log))
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<ExecRequest>> {
    let text =
        std::fs::read_to_string(path).map_err(|error| BadInput(format!("{}: {error}", path.display())))?;
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            let wrong = |why: String| BadInput(format!("{}:{number}: {why}", path.display())).into();
            request_of(serde_json::from_str(line).map_err(|error| wrong(error.to_string()))?).map_err(wrong)
        })
        .collect()
}

/// The same with another argument, so that it is another command.
fn again(request: &ExecRequest, round: usize) -> ExecRequest {
    let mut request = request.clone();
    if round > 0 {
        request.argv.push(format!("again-{round}").into());
    }
    request
}
