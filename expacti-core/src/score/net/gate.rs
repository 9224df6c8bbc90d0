//! The gate's own doors, in whatever is given them: `nc -U /run/expacti/control.sock`.

use super::super::{Candidate, Look};
use super::hands_on;
use crate::tools::{Category, Tool};

/// Words of a command that are looked at.
const MAX_WORDS: usize = 64;

/// Programs that talk to what they are given, programs nobody described, and program text that names one.
pub(super) fn candidates<'t>(look: &Look<'t>, tool: &'t Tool, found: &mut Vec<Candidate<'t>>) {
    let doors = &look.known.places.gate_doors;
    let names_one = |text: &str| doors.iter().any(|door| text.contains(door.as_str()));
    let talks = tool.is_unknown() || hands_on(tool) || tool.http;
    let mut words = look.seen.words.iter().skip(1).take(MAX_WORDS);
    let by_word = talks && words.any(|word| names_one(&word.text.to_lossy()));
    if by_word || look.seen.code.iter().any(|(_, text)| names_one(text)) {
        found.push(Look::stand_alone(&look.known.modifiers.gate_path, Category::PrivilegeAndEscape));
    }
}
