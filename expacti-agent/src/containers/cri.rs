//! Containers of pods, over the container runtime interface: gRPC on a Unix socket, as the kubelet speaks it.
//!
//! A container is in the runtime's list before its cgroup is made. Its pod's own process, which holds the namespaces, is not:
//! the runtime lists a pod when it runs. So what kind a container is, is read from the bundle it is started from.

mod call;
mod messages;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use expacti_core::request::Container;
use serde::Deserialize;

use self::call::Channel;
use self::messages::{
    ContainerFilter, ListContainers, ListPodSandboxes, ListedContainers, ListedPodSandboxes, Pod, PodFilter,
};
use super::{Identity, Said, Unknown, wait_for};

/// Where containerd and CRI-O keep the bundle of a container that starts or runs.
const BUNDLES: [(&str, &str); 2] = [
    ("/run/containerd/io.containerd.runtime.v2.task/k8s.io", "config.json"),
    ("/run/containers/storage/overlay-containers", "userdata/config.json"),
];

/// Annotations that say what kind of container it is.
const KINDS: [&str; 2] = ["io.kubernetes.cri.container-type", "io.kubernetes.cri-o.ContainerType"];

/// Whose container it is.
pub(super) fn ask(sockets: &[PathBuf], id: &str) -> Result<Said, Unknown> {
    if BUNDLES.iter().any(|(folder, file)| holds_a_pod(&Path::new(folder).join(id).join(file))) {
        return Ok(Said::Infrastructure);
    }
    let Some(socket) = sockets.iter().find(|socket| socket.exists()) else {
        let named: Vec<String> = sockets.iter().map(|socket| socket.display().to_string()).collect();
        return Err(Unknown(format!("there is no socket of a container runtime: {}", named.join(", "))));
    };
    wait_for(look(socket, id)).map_err(|error| Unknown(format!("{}: {error}", socket.display())))
}

fn holds_a_pod(bundle: &Path) -> bool {
    #[derive(Deserialize)]
    struct Bundle {
        #[serde(default)]
        annotations: BTreeMap<String, String>,
    }
    let Ok(text) = std::fs::read(bundle) else { return false };
    let Ok(bundle) = serde_json::from_slice::<Bundle>(&text) else { return false };
    KINDS.iter().any(|kind| bundle.annotations.get(*kind).is_some_and(|value| value == "sandbox"))
}

async fn look(socket: &Path, id: &str) -> Result<Said, Unknown> {
    let mut channel = Channel::open(socket).await?;
    let wanted = ListContainers { filter: Some(ContainerFilter { id: id.to_owned() }) };
    let listed: ListedContainers = channel.call("ListContainers", &wanted).await?;
    let Some(found) = listed.containers.into_iter().find(|found| found.id == id) else {
        let pods: ListedPodSandboxes = channel.call("ListPodSandbox", &of_pod(id)).await?;
        let is_a_pods = pods.items.iter().any(|pod| pod.id == id);
        let unknown = || Unknown(format!("it knows no container {id}"));
        return is_a_pods.then_some(Said::Infrastructure).ok_or_else(unknown);
    };
    let pods: ListedPodSandboxes = channel.call("ListPodSandbox", &of_pod(&found.pod)).await?;
    let pod = pods.items.into_iter().find(|pod| pod.id == found.pod);
    let Some(Pod { metadata, labels: pod_labels, annotations: pod_annotations, .. }) = pod else {
        return Err(Unknown(format!("it knows no pod {}", found.pod)));
    };
    let metadata = metadata.unwrap_or_default();
    let image = found.image.unwrap_or_default();
    let shown = Container {
        runtime: "cri".to_owned(),
        id: found.id,
        name: found.metadata.unwrap_or_default().name,
        // The kubelet names an image by its digest, and beside it as the pod's author did.
        image: if image.as_written.is_empty() { image.image } else { image.as_written },
        pod: Some(metadata.name),
        namespace: Some(metadata.namespace),
        ..Container::default()
    };
    let identity = Identity { shown, labels: found.labels, pod_labels, pod_annotations };
    Ok(Said::Known(Box::new(identity.complete())))
}

fn of_pod(id: &str) -> ListPodSandboxes {
    ListPodSandboxes { filter: Some(PodFilter { id: id.to_owned() }) }
}

#[cfg(test)]
mod tests;
