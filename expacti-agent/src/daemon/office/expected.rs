//! Where agents are expected, as far as the configuration and those who enrolled say.

use std::path::{Path, PathBuf};

use super::super::book::Standing;
use super::State;
use super::agents::fixed;
use super::newcomers::{all_classes, classes};
use crate::config::{AgentConfig, Config, FailMode, Mode, Treatment, Whereabouts};
use crate::containers::{Settings, in_path, places};
use crate::kernel::cgroup::{MOUNT, folder_of};
use crate::kernel::{Expected, Names};
use crate::operations::OperationError;

/// Where agents are expected.
pub(super) fn expected(state: &State) -> Vec<Expected> {
    let mut expected = Vec::new();
    for agent in fixed(state) {
        let open = is_open(&agent.treatment);
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
            Whereabouts::Pattern(_) | Whereabouts::Selected(_) => {}
        }
    }
    for class in classes(state) {
        expected.extend(places_of(&class, &state.config.containers));
    }
    if !expected.is_empty() {
        expected.extend(folder_of(std::process::id()).ok().and_then(|own| not_ourselves(&own)));
    }
    expected
}

/// Where those are expected of which there are many.
fn places_of(class: &AgentConfig, settings: &Settings) -> Vec<Expected> {
    let open = is_open(&class.treatment);
    match &class.whereabouts {
        Whereabouts::Pattern(pattern) => vec![like(pattern, open)],
        Whereabouts::Selected(_) => places(settings, open),
        Whereabouts::Cgroup(_) | Whereabouts::Unit(_) => Vec::new(),
    }
}

/// What nobody has told in time runs.
fn is_open(treatment: &Treatment) -> bool {
    treatment.fail_mode == FailMode::Open || treatment.mode != Mode::Enforce
}

/// Refuses what would keep the next daemon out for good: one that Kubernetes starts in another pod, while no daemon is there
/// to say that its containers are no agent's.
pub(super) fn may_come_back(config: &Config, standing: &[Standing]) -> Result<(), OperationError> {
    let Ok(own) = folder_of(std::process::id()) else { return Ok(()) };
    let classes = all_classes(config, standing);
    let Some(class) = shut_out(&own, &classes, &config.containers) else { return Ok(()) };
    Err(OperationError::BadInput(format!(
        "agents {:?}: their policy {:?} enforces with fail_mode = \"closed\", and that would also refuse the next pod of this \
         daemon, because no daemon runs then that could tell it from theirs. Give the policy fail_mode = \"open\", or run the \
         daemon as a service of the host",
        class.name, class.policy
    )))
}

/// Those of many whose fail mode would keep out the pod that comes after this one.
fn shut_out<'c>(own: &Path, classes: &'c [AgentConfig], settings: &Settings) -> Option<&'c AgentConfig> {
    pod_of(own)?;
    // The next one's lies beside, under another name of the same kind.
    let container = in_path(own)?.folder;
    classes.iter().find(|class| {
        places_of(class, settings).iter().any(|expected| !expected.open && expected.holds(&container))
    })
}

/// Whether a cgroup is the one in which this daemon lives, or around it: nobody's agent, whatever it is called.
pub(super) fn is_ours(folder: &Path) -> bool {
    folder_of(std::process::id()).is_ok_and(|own| own.starts_with(folder))
}

/// The pod in which Kubernetes runs something.
fn pod_of(own: &Path) -> Option<PathBuf> {
    let pod = in_path(own)?.folder.parent()?.to_owned();
    let is_a_pods = pod.file_name().is_some_and(|name| name.to_string_lossy().contains("pod"));
    (is_a_pods && pod.starts_with(MOUNT) && pod.components().count() > 5).then_some(pod)
}

/// The next daemon's own start must not wait for a daemon. Comes last, because it wins.
fn not_ourselves(own: &Path) -> Option<Expected> {
    // Kubernetes starts it anew in the same pod; for what it starts in another one see `may_come_back`.
    if let Some(pod) = pod_of(own) {
        return Some(Expected { folder: pod, names: Names::NoneBelow, open: true });
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
    fn nobody_shuts_out_the_next_pod() {
        let id = "ab".repeat(32);
        let below = |path: &str| Path::new(MOUNT).join(path);
        let of_systemd = below(&format!(
            "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/cri-containerd-{id}.scope"
        ));
        let plain = below(&format!("kubepods/burstable/pod1/{id}"));
        let class = |whereabouts: Whereabouts, mode, fail_mode| AgentConfig {
            name: "x-{cgroup}".to_owned(),
            whereabouts,
            policy: "default".to_owned(),
            treatment: Treatment { mode, fail_mode, ..Treatment::default() },
        };
        let selected = || Whereabouts::Selected(crate::containers::Selector::default());
        let pattern = |text: &str| Whereabouts::Pattern(below(text));
        let is_shut_out =
            |own: &Path, class: AgentConfig| shut_out(own, &[class], &Settings::default()).is_some();
        for own in [&of_systemd, &plain] {
            assert!(
                is_shut_out(own, class(selected(), Mode::Enforce, FailMode::Closed)),
                "{}",
                own.display()
            );
            assert!(!is_shut_out(own, class(selected(), Mode::Enforce, FailMode::Open)));
            assert!(!is_shut_out(own, class(selected(), Mode::Shadow, FailMode::Closed)));
        }
        let closed = |text: &str| class(pattern(text), Mode::Enforce, FailMode::Closed);
        assert!(is_shut_out(&plain, closed("kubepods/*/*/*")));
        assert!(!is_shut_out(&plain, closed("kubepods/besteffort/*/*")));
        assert!(!is_shut_out(&plain, closed("jobs.slice/*")));
        // As a service, and in a container that comes back under its own name.
        for own in [below("system.slice/expacti.service"), below(&format!("machine.slice/libpod-{id}.scope"))]
        {
            assert!(
                !is_shut_out(&own, class(selected(), Mode::Enforce, FailMode::Closed)),
                "{}",
                own.display()
            );
        }
    }

    #[test]
    fn a_pattern_is_expected_below_what_is_fixed_of_it() {
        let expected = like(Path::new("/sys/fs/cgroup/jobs.slice/*/run-*"), true);
        assert_eq!(expected.folder, Path::new("/sys/fs/cgroup/jobs.slice"));
        assert_eq!(expected.names, Names::Below { prefixes: vec!["run-".to_owned()], depth: 2..=2 });
    }
}
