//! Names of agents that are made for each container.

use super::Identity;

const HOLES: [&str; 6] = ["container", "id", "image", "pod", "namespace", "cgroup"];
const LONGEST: usize = 64;

/// A name, with holes for what tells one container from another: `ci-{container}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template(String);

impl Template {
    /// Reads one. Plain names have no holes.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut rest = text;
        let mut sample = String::new();
        while let Some((before, behind)) = rest.split_once('{') {
            let Some((hole, behind)) = behind.split_once('}') else {
                return Err("close what { opens, as in ci-{container}".to_owned());
            };
            if !HOLES.contains(&hole) {
                return Err(format!("{{{hole}}} is not known; write one of {{{}}}", HOLES.join("}, {")));
            }
            sample.extend([before, "x"]);
            rest = behind;
        }
        sample.push_str(rest);
        crate::config::check_name(&sample).map_err(str::to_owned)?;
        Ok(Self(text.to_owned()))
    }

    /// Whether it gives each container a name of its own.
    pub(crate) fn has_holes(&self) -> bool {
        self.0.contains('{')
    }

    /// The name for a container.
    pub(crate) fn of(&self, identity: &Identity) -> String {
        let shown = &identity.shown;
        let values = [
            ("{container}", shown.name.as_str()),
            ("{id}", shown.id.get(..12).unwrap_or(&shown.id)),
            ("{image}", shown.image.rsplit('/').next().unwrap_or_default()),
            ("{pod}", shown.pod.as_deref().unwrap_or_default()),
            ("{namespace}", shown.namespace.as_deref().unwrap_or_default()),
        ];
        plain(&values.into_iter().fold(self.0.clone(), |name, (hole, value)| name.replace(hole, value)))
    }

    /// The name for a cgroup.
    pub(crate) fn of_cgroup(&self, folder: &std::path::Path) -> String {
        let last = folder.file_name().unwrap_or_default().to_string_lossy();
        plain(
            &HOLES.into_iter().fold(self.0.clone(), |name, hole| name.replace(&format!("{{{hole}}}"), &last)),
        )
    }
}

/// As names of agents are.
fn plain(text: &str) -> String {
    let fits =
        |letter: char| if letter.is_ascii_alphanumeric() || "-_.".contains(letter) { letter } else { '-' };
    let name: String = text.chars().map(fits).take(LONGEST).collect();
    let name = name.trim_start_matches(['-', '_', '.']);
    if name.is_empty() { "container".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_filled_and_what_comes_out_is_a_name() {
        let mut identity = Identity::default();
        identity.shown.name = "build/1".to_owned();
        identity.shown.id = "0123456789abcdef".repeat(4);
        identity.shown.pod = Some("web-1".to_owned());
        let named = |text: &str| Template::parse(text).unwrap().of(&identity);
        assert_eq!(named("ci-{container}.{id}"), "ci-build-1.0123456789ab");
        assert_eq!(named("{namespace}{pod}"), "web-1");
        assert_eq!(named("{namespace}"), "container");
        assert!(named(&format!("{}{{id}}", "x".repeat(60))).len() <= 64);
        assert!(!Template::parse("plain").unwrap().has_holes());
        for wrong in ["{name}", "a{", "-{id}", "a b", ""] {
            assert!(Template::parse(wrong).is_err(), "{wrong}");
        }
    }
}
