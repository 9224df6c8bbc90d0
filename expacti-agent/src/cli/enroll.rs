//! `expacti enroll` and `expacti withdraw`: agents while the daemon runs.

use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use super::connect::Connect;
use super::ending::Ending;
use super::pending::plain;
use crate::client::segment;
use crate::containers::Selector;
use crate::wire::{ModeWord, NewAgent};

/// Gate a cgroup, a unit of systemd, a process with its cgroup, or containers, from now on and after restarts
#[derive(Args)]
#[command(after_help = "\
Containers and pods: all that is said must be true of them, and * stands for any text. Each becomes an agent before its first
process runs. Where there may be several, say in the name what tells them apart:
  expacti enroll 'claude-{container}' --container-label agent=claude
  expacti enroll '{namespace}.{pod}.{container}' --pod-annotation expacti/gate=yes")]
pub(super) struct Enroll {
    /// The agent's name: letters, digits, `-`, `_`, `.`; of containers also {container}, {id}, {image}, {pod}, {namespace}
    name: String,
    #[command(flatten)]
    home: Home,
    /// A policy of the configuration
    #[arg(long, value_name = "NAME")]
    policy: Option<String>,
    /// Another mode than the policy's
    #[arg(long, value_enum)]
    mode: Option<ModeArg>,
    #[command(flatten)]
    connect: Connect,
}

#[derive(Args)]
#[group(required = true, multiple = true)]
struct Home {
    /// Everything in this cgroup and below it
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["unit", "pid"], conflicts_with_all = OF_CONTAINERS)]
    cgroup: Option<PathBuf>,
    /// Everything in the cgroup of this unit of systemd
    #[arg(long, value_name = "UNIT", conflicts_with = "pid", conflicts_with_all = OF_CONTAINERS)]
    unit: Option<String>,
    /// Everything in the cgroup of this process
    #[arg(long, value_name = "PID", conflicts_with_all = OF_CONTAINERS)]
    pid: Option<u32>,
    /// Containers of this name
    #[arg(long, value_name = "NAME")]
    container: Option<String>,
    /// Containers of this image
    #[arg(long, value_name = "IMAGE")]
    image: Option<String>,
    /// Containers with this label; may be given again
    #[arg(long, value_name = "NAME[=VALUE]")]
    container_label: Vec<String>,
    /// Containers of pods of this Kubernetes namespace
    #[arg(long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// Containers of pods with this label; may be given again
    #[arg(long, value_name = "NAME[=VALUE]")]
    pod_label: Vec<String>,
    /// Containers of pods with this annotation; may be given again
    #[arg(long, value_name = "NAME[=VALUE]")]
    pod_annotation: Vec<String>,
}

/// Options that say which containers are meant.
const OF_CONTAINERS: [&str; 6] =
    ["container", "image", "container_label", "namespace", "pod_label", "pod_annotation"];

impl Home {
    fn selector(&self) -> Option<Selector> {
        let selector = Selector {
            container: self.container.clone(),
            image: self.image.clone(),
            container_labels: self.container_label.clone(),
            namespace: self.namespace.clone(),
            pod_labels: self.pod_label.clone(),
            pod_annotations: self.pod_annotation.clone(),
        };
        (selector != Selector::default()).then_some(selector)
    }
}

/// End the gate around an agent: what waits is denied, what runs is free
#[derive(Args)]
pub(super) struct Withdraw {
    /// The agent's name; `expacti agents` lists them
    agent: String,
    #[command(flatten)]
    connect: Connect,
}

/// A mode on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum ModeArg {
    /// Everything runs and is logged
    Observe,
    /// The same, and the log says what would have been held or denied
    Shadow,
    /// What must wait waits
    Enforce,
}

impl From<ModeArg> for ModeWord {
    fn from(mode: ModeArg) -> Self {
        match mode {
            ModeArg::Observe => Self::Observe,
            ModeArg::Shadow => Self::Shadow,
            ModeArg::Enforce => Self::Enforce,
        }
    }
}

impl Enroll {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let select = self.home.selector();
        let Home { cgroup, unit, pid, .. } = self.home;
        let done = if select.is_some() {
            ": containers that fit are gated, each as soon as it is made"
        } else {
            " is gated"
        };
        let cgroup = cgroup.map(|folder| {
            // The daemon stands elsewhere.
            let whole = std::path::absolute(&folder).with_context(|| folder.display().to_string())?;
            whole
                .into_os_string()
                .into_string()
                .map_err(|text| anyhow::anyhow!("{} is not UTF-8", text.display()))
        });
        let new = NewAgent {
            name: self.name.clone(),
            cgroup: cgroup.transpose()?,
            unit,
            pid,
            select,
            policy: self.policy,
            mode: self.mode.map(Into::into),
        };
        self.connect.client("cli")?.tell("POST", "/v1/agents", &new)?;
        writeln!(io::stdout().lock(), "agent {}{done}", plain(&self.name))?;
        Ok(Ending::Done)
    }
}

impl Withdraw {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let client = self.connect.client("cli")?;
        client.act("DELETE", &format!("/v1/agents/{}", segment(&self.agent)))?;
        writeln!(io::stdout().lock(), "agent {} is not gated any more", plain(&self.agent))?;
        Ok(Ending::Done)
    }
}
