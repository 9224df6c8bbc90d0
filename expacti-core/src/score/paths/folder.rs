//! The folders that commands are looked at from.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::see::Seen;

/// Those of the commands of one text, each with a number.
#[derive(Debug, Default)]
pub(in crate::score) struct Folders(RefCell<HashMap<(Option<String>, bool), usize>>);

impl Folders {
    /// The number of a command's folder: what is looked at from two with one number leads to the same place.
    pub(in crate::score) fn number_of(&self, seen: &Seen) -> usize {
        let mut known = self.0.borrow_mut();
        let next = known.len();
        *known.entry((seen.directory.clone(), seen.elsewhere)).or_insert(next)
    }
}
