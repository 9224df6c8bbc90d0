//! Containers: which one a cgroup belongs to, what its runtime says of it, and which are meant by a selector.
//!
//! A runtime is asked while it starts a container, and while we keep the container's first process from going on. So it must
//! not be asked anything that it answers only when the start is through: see [`podman`] and [`docker`].

mod cri;
mod docker;
mod name;
mod place;
mod podman;
mod select;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use expacti_core::request::Container;
use serde::{Deserialize, Serialize};

pub(crate) use self::name::Template;
pub(crate) use self::place::{Found, Runtime, in_path, places};
pub(crate) use self::select::{Selector, fits};

/// How long one question to a runtime may take.
const PATIENCE: Duration = Duration::from_millis(300);

/// Values of labels and annotations that are longer than this are data, not names, and are not kept.
const LONGEST_VALUE: usize = 256;

/// So many of them are kept for the records.
const MOST: usize = 64;

/// Where runtimes keep or tell what they know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Podman's storage folders.
    pub(crate) podman: Vec<PathBuf>,
    /// Docker's socket.
    pub(crate) docker: PathBuf,
    /// Sockets of the container runtime interface, the first that is there counts.
    pub(crate) cri: Vec<PathBuf>,
    /// Further folders of the cgroup hierarchy that containers are made below.
    pub(crate) cgroups: Vec<PathBuf>,
    /// How long the first exec in a new cgroup waits until it is told whose it is.
    pub(crate) patience: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            podman: vec!["/var/lib/containers/storage".into()],
            docker: "/run/docker.sock".into(),
            cri: vec!["/run/containerd/containerd.sock".into(), "/run/crio/crio.sock".into()],
            cgroups: Vec::new(),
            patience: Duration::from_secs(1),
        }
    }
}

/// All that is known of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// What records show.
    pub(crate) shown: Container,
    /// The container's own labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) labels: BTreeMap<String, String>,
    /// Its pod's labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) pod_labels: BTreeMap<String, String>,
    /// Its pod's annotations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) pod_annotations: BTreeMap<String, String>,
}

impl Identity {
    /// With the labels and annotations that records show: the container's own win.
    fn complete(mut self) -> Self {
        let all = self.pod_annotations.iter().chain(&self.pod_labels).chain(&self.labels);
        let short = all.filter(|(name, value)| name.len() <= LONGEST_VALUE && value.len() <= LONGEST_VALUE);
        let shown: BTreeMap<_, _> = short.map(|(name, value)| (name.clone(), value.clone())).collect();
        self.shown.labels = shown.into_iter().take(MOST).collect();
        self
    }
}

/// What a runtime says of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// This.
    Known(Box<Identity>),
    /// It only holds a pod's namespaces.
    Infrastructure,
}

/// Why nothing is known of a container, for now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unknown(String);

impl Settings {
    /// Asks the runtime. May take as long as a few questions, so not for threads that others wait for.
    pub(crate) fn ask(&self, found: &Found) -> Result<Said, Unknown> {
        match found.runtime {
            Runtime::Podman => podman::ask(&self.podman, &found.id),
            Runtime::Docker => docker::ask(&self.docker, &found.id),
            Runtime::Cri => cri::ask(&self.cri, &found.id),
        }
    }
}

/// Runs what waits for a socket or a database, for a moment.
fn wait_for<T>(work: impl Future<Output = Result<T, Unknown>>) -> Result<T, Unknown> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Unknown(format!("no threads: {error}")))?;
    let done = runtime.block_on(async { tokio::time::timeout(PATIENCE, work).await });
    done.unwrap_or_else(|_| Err(Unknown(format!("no answer within {} ms", PATIENCE.as_millis()))))
}
