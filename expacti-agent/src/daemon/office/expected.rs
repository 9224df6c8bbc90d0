//! Where agents are expected, as far as the configuration and those who enrolled say.

use std::path::{Path, PathBuf};

use super::State;
use super::agents::fixed;
use super::newcomers::classes;
use crate::config::{FailMode, Mode, Whereabouts};
use crate::containers::{in_path, places};
use crate::kernel::cgroup::{MOUNT, folder_of};
use crate::kernel::{Expected, Names};

/// Where agents are expected.
pub(super) fn expected(state: &State) -> Vec<Expected> {
    let mut expected = Vec::new();
    for agent in fixed(state).iter().chain(&classes(state)) {
        let open = agent.treatment.fail_mode == FailMode::Open || agent.treatment.mode != Mode::Enforce;
        let exactly = |folder: &Path, name: &str| Expected {
            folder: folder.to_owned(),
            names: Names::Exactly(name.to_owned()),
            open,
        };
        match &agent.whereabouts {
            Whereabouts::Cgroup(path) => {
                if let (Some(folder), Some(name)) =
                    (path.parent(), path.file_name().and_then(|name| name.to_str()))
                {
                    expected.push(exactly(folder, name));
                }
            }
            Whereabouts::Unit(name) => match state.seen.get(name) {
                Some(folder) => expected.push(exactly(folder, name)),
                None => expected.extend(unit_folders(name).iter().map(|folder| exactly(folder, name))),
            },
            Whereabouts::Pattern(pattern) => expected.push(like(pattern, open)),
            Whereabouts::Selected(_) => expected.extend(places(&state.config.containers, open)),
        }
    }
    if !expected.is_empty() {
        expected.extend(folder_of(std::process::id()).ok().and_then(|own| not_ourselves(&own)));
    }
    expected
}

/// The next daemon's own start must not wait for a daemon. Comes last, because it wins.
fn not_ourselves(own: &Path) -> Option<Expected> {
    if let Some(pod) = in_path(own).and_then(|found| found.folder.parent().map(Path::to_owned)) {
        // Kubernetes starts it anew in the same pod.
        let is_a_pods = pod.file_name().is_some_and(|name| name.to_string_lossy().contains("pod"));
        if is_a_pods && pod.starts_with(MOUNT) && pod.components().count() > 5 {
            return Some(Expected { folder: pod, names: Names::NoneBelow, open: true });
        }
    }
    let (folder, name) = (own.parent()?.to_owned(), own.file_name()?.to_str()?.to_owned());
    folder.starts_with(MOUNT).then_some(Expected { folder, names: Names::Never(name), open: true })
}

/// Where systemd makes the cgroup of a unit that says nothing else.
fn unit_folders(name: &str) -> Vec<PathBuf> {
    let root = Path::new(MOUNT);
    if let Some(slice) = name.strip_suffix(".slice") {
        // `a-b.slice` lies in `a.slice`.
        let mut folder = root.to_owned();
        for (at, _) in slice.match_indices('-') {
            folder.push(format!("{}.slice", &slice[..at]));
        }
        return vec![folder];
    }
    let system = root.join("system.slice");
    match name.split_once('@') {
        // Those of one template lie together.
        Some((template, _)) => {
            vec![system.join(format!("system-{}.slice", template.replace('-', "\\x2d"))), system]
        }
        None => vec![system],
    }
}

fn like(pattern: &Path, open: bool) -> Expected {
    let parts: Vec<String> =
        pattern.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    let first = parts.iter().position(|part| part.contains('*')).unwrap_or(parts.len());
    let (fixed, free) = parts.split_at(first);
    let depth = u32::try_from(free.len()).unwrap_or(1);
    let begin = free.last().and_then(|last| last.split('*').next()).unwrap_or_default();
    let prefixes = if begin.is_empty() { Vec::new() } else { vec![begin.to_owned()] };
    Expected { folder: fixed.iter().collect(), names: Names::Below { prefixes, depth: depth..=depth }, open }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_lie_where_systemd_puts_them() {
        let folders = |name: &str| -> Vec<String> {
            let below = |folder: &PathBuf| folder.strip_prefix(MOUNT).unwrap().display().to_string();
            unit_folders(name).iter().map(below).collect()
        };
        assert_eq!(folders("ci.service"), ["system.slice"]);
        assert_eq!(folders("a-b@1.service"), ["system.slice/system-a\\x2db.slice", "system.slice"]);
        assert_eq!(folders("agents.slice"), [""]);
        assert_eq!(folders("agents-ci-x.slice"), ["agents.slice/agents-ci.slice"]);
    }

    #[test]
    fn the_next_daemon_waits_for_none() {
        let at = |own: &str| {
            let Expected { folder, names, .. } = not_ourselves(&Path::new(MOUNT).join(own)).unwrap();
            (folder.strip_prefix(MOUNT).unwrap().display().to_string(), names)
        };
        assert_eq!(
            at("system.slice/expacti.service"),
            ("system.slice".to_owned(), Names::Never("expacti.service".to_owned()))
        );
        let id = "ab".repeat(32);
        let pod = "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice";
        assert_eq!(at(&format!("{pod}/cri-containerd-{id}.scope")), (pod.to_owned(), Names::NoneBelow));
        let own = format!("libpod-{id}.scope");
        assert_eq!(at(&format!("machine.slice/{own}")), ("machine.slice".to_owned(), Names::Never(own)));
    }

    #[test]
    fn a_pattern_is_expected_below_what_is_fixed_of_it() {
        let expected = like(Path::new("/sys/fs/cgroup/jobs.slice/*/run-*"), true);
        assert_eq!(expected.folder, Path::new("/sys/fs/cgroup/jobs.slice"));
        assert_eq!(expected.names, Names::Below { prefixes: vec!["run-".to_owned()], depth: 2..=2 });
    }
}
