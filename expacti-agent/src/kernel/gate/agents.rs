//! The enrolled cgroups, found by name, by id and by folder in the same time however many there are: each exec asks.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use expacti_core::request::Container;

use super::super::cgroup::Cgroup;

/// An enrolled cgroup.
#[derive(Clone, Debug)]
pub(super) struct Enrolled {
    pub(super) cgroup: Cgroup,
    pub(super) since: u64,
    /// Gated later than its first exec.
    pub(super) late: bool,
    pub(super) container: Option<Arc<Container>>,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Agents {
    enrolled: HashMap<Arc<str>, Enrolled>,
    ids: HashMap<u64, Arc<str>>,
    folders: HashMap<PathBuf, Arc<str>>,
}

impl Agents {
    pub(super) fn named(&self, name: &str) -> Option<&Enrolled> {
        self.enrolled.get(name)
    }

    /// The agent of a cgroup.
    pub(super) fn of(&self, id: u64) -> Option<(&str, &Enrolled)> {
        let name = self.ids.get(&id)?;
        Some((name, self.enrolled.get(name)?))
    }

    /// The innermost agent around a cgroup.
    pub(super) fn around(&self, folder: &Path) -> Option<&str> {
        folder.ancestors().find_map(|folder| self.folders.get(folder)).map(|name| &**name)
    }

    /// All of them, in no order.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &Enrolled)> {
        self.enrolled.iter().map(|(name, enrolled)| (&**name, enrolled))
    }

    /// Neither the name nor the cgroup is another one's: that was asked before.
    pub(super) fn insert(&mut self, name: &str, enrolled: Enrolled) {
        self.remove(name);
        let name: Arc<str> = name.into();
        self.ids.insert(enrolled.cgroup.id, Arc::clone(&name));
        self.folders.insert(enrolled.cgroup.path.clone(), Arc::clone(&name));
        self.enrolled.insert(name, enrolled);
    }

    pub(super) fn remove(&mut self, name: &str) {
        if let Some(Enrolled { cgroup, .. }) = self.enrolled.remove(name) {
            self.ids.remove(&cgroup.id);
            self.folders.remove(&cgroup.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enrolled(path: &str, id: u64) -> Enrolled {
        let level = u32::try_from(path.matches('/').count()).unwrap();
        Enrolled { cgroup: Cgroup { path: path.into(), id, level }, since: 0, late: false, container: None }
    }

    #[test]
    fn an_agent_is_found_by_all_it_is_known_by() {
        let mut agents = Agents::default();
        agents.insert("outer", enrolled("/a", 1));
        agents.insert("inner", enrolled("/a/b", 2));
        assert_eq!(agents.named("inner").unwrap().cgroup.id, 2);
        assert_eq!(agents.of(1).unwrap().0, "outer");
        let around = |agents: &Agents, folder: &str| agents.around(folder.as_ref()).map(str::to_owned);
        assert_eq!(around(&agents, "/a/b/c").as_deref(), Some("inner"));
        assert_eq!(around(&agents, "/a/bc").as_deref(), Some("outer"));
        assert_eq!(around(&agents, "/ab"), None);
        agents.remove("inner");
        assert_eq!(around(&agents, "/a/b/c").as_deref(), Some("outer"));
        assert!(agents.named("inner").is_none() && agents.of(2).is_none());
        assert_eq!(agents.all().count(), 1);
        // Its cgroup was made anew.
        agents.insert("outer", enrolled("/a", 3));
        assert!(agents.of(1).is_none() && agents.of(3).is_some());
    }
}
