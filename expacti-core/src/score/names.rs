//! What the program's own name and file say.

use super::brought::{Brought, earlier, fetches};
use super::{Addition, Candidate, Look, paths};
use crate::see::Seen;
use crate::tools::{Category, Modifier, RunsKind, Tool, glob};
use std::borrow::Cow;

/// Values, and names in program text, that are compared with what was brought.
const MAX_LOADED: usize = 64;
/// How program text loads other files, by language: calls, and endings that may be left out.
const LOADING: [(&str, &[&str], &[&str]); 5] = [
    (
        "python",
        &["import ", "from ", "CDLL(", "LoadLibrary(", "import_module(", "run_path(", "exec(open("],
        &[".py", ".so"],
    ),
    (
        "javascript",
        &["require(", "import(", "import ", "from ", "dlopen("],
        &[".js", ".mjs", ".cjs", ".ts", ".node"],
    ),
    ("ruby", &["require ", "require_relative ", "require(", "load ", "load("], &[".rb", ".so"]),
    ("perl", &["require ", "do ", "use "], &[".pl", ".pm"]),
    (
        "php",
        &["include ", "require ", "include_once ", "require_once ", "include(", "require("],
        &[".php", ".phar"],
    ),
];

/// Modules that run the file they are given.
const RUNNERS: [&str; 8] = ["pdb", "ipdb", "bdb", "debugpy", "cProfile", "profile", "runpy", "trace"];

