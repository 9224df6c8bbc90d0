//! Which containers are meant.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Identity;

/// Which containers are meant: those of which all that is written here is true. `*` in a value stands for any text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Selector {
    /// The container's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) container: Option<String>,
    /// Its image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) image: Option<String>,
    /// Labels of it: `name=value`, or `name` for any value.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) container_labels: Vec<String>,
    /// The Kubernetes namespace of its pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) namespace: Option<String>,
    /// Labels of its pod.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) pod_labels: Vec<String>,
    /// Annotations of its pod.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) pod_annotations: Vec<String>,
}

impl Selector {
    /// What is wrong with it, if anything is.
    pub(crate) fn check(&self) -> Result<(), String> {
        let lists = [&self.container_labels, &self.pod_labels, &self.pod_annotations];
        let texts = [&self.container, &self.image, &self.namespace];
        if texts.iter().all(|text| text.is_none()) && lists.iter().all(|list| list.is_empty()) {
            return Err("it says nothing of the containers that are meant".to_owned());
        }
        let is_wrong = |label: &&String| label.is_empty() || label.starts_with('=');
        if let Some(label) = lists.into_iter().flatten().find(is_wrong) {
            return Err(format!("{label:?} is no label; write name=value, or name alone"));
        }
        if texts.into_iter().flatten().any(String::is_empty) {
            return Err("an empty name fits no container".to_owned());
        }
        Ok(())
    }

    /// Whether it means one container by its name.
    pub(crate) fn names_one(&self) -> bool {
        self.container.as_ref().is_some_and(|name| !name.contains('*'))
    }

    /// Whether a container is meant.
    pub(crate) fn fits(&self, identity: &Identity) -> bool {
        let shown = &identity.shown;
        let text =
            |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| fits(wanted, found));
        text(&self.container, &shown.name)
            && text(&self.image, &shown.image)
            && text(&self.namespace, shown.namespace.as_deref().unwrap_or_default())
            && all(&self.container_labels, &identity.labels)
            && all(&self.pod_labels, &identity.pod_labels)
            && all(&self.pod_annotations, &identity.pod_annotations)
    }
}

fn all(wanted: &[String], found: &BTreeMap<String, String>) -> bool {
    wanted.iter().all(|wanted| match wanted.split_once('=') {
        Some((name, value)) => found.get(name).is_some_and(|found| fits(value, found)),
        None => found.contains_key(wanted),
    })
}

/// Whether the whole of a text is as the pattern says.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        let mut identity = Identity::default();
        identity.shown.name = "worker-1".to_owned();
        identity.shown.image = "registry.local/agents/claude:1".to_owned();
        identity.labels = BTreeMap::from([("agent".to_owned(), "yes".to_owned())]);
        identity.pod_annotations = BTreeMap::from([("expacti/gate".to_owned(), String::new())]);
        identity
    }

    #[test]
    fn all_that_is_said_must_be_true() {
        let selector = |text: &str| toml::from_str::<Selector>(text).unwrap();
        for (text, is_meant) in [
            ("container = \"worker-1\"", true),
            ("container = \"worker-*\"\nimage = \"*/agents/*\"", true),
            ("container = \"worker\"", false),
            ("container_labels = [\"agent=yes\"]", true),
            ("container_labels = [\"agent=y*\", \"agent\"]", true),
            ("container_labels = [\"agent=no\"]", false),
            ("container_labels = [\"other\"]", false),
            ("pod_labels = [\"agent\"]", false),
            ("pod_annotations = [\"expacti/gate\"]", true),
            ("pod_annotations = [\"expacti/gate=\"]", true),
            ("container = \"worker-1\"\nnamespace = \"prod\"", false),
        ] {
            assert_eq!(selector(text).fits(&identity()), is_meant, "{text}");
            assert_eq!(selector(text).check(), Ok(()), "{text}");
        }
        for wrong in ["", "container_labels = [\"=x\"]", "pod_labels = [\"\"]", "container = \"\""] {
            assert!(selector(wrong).check().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, is_so) in [
            ("a*b", "ab", true),
            ("a*b", "axxb", true),
            ("a*b", "axxbc", false),
            ("ab*ba", "aba", false),
            ("*x*x*", "xx", true),
            ("*x*x*", "x", false),
            ("", "", true),
            ("*", "", true),
        ] {
            assert_eq!(fits(pattern, text), is_so, "{pattern} {text}");
        }
    }
}
