//! How runtimes name the cgroups of their containers, and where they make them.

use std::path::{Component, Path, PathBuf};

use super::Settings;
use crate::kernel::{Expected, Names};

const MOUNT: &str = "/sys/fs/cgroup";

/// Who made a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runtime {
    /// Podman, and what is built on its library.
    Podman,
    /// Docker.
    Docker,
    /// containerd, CRI-O and others that Kubernetes drives.
    Cri,
}

/// A container's cgroup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) runtime: Runtime,
    /// The runtime's id of it.
    pub(crate) id: String,
    /// Its folder.
    pub(crate) folder: PathBuf,
}

/// How scopes begin that hold a container.
const SCOPES: [(&str, Runtime); 4] = [
    ("libpod-", Runtime::Podman),
    ("docker-", Runtime::Docker),
    ("cri-containerd-", Runtime::Cri),
    ("crio-", Runtime::Cri),
];

/// The container that a folder belongs to: the outermost around it, because only that one is known to the host's runtimes.
pub(crate) fn in_path(folder: &Path) -> Option<Found> {
    let mut path = PathBuf::new();
    let mut around: Vec<&str> = Vec::new();
    for component in folder.components() {
        path.push(component);
        let Component::Normal(name) = component else { continue };
        let name = name.to_str()?;
        if let Some((runtime, id)) = container(name, &around) {
            return Some(Found { runtime, id: id.to_owned(), folder: path });
        }
        around.push(name);
    }
    None
}

fn container<'n>(name: &'n str, around: &[&str]) -> Option<(Runtime, &'n str)> {
    let name = name.strip_suffix(".scope").unwrap_or(name);
    for (begin, runtime) in SCOPES {
        if let Some(id) = name.strip_prefix(begin).filter(|id| is_id(id)) {
            return Some((runtime, id));
        }
    }
    // With plain cgroups the id is all of the name, and the folder around says whose it is.
    if !is_id(name) {
        return None;
    }
    match around.get(3..)? {
        ["docker", ..] => Some((Runtime::Docker, name)),
        ["libpod_parent", ..] => None,
        _ => Some((Runtime::Cri, name)),
    }
}

fn is_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Where runtimes make the cgroups of containers.
pub(crate) fn places(settings: &Settings, open: bool) -> Vec<Expected> {
    let at = |folder: &Path, prefixes: &[&str], depth| Expected {
        folder: folder.to_owned(),
        names: Names::Below {
            prefixes: prefixes.iter().map(|text| (*text).to_owned()).collect(),
            depth: 1..=depth,
        },
        open,
    };
    let all = SCOPES.map(|(begin, _)| begin);
    let below = |name: &str| Path::new(MOUNT).join(name);
    let mut places = vec![
        at(&below("machine.slice"), &["libpod-"], 2),
        at(&below("libpod_parent"), &["libpod-"], 2),
        at(&below("system.slice"), &["docker-", "cri-containerd-", "crio-"], 1),
        at(&below("docker"), &[], 1),
        at(&below("k8s.io"), &[], 1),
        at(&below("kubepods.slice"), &["cri-containerd-", "crio-", "docker-"], 3),
        at(&below("kubepods"), &[], 3),
    ];
    for storage in &settings.podman {
        // Whose it is says where the containers of it are made.
        let owner = std::fs::metadata(storage).map_or(0, |found| std::os::unix::fs::MetadataExt::uid(&found));
        if owner != 0 {
            places.push(at(&below(&format!("user.slice/user-{owner}.slice")), &["libpod-"], 6));
        }
    }
    places.extend(settings.cgroups.iter().map(|folder| at(folder, &all, 6)));
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runtimes_are_told_by_the_names_they_give() {
        let id = "0123456789abcdef".repeat(4);
        let cases = [
            ("machine.slice/libpod-ID.scope", Some(Runtime::Podman)),
            ("machine.slice/libpod-ID.scope/container", Some(Runtime::Podman)),
            ("machine.slice/libpod-conmon-ID.scope", None),
            ("libpod_parent/libpod-ID", Some(Runtime::Podman)),
            ("libpod_parent/ID", None),
            (
                "user.slice/user-1000.slice/user@1000.service/user.slice/libpod-ID.scope",
                Some(Runtime::Podman),
            ),
            ("system.slice/docker-ID.scope", Some(Runtime::Docker)),
            ("docker/ID", Some(Runtime::Docker)),
            ("docker/ID/docker/ID", Some(Runtime::Docker)),
            (
                "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/cri-containerd-ID.scope",
                Some(Runtime::Cri),
            ),
            ("kubepods/besteffort/pod1/ID", Some(Runtime::Cri)),
            ("kubepods.slice/crio-ID.scope", Some(Runtime::Cri)),
            ("kubepods.slice/crio-conmon-ID.scope", None),
            ("system.slice/docker.service", None),
            ("system.slice/docker-0123.scope", None),
        ];
        for (path, runtime) in cases {
            let found = in_path(&Path::new(MOUNT).join(path.replace("ID", &id)));
            assert_eq!(found.as_ref().map(|found| found.runtime), runtime, "{path}");
            assert!(found.is_none_or(|found| found.id == id), "{path}");
        }
    }

    #[test]
    fn the_outermost_container_counts() {
        let (outer, inner) = ("a".repeat(64), "b".repeat(64));
        let found = in_path(&Path::new(MOUNT).join(format!("docker/{outer}/docker/{inner}"))).unwrap();
        assert_eq!((found.id, found.folder), (outer.clone(), Path::new(MOUNT).join("docker").join(outer)));
    }
}
