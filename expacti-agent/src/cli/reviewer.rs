//! `expacti reviewer`: who may answer.

use std::io::{self, Write as _};

use clap::{Args, Subcommand, ValueEnum};
use expacti_core::docket::Role;

use super::connect::Connect;
use super::ending::Ending;
use crate::client::segment;
use crate::wire::{NewReviewer, ReviewerView, WelcomeView};

/// Say who may answer: names, roles, tokens
#[derive(Args)]
pub(super) struct Reviewer {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Add somebody. Their token is shown once, on standard output
    Add(Add),
    /// List everybody, also those who were revoked
    List(List),
    /// Take somebody's right away, at once: open votes and grants of theirs end
    Revoke(Revoke),
}

#[derive(Args)]
struct Add {
    /// A name that nobody has or had: a-z, 0-9, `.`, `_`, `-`
    name: String,
    /// What they may do; repeat it for several
    #[arg(long = "role", value_enum, required = true)]
    roles: Vec<RoleArg>,
    /// Further names that rules may ask for, such as `dba`; repeat it for several
    #[arg(long = "team", value_name = "NAME")]
    teams: Vec<String>,
    /// The user of this host who is them: on the local socket they need no token
    #[arg(long)]
    uid: Option<u32>,
    /// They approve with a one-time password too; what their app needs is shown once
    #[arg(long)]
    with_totp: bool,
    #[command(flatten)]
    connect: Connect,
}

#[derive(Args)]
struct List {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: Connect,
}

#[derive(Args)]
struct Revoke {
    /// Their name
    name: String,
    #[command(flatten)]
    connect: Connect,
}

/// A role on the command line.
#[derive(Clone, Copy, ValueEnum)]
enum RoleArg {
    /// Sees what waits
    Viewer,
    /// Answers, and stops agents
    Reviewer,
    /// Manages reviewers, resumes and kills agents, ends grants
    Admin,
    /// Sees the exec log
    Auditor,
}

impl From<RoleArg> for Role {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Viewer => Self::Viewer,
            RoleArg::Reviewer => Self::Reviewer,
            RoleArg::Admin => Self::Admin,
            RoleArg::Auditor => Self::Auditor,
        }
    }
}

impl Reviewer {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        match self.command {
            Command::Add(command) => command.run(),
            Command::List(command) => command.run(),
            Command::Revoke(command) => command.run(),
        }
    }
}

impl Add {
    fn run(self) -> anyhow::Result<Ending> {
        let client = self.connect.client("cli")?;
        let roles = self.roles.into_iter().map(Role::from).collect();
        let new =
            NewReviewer { name: self.name, roles, teams: self.teams, uid: self.uid, totp: self.with_totp };
        let welcome: WelcomeView = client.post("/v1/reviewers", &new)?;
        // Alone on standard output, so that it can go straight into a file or a secret store.
        writeln!(io::stdout().lock(), "{}", welcome.token)?;
        let mut aside = io::stderr().lock();
        writeln!(aside, "This is the token of {}; it is shown once.", welcome.name)?;
        if let Some(uri) = welcome.totp_uri {
            writeln!(aside, "For their authenticator app: {uri}")?;
        }
        Ok(Ending::Done)
    }
}

impl List {
    fn run(self) -> anyhow::Result<Ending> {
        let reviewers: Vec<ReviewerView> = self.connect.client("cli")?.get("/v1/reviewers")?;
        let mut out = io::stdout().lock();
        if self.json {
            for reviewer in &reviewers {
                writeln!(out, "{}", serde_json::to_string(reviewer)?)?;
            }
            return Ok(Ending::Done);
        }
        for reviewer in &reviewers {
            let roles: Vec<&str> = reviewer.roles.iter().map(|role| role.name()).collect();
            let state = match (reviewer.revoked, reviewer.last_use) {
                (Some(at), _) => format!("revoked {}", date(at)),
                (None, Some(at)) => format!("last seen {}", date(at)),
                (None, None) => "never seen".to_owned(),
            };
            let uid = reviewer.uid.map(|uid| format!(" uid {uid}")).unwrap_or_default();
            let totp = if reviewer.totp { " totp" } else { "" };
            writeln!(out, "{:<16} {:<32} {state}{uid}{totp}", reviewer.name, roles.join(","))?;
        }
        Ok(Ending::Done)
    }
}

impl Revoke {
    fn run(self) -> anyhow::Result<Ending> {
        self.connect.client("cli")?.act("DELETE", &format!("/v1/reviewers/{}", segment(&self.name)))?;
        writeln!(io::stdout().lock(), "{} may not answer any more", self.name)?;
        Ok(Ending::Done)
    }
}

fn date(seconds: u64) -> String {
    let at = i64::try_from(seconds).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    at.map_or_else(|| seconds.to_string(), |at| at.to_string())
}
