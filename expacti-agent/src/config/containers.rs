//! `[containers]`: what is asked about containers, and where they are expected.

use std::path::PathBuf;

use expacti_core::rules::read::{Item, Table};

use super::{agents, read};
use crate::containers::{Selector, Settings};

pub(super) const KEYS: [&str; 5] = ["podman_storage", "docker_socket", "cri_sockets", "cgroups", "patience"];

const SELECTOR_KEYS: [&str; 6] =
    ["container", "image", "container_labels", "namespace", "pod_labels", "pod_annotations"];

/// Takes over what a table says.
pub(super) fn read(table: &Table<'_>, into: &mut Settings) {
    table.only(&KEYS);
    paths(table, "podman_storage", &mut into.podman, read::absolute);
    read::path(table, "docker_socket", &mut into.docker);
    paths(table, "cri_sockets", &mut into.cri, read::absolute);
    paths(table, "cgroups", &mut into.cgroups, agents::cgroup);
    let mut patience = into.patience;
    read::duration(table, "patience", &mut patience);
    if patience.as_secs() > 10 {
        if let Some(item) = table.get("patience") {
            item.problem(
                "a container's first exec would wait for longer than runtimes do",
                "write at most \"10s\"",
            );
        }
    } else {
        into.patience = patience;
    }
}

fn paths(table: &Table<'_>, key: &str, into: &mut Vec<PathBuf>, path: impl Fn(&Item<'_>) -> Option<PathBuf>) {
    let items = table.get(key).and_then(|item| {
        read::texts(&item)?;
        item.array()
    });
    if let Some(items) = items {
        *into = items.iter().filter_map(path).collect();
    }
}

/// `select` of an agent.
pub(super) fn selector(item: &Item<'_>) -> Option<Selector> {
    let table = item.table()?;
    table.only(&SELECTOR_KEYS);
    let mut selector = Selector::default();
    for (key, into) in [
        ("container", &mut selector.container),
        ("image", &mut selector.image),
        ("namespace", &mut selector.namespace),
    ] {
        if let Some(text) = table.get(key).and_then(|item| item.text()) {
            *into = Some(text.to_owned());
        }
    }
    for (key, into) in [
        ("container_labels", &mut selector.container_labels),
        ("pod_labels", &mut selector.pod_labels),
        ("pod_annotations", &mut selector.pod_annotations),
    ] {
        if let Some(texts) = table.get(key).and_then(|item| read::texts(&item)) {
            *into = texts;
        }
    }
    match selector.check() {
        Ok(()) => Some(selector),
        Err(what) => {
            item.problem(what, "write at least one of container, image, container_labels, namespace, pod_labels, pod_annotations");
            None
        }
    }
}
