//! What the program's own name and file say.

use super::brought::{fetches, starts};
use super::{Addition, Candidate, Look, before, paths};
use crate::see::Seen;
use crate::tools::{Category, Modifier, glob};
use std::borrow::Cow;

pub(super) fn candidates<'t>(look: &Look<'t>) -> Vec<Candidate<'t>> {
    let known = &look.known.modifiers;
    let mut found = Vec::new();
    let program = &look.seen.program;
    if program.looks_alike {
        found.push(Look::stand_alone(&known.look_alike_name, Category::Obfuscation));
    }
    if look.seen.via.is_empty() && look.request.exe.unlinked {
        found.push(Look::stand_alone(&known.no_file, Category::CodeExecution));
    }
    let folder = program.folder.as_deref().unwrap_or_default();
    let mut temporary = look.known.places.temporary.iter();
    if !look.seen.elsewhere && temporary.any(|temporary| paths::is_in(folder, temporary)) {
        let mut candidate = Look::stand_alone(&known.temporary_program, Category::CodeExecution);
        if look.tools.find(&program.name).is_some() {
            // A program there that has the name of a known one is not that one.
            candidate.with.push((&known.disguised_name, known.disguised_name.points));
        }
        found.push(candidate);
    }
    let hijacks = |name: &str, value: &str| {
        let variables = &look.known.context.hijacking_variables;
        let entry = variables.iter().find(|(pattern, _)| glob(pattern, name));
        entry.is_some_and(|(_, harmless)| {
            !value.is_empty() && !harmless.iter().any(|pattern| glob(pattern, value))
        })
    };
    let harms = |name: &str, value: &str| {
        let variables = &look.known.context.harmful_values;
        // Some programs read their variables in small letters too.
        let upper = name.to_ascii_uppercase();
        let entry = variables.iter().find(|(pattern, _)| glob(pattern, &upper));
        entry.is_some_and(|(_, harmful)| harmful.iter().any(|pattern| glob(pattern, value)))
    };
    let exported = matches!(program.name.as_str(), "export" | "declare" | "typeset" | "readonly" | "local");
    let words = if exported { look.seen.words.get(1..).unwrap_or_default() } else { &[] };
    let exports = words.iter().take(64).filter_map(|word| {
        let text = word.text.to_lossy();
        text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))
    });
    let assigned =
        look.seen.assignments.iter().map(|(name, value)| (name.clone(), value.text.to_lossy().into_owned()));
    if assigned.chain(exports).any(|(name, value)| hijacks(&name, &value) || harms(&name, &value)) {
        found.push(Look::stand_alone(&known.environment_hijack, Category::CodeExecution));
    }
    // `/etc/init.d/nginx stop`
    let is_init_script = folder == "/etc/init.d" || folder == "/etc/rc.d" || folder == "/etc/rc.d/init.d";
    let order = look.seen.words.get(1).map(|word| word.text.to_lossy());
    if is_init_script && order.is_some_and(|order| look.known.verbs.stop.contains(order.as_ref())) {
        found.push(Look::stand_alone(&known.name_stops, Category::ProcessAndService));
    }
    if starts(look, &look.so_far.brought.fetched, |seen| fetches(look, seen)) {
        found.push(Look::stand_alone(&known.fetched_program, Category::RemoteExecution));
    } else if starts(look, &look.so_far.brought.decoded, |seen| decodes(look, seen)) {
        found.push(Look::stand_alone(&known.decoded_to_shell, Category::Obfuscation));
    } else if look.at > 1 && before::may_have_fetched_it(look) {
        found.push(Look::stand_alone(&known.maybe_fetched, Category::RemoteExecution));
    }
    if before::pushes_a_secret(look) {
        found.push(Look::stand_alone(&known.secret_to_network, Category::SecretsAndCredentials));
    }
    if before::leaves_it_encrypted(look) {
        found.push(Look::stand_alone(&known.leaves_encrypted, Category::FileMutation));
    }
    if before::loaded_what_was_fetched(look) {
        found.push(Look::stand_alone(&known.fetched_image, Category::RemoteExecution));
    }
    found
}

/// Whether a command turns what cannot be read into what can.
fn decodes(look: &Look<'_>, seen: &Seen) -> bool {
    let has = |option: &[u8]| seen.words.iter().skip(1).take(16).any(|word| word.text.as_bytes() == option);
    match seen.program.name.as_str() {
        "xxd" => has(b"-r"),
        "openssl" => has(b"-d"),
        "base64" | "base32" => has(b"-d") || has(b"-D") || has(b"--decode"),
        name => look.tools.find(name).is_some_and(|tool| tool.decodes),
    }
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
    let hidden = |text: &str| {
        !text.is_ascii()
            && text.chars().any(|c| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'))
    };
    if look.seen.words.iter().take(256).any(|word| hidden(&word.text.to_lossy())) {
        add(&known.hidden_characters);
    }
    found
}
