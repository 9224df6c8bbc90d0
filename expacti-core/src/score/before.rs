//! What earlier commands of the same text have done that a description asks about.

use super::Look;
use crate::see::Seen;
use crate::tools::{Arguments, glob};

/// Commands before one, and words of each, that are looked at.
const MAX_BEFORE: usize = 64;

/// Whether a variable that fits one of these patterns is set in front of the command, or was exported before it.
pub(super) fn sets_one(look: &Look<'_>, patterns: &[String]) -> bool {
    let fits = |text: &str| patterns.iter().any(|pattern| glob(pattern, text));
    let mut set = look.seen.assignments.iter();
    set.any(|(name, value)| fits(&format!("{name}={}", value.text.to_lossy())))
        || earlier(look)
            .filter(|seen| matches!(seen.program.name.as_str(), "export" | "declare"))
            .any(|seen| seen.words.iter().skip(1).take(MAX_BEFORE).any(|word| fits(&word.text.to_lossy())))
}

/// Whether an earlier command is one of these, with nothing but options: `npm pack` packs what lies here, and
/// `npm pack NAME` what somebody else has published.
pub(super) fn ran_one(look: &Look<'_>, commands: &[String]) -> bool {
    let is_one = |seen: &Seen| {
        let name = seen.program.name.as_str();
        let mut named = commands.iter().filter_map(|command| command.split_once(' '));
        named.any(|(program, rest)| {
            program == name && {
                let words = &seen.words[..seen.words.len().min(MAX_BEFORE)];
                let arguments = Arguments::read(look.tools.find(name), words, None);
                arguments.free().iter().map(|word| word.text.as_ref()).eq(rest.split(' '))
            }
        })
    };
    earlier(look).any(is_one)
}

fn earlier<'l>(look: &'l Look<'_>) -> impl Iterator<Item = &'l Seen> {
    let from = look.at.saturating_sub(MAX_BEFORE);
    look.all.get(from..look.at).unwrap_or_default().iter()
}
