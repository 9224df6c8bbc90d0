//! Where a command points, and under which circumstances it runs.

use super::{Candidate, Look};
use crate::tools::{Category, Modifier, Reach, glob};

/// What makes it worse whatever it does.
pub(super) fn circumstances<'t>(look: &Look<'t>, base: &Candidate<'t>) -> Vec<&'t Modifier> {
    let known = look.known;
    let mut found = Vec::new();
    if look.seen.privileged {
        found.push(&known.modifiers.sudo);
    }
    let matters = base.points >= 30;
    if matters && look.arguments.has_in_full(&known.context.unattended_options) {
        found.push(&known.modifiers.unattended);
    }
    if matters && let Some(time) = look.request.local_time {
        let [from, to] = known.context.working_hours;
        if !(from..to).contains(&time.hour) || time.weekday > 5 {
            found.push(&known.modifiers.outside_hours);
        }
    }
    if look.seen.via.is_empty() {
        let exe = &look.request.exe;
        if exe.privileged && !look.seen.wraps {
            found.push(&known.modifiers.gains_privileges);
        }
        if exe.unstable {
            found.push(&known.modifiers.unstable_file);
        }
        if !look.request.missing.is_empty() {
            found.push(&known.modifiers.partial_request);
        }
    }
    found
}

/// What the names of its targets say: production, staging, or nothing to worry about.
pub(super) fn target<'t>(look: &Look<'t>, base: &Candidate<'t>) -> Vec<(&'t Modifier, i16)> {
    let known = look.known;
    let points = base.production.unwrap_or_else(|| {
        let of =
            |category: &Category| known.context.production_points.get(category).copied().unwrap_or_default();
        base.categories.iter().map(of).max().unwrap_or_default()
    });
    if points == 0 {
        return Vec::new();
    }
    let hints = Hints::of(look);
    let mut found = Vec::new();
    if hints.production {
        found.push((&known.modifiers.production, points));
    } else if hints.staging {
        found.push((&known.modifiers.staging, known.modifiers.staging.points));
    } else if hints.remote {
        found.push((&known.modifiers.remote_database, known.modifiers.remote_database.points));
    }
    found
}

/// Whether a command works on rows of a database whose name says that they are nobody's.
pub(super) fn is_throwaway(look: &Look<'_>, base: &Candidate<'_>) -> bool {
    let reaches = look.tool.is_some_and(|tool| tool.reach.contains(&Reach::Database));
    let rows =
        base.categories.iter().all(|category| *category == Category::DatabaseWrite) && base.points < 60;
    if !(reaches && rows) {
        return false;
    }
    let hints = Hints::of(look);
    hints.development && !hints.production && !hints.staging && !hints.remote
}

/// Bytes of a text in which names of places are looked for.
const MAX_READ: usize = 512;
/// Bytes that one character may take.
const LONGEST_CHARACTER: usize = 4;

#[expect(clippy::struct_excessive_bools, reason = "independent facts, each true or not")]
#[derive(Debug, Default)]
struct Hints {
    production: bool,
    staging: bool,
    development: bool,
    remote: bool,
}

impl Hints {
    fn of(look: &Look<'_>) -> Self {
        let mut hints = Self::default();
        let reach = look.tool.map(|tool| tool.reach.as_slice()).unwrap_or_default();
        // `stripe customers list`: the verb of a tool is no name of a place.
        let has_verbs = look.tool.is_some_and(|tool| tool.has_verbs);
        for (number, free) in look.arguments.free().iter().take(64).enumerate() {
            hints.read(look, &free.text, number > 0 || !has_verbs);
        }
        for (name, value) in look.arguments.all_values() {
            // `--env=production` says where, `-m "fix production"` does not.
            if !matches!(name, "-m" | "--message" | "--body" | "--title" | "-b") {
                hints.read(look, value, true);
            }
        }
        // What `ssh` or `kubectl exec` reaches is where the inner command runs, and what `env` sets holds inside.
        let mut parent = look.seen.parent;
        for _ in 0..4 {
            let Some(outer) = parent.and_then(|number| look.all.get(number)) else { break };
            if look.seen.elsewhere {
                for word in outer.words.iter().skip(1).take(32) {
                    // Each command inside asks again, so of a long word only what is read is made text.
                    let bytes = word.text.as_bytes();
                    let start = &bytes[..bytes.len().min(MAX_READ + LONGEST_CHARACTER)];
                    hints.read(look, &String::from_utf8_lossy(start), true);
                }
            }
            for (name, value) in &outer.assignments {
                if Self::tells(look, reach, name) {
                    hints.read(look, &value.text.to_lossy(), true);
                }
            }
            parent = outer.parent;
        }
        for (name, value) in &look.seen.assignments {
            if Self::tells(look, reach, name) {
                hints.read(look, &value.text.to_lossy(), true);
            }
        }
        if !look.seen.elsewhere {
            for (name, value) in &look.request.env {
                if let Some(name) = name.as_str()
                    && Self::tells(look, reach, name)
                {
                    hints.read(look, &value.to_lossy(), true);
                }
            }
        }
        if let Some(cwd) = &look.request.cwd
            && !look.seen.elsewhere
            && !reach.is_empty()
        {
            hints.read(look, &cwd.to_lossy(), false);
        }
        hints
    }

    fn tells(look: &Look<'_>, reach: &[Reach], name: &str) -> bool {
        let variables = &look.known.context.variables;
        reach.iter().filter_map(|reach| variables.get(reach)).flatten().any(|pattern| glob(pattern, name))
    }

    fn read(&mut self, look: &Look<'_>, text: &str, target: bool) {
        let context = &look.known.context;
        let text = text.get(..MAX_READ).unwrap_or(text);
        for word in text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| word.len() > 1) {
            let any = |words: &[String]| words.iter().any(|known| known.eq_ignore_ascii_case(word));
            self.production |= any(&context.production_words)
                || target && any(&context.production_target_words) && is_target(look);
            self.staging |= any(&context.staging_words);
            self.development |= target && any(&context.development_words);
        }
        if target && text.contains('.') {
            let lower = text.to_ascii_lowercase();
            self.remote |= context.remote_hosts.iter().any(|host| lower.contains(host.as_str()));
        }
    }
}

/// Words such as `live` only mean production where the program reaches hosts, databases, clusters or accounts.
fn is_target(look: &Look<'_>) -> bool {
    look.tool.is_some_and(|tool| tool.reach.iter().any(|reach| *reach != Reach::Application))
}
