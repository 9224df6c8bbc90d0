//! What the program's own name and file say.

use super::{Addition, Candidate, Look};
use crate::tools::{Category, Modifier, glob};
use std::borrow::Cow;

pub(super) fn candidates<'t>(look: &Look<'t>) -> Vec<Candidate<'t>> {
    let known = &look.known.modifiers;
    let mut found = Vec::new();
    let program = &look.seen.program;
    if program.looks_alike {
        found.push(look.stand_alone(&known.look_alike_name, Category::Obfuscation));
    }
    if look.seen.via.is_empty() && look.request.exe.unlinked {
        found.push(look.stand_alone(&known.no_file, Category::CodeExecution));
    }
    let folder = program.folder.as_deref().unwrap_or_default();
    let inside = |folder: &str, temporary: &String| {
        folder == temporary
            || folder.strip_prefix(temporary.as_str()).is_some_and(|rest| rest.starts_with('/'))
    };
    if !look.seen.elsewhere && look.known.places.temporary.iter().any(|temporary| inside(folder, temporary)) {
        found.push(look.stand_alone(&known.temporary_program, Category::CodeExecution));
    }
    found
}

pub(super) fn additions<'t>(look: &Look<'t>) -> Vec<Addition<'t>> {
    let known = &look.known.modifiers;
    let mut found = Vec::new();
    let mut add = |modifier: &'t Modifier| {
        found.push(Addition {
            id: Cow::Borrowed(&modifier.id),
            points: modifier.points,
            why: Cow::Borrowed(&modifier.why),
        });
    };
    if look.seen.program.disguised {
        add(&known.disguised_name);
    }
    let hijacks =
        |name: &str| look.known.context.hijacking_variables.iter().any(|pattern| glob(pattern, name));
    if look.seen.assignments.iter().any(|(name, _)| hijacks(name)) {
        add(&known.environment_hijack);
    }
    let hidden = |text: &str| {
        !text.is_ascii()
            && text.chars().any(|c| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'))
    };
    if look.seen.words.iter().take(256).any(|word| hidden(&word.text.to_lossy())) {
        add(&known.hidden_characters);
    }
    found
}
