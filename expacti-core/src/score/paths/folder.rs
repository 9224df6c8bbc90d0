//! The folders that commands are looked at from. What can be said of one is found out once, and not again for each of
//! the paths that begin there: its name may be as long as they all are.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use super::{has_word, normalise};
use crate::request::ExecRequest;
use crate::see::Seen;
use crate::tools::{Pairs, PairsNeeded, PairsToldApart, Patterns};

/// Where paths lead from that are no longer than this, patterns are told apart well enough.
const MAX_SHORT: usize = 96;

/// What a request says of where paths lead.
#[derive(Debug, Default)]
struct Ground {
    cwd: Option<String>,
    home: Option<String>,
    /// The work tree and the folder where the request runs, made comparable.
    roots: Vec<String>,
}

/// What a `cd` named, and whether it did so elsewhere.
type Place = (Option<String>, bool);

/// Those of the commands of one text.
#[derive(Debug, Default)]
pub(in crate::score) struct Folders {
    ground: Rc<Ground>,
    known: RefCell<HashMap<Place, Rc<Folder>>>,
}

/// A folder that commands are looked at from.
#[derive(Debug)]
pub(in crate::score) struct Folder {
    /// What is looked at from two folders with one number leads to the same place.
    pub(in crate::score) number: usize,
    ground: Rc<Ground>,
    /// As a `cd` names it.
    directory: Option<String>,
    elsewhere: bool,
    /// Where paths begin that have no other beginning, without `.` and `..`; nothing if nobody knows.
    start: Option<String>,
    /// The same, with the home folder in place of `~`.
    led: Option<String>,
    is_production: OnceCell<bool>,
    leads_to_production: OnceCell<bool>,
    pairs: OnceCell<Pairs>,
    told_apart: OnceCell<PairsToldApart>,
    /// By the place of a list of patterns.
    needed: RefCell<HashMap<usize, Rc<PairsNeeded>>>,
}

/// Where a path leads.
pub(super) struct Way {
    pub(super) full: String,
    /// Bytes of it that are the folder's, from the beginning.
    pub(super) kept: usize,
    /// It lies in the work tree, or in the folder where the request runs.
    pub(super) inside: bool,
}

impl Folders {
    pub(in crate::score) fn of(request: &ExecRequest) -> Self {
        let tree = request.git.as_ref().map(|git| git.work_tree.to_lossy());
        let cwd = request.cwd.as_ref().map(|cwd| cwd.to_lossy().into_owned());
        let roots = tree.as_deref().into_iter().chain(cwd.as_deref());
        let roots = roots.map(|root| normalise(root.to_owned()).0).filter(|root| root != "/").collect();
        let home = request.env.get(&"HOME".into()).map(|home| home.to_lossy().into_owned());
        Self { ground: Rc::new(Ground { cwd, home, roots }), known: RefCell::default() }
    }

    /// The one of a command.
    pub(in crate::score) fn of_command(&self, seen: &Seen) -> Rc<Folder> {
        let mut known = self.known.borrow_mut();
        let number = known.len();
        let folder = known
            .entry((seen.directory.clone(), seen.elsewhere))
            .or_insert_with(|| Rc::new(Folder::new(number, Rc::clone(&self.ground), seen)));
        Rc::clone(folder)
    }
}

impl Folder {
    fn new(number: usize, ground: Rc<Ground>, seen: &Seen) -> Self {
        let directory = seen.directory.clone();
        let start = match (&directory, &ground.cwd) {
            _ if seen.elsewhere => directory.clone(),
            (Some(directory), Some(cwd)) if !directory.starts_with(['/', '~', '$']) => {
                Some(format!("{cwd}/{directory}"))
            }
            (Some(directory), _) => Some(directory.clone()),
            (None, cwd) => cwd.clone(),
        };
        // `cd ''` is taken to lead to the root.
        let start = start.map(|start| if start.is_empty() { "/".to_owned() } else { normalise(start).0 });
        let led = start.as_deref().map(|start| ground.at_home(start).unwrap_or_else(|| start.to_owned()));
        Self {
            number,
            ground,
            directory,
            elsewhere: seen.elsewhere,
            start,
            led,
            is_production: OnceCell::new(),
            leads_to_production: OnceCell::new(),
            pairs: OnceCell::new(),
            told_apart: OnceCell::new(),
            needed: RefCell::default(),
        }
    }

    /// The home folder, where the request says it.
    pub(super) fn home(&self) -> Option<&str> {
        self.ground.home.as_deref()
    }

