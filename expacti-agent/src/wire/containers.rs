//! Containers as people and programs are shown them.

use std::collections::BTreeMap;
use std::fmt;

use expacti_core::request::Container;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A container that an agent is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct ContainerView {
    /// `podman`, `docker` or `cri`.
    pub(crate) runtime: String,
    /// The runtime's id of it.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// The image it was made from.
    pub(crate) image: String,
    /// Its pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pod: Option<String>,
    /// The pod's Kubernetes namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) namespace: Option<String>,
    /// Its labels, and those and the annotations of its pod.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) labels: BTreeMap<String, String>,
}

impl From<&Container> for ContainerView {
    fn from(container: &Container) -> Self {
        let Container { runtime, id, name, image, pod, namespace, labels } = container.clone();
        Self { runtime, id, name, image, pod, namespace, labels }
    }
}

/// In one line. It may hold what somebody else wrote, so whoever prints it escapes it.
impl fmt::Display for ContainerView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.runtime, self.name)?;
        match (&self.namespace, &self.pod) {
            (Some(namespace), Some(pod)) => write!(f, " of pod {namespace}/{pod}")?,
            (None, Some(pod)) => write!(f, " of pod {pod}")?,
            (_, None) => {}
        }
        write!(f, " ({})", self.image)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_is_one_line() {
        let mut container = Container {
            runtime: "podman".to_owned(),
            name: "ci".to_owned(),
            image: "localhost/busybox:latest".to_owned(),
            ..Container::default()
        };
        let shown = |container: &Container| ContainerView::from(container).to_string();
        assert_eq!(shown(&container), "podman ci (localhost/busybox:latest)");
        container.pod = Some("web".to_owned());
        assert_eq!(shown(&container), "podman ci of pod web (localhost/busybox:latest)");
        container.namespace = Some("prod".to_owned());
        assert_eq!(shown(&container), "podman ci of pod prod/web (localhost/busybox:latest)");
    }
}