/// No longer path can be opened.
const PATH_MAX: usize = 4096;

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
    if comes_from(look, |seen| fetches(look, seen)) {
        found.push(Look::stand_alone(&known.fetched_program, Category::RemoteExecution));
    } else if comes_from(look, |seen| decodes(look, seen)) {
        found.push(Look::stand_alone(&known.decoded_to_shell, Category::Obfuscation));
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

/// Whether an earlier command of the same text, one of those that `brings`, made the very file that this one runs.
fn comes_from(look: &Look<'_>, brings: impl Fn(&Seen) -> bool) -> bool {
    let Some(tool) = look.tool.filter(|_| look.at > 0) else { return false };
    let follows = tool.otherwise.categories.contains(&Category::RemoteExecution);
    let runs_file = follows
        || tool.runs_files
        || tool.code.is_some()
        || tool.runs.iter().any(|runs| runs.kind == RunsKind::Script);
    let is_manager = tool.otherwise.categories.contains(&Category::PackageManagement);
    let file = if look.seen.program.folder.is_some() {
        look.seen.words.first().map(|word| word.text.to_lossy())
    } else {
        let mut free = look.arguments.free().iter();
        let package = free.clone().rfind(|word| word.text.contains('.'));
        let is_inline = || {
            tool.code.as_ref().is_some_and(|code| {
                let mut modules = look.arguments.values(&code.modules).map(|(module, _)| module);
                look.arguments.has(&code.options)
                    || modules.next().is_some_and(|name| !RUNNERS.contains(&name))
            })
        };
        let file = match package {
            Some(_) if installs(look, tool) => package,
            // What stands behind a program text or a module is for it to read.
            _ if is_inline() => None,
            _ => free.next().filter(|_| runs_file && !is_manager),
        };
        file.map(|word| word.text.clone())
    };
    let obeys = !tool.obeys.is_empty()
        || tool.otherwise.categories.iter().any(|c| look.known.verbs.infrastructure.contains(c));
    let (loads, says) = (!tool.loads.is_empty(), !look.seen.code.is_empty());
    if file.is_none() && !obeys && !tool.is_unknown() && !loads && !says {
        return false;
    }
    let (brought, directory) = (Brought::before(look, brings), look.seen.directory.as_deref());
    let is_certificate = |file: &str| [".pem", ".crt", ".cer"].iter().any(|end| file.ends_with(end));
    let told = || {
        // Where it is known which of them it obeys, `loaded` asks about those.
        let mut values =
            look.arguments.all_values().map(|(_, value)| value).filter(|_| tool.loads.is_empty());
        tool.obeys.iter().any(|name| brought.has_file(name, directory))
            || values.any(|value| {
                // `java -cp a.jar:b.jar`
                let mut files = value.split(':').chain([value]);
                !is_certificate(value) && files.any(|file| brought.has_file(file, directory))
            })
    };
    if obeys && told() || !brought.is_empty() && (loaded(look, tool, &brought) || said(look, &brought)) {
        return true;
    }
    let Some(file) = file else {
        // `java -jar x.jar`: it needs no folder to be a file.
        let is_started = tool.is_unknown() && !look.seen.via.is_empty() && !brought.is_empty();
        let started =
            look.seen.words.first().filter(|word| is_started && word.text.as_bytes().len() <= PATH_MAX);
        return brought.has_program(&look.seen.program.name)
            || started.is_some_and(|file| {
                let file = file.text.to_lossy();
                // `python -m x`
                let is_module = look.seen.via.last().is_some_and(|via| via.starts_with("python"));
                brought.has(&file, directory) || is_module && brought.has(&format!("{file}.py"), directory)
            });
    };
    if is_certificate(&file) {
        return false;
    }
    if brought.has(&file, directory) {
        return true;
    }
    let folder = look.seen.program.folder.as_deref();
    earlier(look).iter().any(|earlier| is_clone_of(earlier, directory, folder, &file))
}

/// Whether one of its options loads a file that was brought: `node -r ./x.js`, `java -javaagent:x.jar`.
fn loaded(look: &Look<'_>, tool: &Tool, brought: &Brought) -> bool {
    let directory = look.seen.directory.as_deref();
    let is_one = |file: &str| brought.has_file(file, directory);
    let named = look.arguments.values(&tool.loads).map(|(value, _)| value);
    let behind_colon = look.arguments.flag_names().filter_map(|name| {
        let (name, file) = name.split_once(':')?;
        tool.loads.iter().any(|option| option == name).then_some(file)
    });
    named.chain(behind_colon).take(MAX_LOADED).any(|value| value.split(':').chain([value]).any(is_one))
}

/// Whether its program text loads a file that was brought: `import x`, `require('./x')`.
fn said(look: &Look<'_>, brought: &Brought) -> bool {
    let directory = look.seen.directory.as_deref();
    look.seen.code.iter().any(|(language, text)| {
        let Some((_, calls, endings)) = LOADING.iter().find(|(known, ..)| known == language) else {
            return false;
        };
        let mut names = named_behind(text, calls).take(MAX_LOADED);
        brought.may_be_named_in(text)
            && names.any(|name| {
                // `from kit.run import main`
                let module = if language == "python" { name.replace('.', "/") } else { name.to_owned() };
                endings.iter().any(|end| {
                    name.ends_with(end) && brought.has_file(name, directory)
                        || brought.has_file(&format!("{module}{end}"), directory)
                })
            })
    })
}

/// What stands behind these calls: in quotes, parentheses or bare.
fn named_behind<'s>(text: &'s str, calls: &'s [&str]) -> impl Iterator<Item = &'s str> {
    let behind = |call: &'s &str| text.match_indices(*call).map(|(at, found)| &text[at + found.len()..]);
    let quoted = |c: char| matches!(c, ' ' | '(' | '"' | '\'' | '`');
    let ends = |c: char| matches!(c, '"' | '\'' | '`' | ')' | ';' | ',' | '\n' | ' ');
    let names = calls.iter().flat_map(behind);
    names
        .filter_map(move |rest| rest.trim_start_matches(quoted).split(ends).next())
        .filter(|name| !name.is_empty())
}

/// Whether it installs packages, and does not only look at one.
fn installs(look: &Look<'_>, tool: &Tool) -> bool {
    let does = |is: fn(&Category) -> bool| {
        let mut effects = tool.effects.iter().filter(|effect| !effect.adds);
        effects.any(|effect| effect.categories.iter().any(is) && look.fits(effect).is_some())
    };
    let is_install = |category: &Category| *category == Category::PackageManagement;
    does(is_install)
        || tool.otherwise.categories.iter().any(is_install) && !does(|category| category.reads_only())
}

/// `git clone ADDRESS [FOLDER] && FOLDER/install.sh`: whether the file that runs lies in what was cloned.
fn is_clone_of(earlier: &Seen, directory: Option<&str>, folder: Option<&str>, file: &str) -> bool {
    let words = earlier.words.iter().take(8).map(|word| word.text.to_lossy());
    let words: Vec<_> = words.filter(|word| !word.starts_with('-')).collect();
    let is_word =
        |at: usize, known: &[&str]| words.get(at).is_some_and(|word| known.contains(&word.as_ref()));
    let clones = match earlier.program.name.as_str() {
        "git" => is_word(1, &["clone"]) || is_word(1, &["submodule", "subtree"]) && is_word(2, &["add"]),
        "gh" | "glab" => is_word(1, &["repo", "gist"]) && is_word(2, &["clone"]),
        "hg" | "jj" | "sl" | "fossil" => is_word(1, &["clone"]) || is_word(2, &["clone"]),
        "svn" => is_word(1, &["checkout", "co", "export"]),
        "ansible-galaxy" => is_word(1, &["install"]) || is_word(2, &["install"]),
        "degit" | "tiged" => true,
        _ => false,
    };
    let Some(last) = words.last().filter(|_| clones) else { return false };
    let name = last.trim_end_matches('/').trim_end_matches(".git");
    let name = if last.contains("://") || last.contains('@') { name.rsplit('/').next() } else { Some(name) };
    let Some(name) = name.map(|name| name.trim_start_matches("./")).filter(|name| !name.is_empty()) else {
        return false;
    };
    let file = folder.unwrap_or(file);
    // `git clone X && cd X && ./install.sh`
    let file = match directory {
        Some(directory) if !file.starts_with(['/', '~']) => format!("{directory}/{file}"),
        _ => file.to_owned(),
    };
    file.trim_start_matches("./")
        .strip_prefix(name)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
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