    /// Where a path leads from here; one that is `rooted` leads there from everywhere.
    pub(super) fn way(&self, text: &str, rooted: bool) -> Way {
        let start = self.start.as_deref().filter(|_| !rooted);
        let (full, kept, escapes) = if let Some(start) = start {
            let (full, kept) = climb(start, text);
            (full, kept, false)
        } else {
            let (full, escapes) = normalise(text.to_owned());
            (full, 0, escapes)
        };
        let (full, kept) = match self.ground.at_home(&full) {
            // What was kept of the beginning, `~` among it, is as much longer.
            Some(at_home) => {
                let kept = if kept == 0 { 0 } else { (kept + at_home.len()) - full.len() };
                (at_home, kept)
            }
            None => (full, kept),
        };
        let inside = if rooted || start.is_some() {
            !self.elsewhere && self.ground.roots.iter().any(|root| super::is_in(&full, root))
        } else {
            !escapes
        };
        Way { full, kept, inside }
    }

    /// Whether it is named after production.
    pub(super) fn is_production(&self, words: &[String]) -> bool {
        *self.is_production.get_or_init(|| self.directory.as_deref().is_some_and(|dir| has_word(dir, words)))
    }

    /// Whether a path from here leads through what is named after production.
    pub(super) fn leads_to_production(&self, full: &str, kept: usize, words: &[String]) -> bool {
        match &self.led {
            Some(led) if kept == led.len() && kept > 0 => {
                *self.leads_to_production.get_or_init(|| has_word(led, words))
                    || has_word(&full[kept..], words)
            }
            _ => has_word(full, words),
        }
    }

    /// The pairs in a path from here: all of them, or those behind what it has from here where that is long.
    pub(super) fn pairs(&self, full: &str, kept: usize) -> Pairs {
        match &self.led {
            Some(led) if kept > 0 => {
                let behind = Pairs::of(&full.as_bytes()[kept - 1..]);
                let here = || *self.pairs.get_or_init(|| Pairs::of(led));
                if self.is_long(kept) { behind } else { behind.and(here()) }
            }
            _ => Pairs::of(full),
        }
    }

    /// What the patterns of a list need beside what a long folder has, for paths that begin with it.
    pub(super) fn needed(&self, patterns: &Patterns, kept: usize) -> Option<Rc<PairsNeeded>> {
        let led = self.led.as_deref().filter(|_| self.is_long(kept))?;
        let mut needed = self.needed.borrow_mut();
        let place = std::ptr::from_ref(patterns).addr();
        Some(Rc::clone(needed.entry(place).or_insert_with(|| {
            let here = self.told_apart.get_or_init(|| PairsToldApart::of(led));
            Rc::new(patterns.needed_beside(here))
        })))
    }

    fn is_long(&self, kept: usize) -> bool {
        kept > 0 && self.led.as_deref().is_some_and(|led| led.len() > MAX_SHORT)
    }
}

impl Ground {
    /// A path that begins at home, with the home folder in place of `~`.
    fn at_home(&self, path: &str) -> Option<String> {
        let in_home = path == "~" || path.starts_with("~/");
        let home = self.home.as_deref().filter(|_| in_home)?;
        Some(format!("{home}{}", &path[1..]))
    }
}

/// Where `text` leads from `start`, which has no `.` and no `..`; and how many bytes of `start` it begins with.
fn climb(start: &str, text: &str) -> (String, usize) {
    let absolute = start.starts_with('/');
    let mut full = String::with_capacity(start.len() + 1 + text.len());
    full.push_str(if start == "/" { "" } else { start });
    let mut kept = full.len();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                full.truncate(full.rfind('/').unwrap_or_default());
                kept = kept.min(full.len());
            }
            part => {
                if absolute || !full.is_empty() {
                    full.push('/');
                }
                full.push_str(part);
            }
        }
    }
    if absolute && full.is_empty() {
        full.push('/');
    }
    (full, kept)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Going from a folder leads where the whole path leads, and what is kept of it stands there.
        #[test]
        fn a_path_leads_where_it_leads_as_a_whole(start in "[a~/.]{1,12}", text in "[b~/.]{1,12}") {
            let (begin, _) = normalise(start.clone());
            let (full, kept) = climb(&begin, &text);
            prop_assert_eq!(&full, &normalise(format!("{start}/{text}")).0);
            prop_assert_eq!(full.get(..kept), begin.get(..kept));
        }
    }
}
