//! The net below the descriptions: what the words of a command say by themselves.
//!
//! Descriptions will never be complete. A subcommand nobody described whose verb means delete, an option whose value
//! is a file of the system, a script called `drop_tables.py`: these speak for themselves, whatever the program is.

mod addresses;
mod gate;
mod options;
mod rights;
mod unknown;
mod words;

use std::borrow::Cow;

use super::{Candidate, Look, paths};
use crate::see::Seen;
use crate::tools::{Category, Reach, Tool, Undo, glob};

pub(super) use addresses::has_public_address;
pub(super) use unknown::{calls_in, statements_in};
pub(super) use words::{names_destruction, parts};

/// How much of a command's words its description has understood.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Covered {
    /// Words of the longest subcommand that fitted.
    pub words: usize,
    /// All that fitted only reads.
    pub harmless: bool,
    /// Nothing fitted: what the command does is not described.
    pub nothing: bool,
}

/// Whether a command only asks its program for help. Not where the word may be another command's.
pub(super) fn asks_for_help(look: &Look<'_>) -> bool {
    let Some(tool) = look.tool else { return false };
    // Alone it is no other command's.
    let alone = |word: &crate::assessment::Word| matches!(word.text.as_bytes(), b"--help" | b"--version");
    if look.seen.words.len() == 2
        && look.seen.words.last().is_some_and(alone)
        && look.seen.program.folder.is_none()
    {
        return true;
    }
    if asks_task_for_help(look, tool) {
        return true;
    }
    if tool.is_unknown() || look.seen.wraps || tool.code.is_some() || tool.http {
        return false;
    }
    if tool.sql.as_ref().is_some_and(|sql| !sql.options_only) {
        return false;
    }
    let by_option = look.arguments.has_exactly_one("--help")
        || tool.single_dash && look.arguments.has_exactly_one("-help");
    let by_word = tool.help_word && look.arguments.free().last().is_some_and(|word| word.text == "help");
    (by_option || by_word) && tool.has_verbs
}

/// Whether a task of a program that takes code as well is asked for help, and nothing but that: its description names
/// the tasks that read `--help` before they begin, which is not true of every alias and script.
fn asks_task_for_help(look: &Look<'_>, tool: &Tool) -> bool {
    let seen = look.seen;
    let plain = (seen.program.folder.is_none() || is_of_the_project(look))
        && !seen.wraps
        && !seen.appends
        && seen.code.is_empty()
        && seen.assignments.is_empty()
        && seen.words.iter().all(|word| word.literal)
        && seen.words.last().is_some_and(|word| word.text.as_bytes() == b"--help");
    // Behind another option it may be that one's value.
    let only = || look.arguments.flag_names().eq(["--help"]);
    plain
        && only()
        && look.arguments.free().first().is_some_and(|task| {
            let asked = format!("{} {}", seen.program.name, task.text);
            tool.help_of.iter().any(|pattern| glob(pattern, &asked))
        })
}

/// Whether the program is a file of the work tree that no earlier command of the text can have put there: `bin/rails`.
fn is_of_the_project(look: &Look<'_>) -> bool {
    let folder = look.seen.program.folder.as_deref().unwrap_or_default();
    let stays = folder.split('/').all(|part| part != ".." && !part.contains(['$', '~', '*', '`']));
    let alone = look.all.iter().enumerate().all(|(number, seen)| number == look.at || seen.wraps);
    let here = look.request.cwd.as_ref().map(|cwd| cwd.to_lossy()).unwrap_or_default();
    let mut temporary = look.known.places.temporary.iter();
    !folder.starts_with('/')
        && stays
        && alone
        && look.seen.directory.is_none()
        && !look.seen.elsewhere
        && !temporary.any(|temporary| paths::is_in(&here, temporary))
}

pub(super) fn candidates<'t>(look: &Look<'t>, covered: &Covered) -> Vec<Candidate<'t>> {
    let mut found = Vec::new();
    let Some(tool) = look.tool else { return found };
    options::written_files(look, &mut found);
    options::helpers(look, &mut found);
    gate::candidates(look, tool, &mut found);
    if look.arguments.kept_names().any(|name| look.known.verbs.tries.contains(name)) {
        return found;
    }
    words::verbs(look, tool, covered, &mut found);
    if tool.is_unknown() || is_infrastructure(look, tool) {
        options::command_marks(look, tool, &mut found);
        options::weakening(look, tool, &mut found);
        rights::candidates(look, &mut found);
    } else if tool.reach.contains(&Reach::Application) || tool.names.iter().any(|name| name == "jupyter") {
        rights::candidates(look, &mut found);
    }
    options::destroying(look, tool, &mut found);
    options::showing(look, tool, &mut found);
    if covered.nothing || !covered.harmless {
        names(look, tool, &mut found);
    }
    if tool.is_unknown() || hands_on(tool) {
        unknown::orders_in(look, tool, &mut found);
    }
    if tool.is_unknown() {
        unknown::candidates(look, tool, &mut found);
    } else if is_infrastructure(look, tool) && tool.sql.is_none() && !look.seen.wraps {
        statements_in(look, &mut found);
        if tool.code.is_none() && tool.reach.contains(&Reach::Application) {
            unknown::calls_read(look, &mut found);
        }
    } else if tool.has_verbs && tool.code.is_none() && tool.reach.contains(&Reach::Application) {
        calls_in(look, &mut found);
        unknown::statements_read(look, &mut found);
    }
    found
}

/// Whether a program hands what it reads on to a service that takes orders: `nc`, `sftp`.
fn hands_on(tool: &Tool) -> bool {
    tool.sends && !tool.http && tool.sql.is_none()
}

/// Whether what a program works on is not easily made anew: clouds, clusters, databases, deployments.
fn is_infrastructure(look: &Look<'_>, tool: &Tool) -> bool {
    let known = &look.known.verbs.infrastructure;
    tool.otherwise.categories.iter().any(|category| known.contains(category))
}

/// The words of a command say that it takes something away.
fn destroys<'t>(look: &Look<'t>, tool: &'t Tool, undo: Undo) -> Candidate<'t> {
    let mut candidate = Look::stand_alone(&look.known.modifiers.name_destroys, Category::Unknown);
    candidate.undo = undo;
    candidate.categories = categories(tool);
    candidate
}

/// The kind of work of a program, whose verb is not one that only reads.
fn categories(tool: &Tool) -> Cow<'_, [Category]> {
    if tool.otherwise.categories.iter().all(|category| category.reads_only()) {
        return Cow::Borrowed(&[Category::Unknown]);
    }
    Cow::Borrowed(&tool.otherwise.categories)
}

/// Endings of files of statements and of scripts that a database or a console runs.
const SCRIPTS: [&str; 9] = [".sql", ".lua", ".cql", ".cypher", ".groovy", ".ddl", ".aql", ".js", ".mongodb"];

/// What programs and scripts are called, and what the files of statements are that they are given.
fn names<'t>(look: &Look<'t>, tool: &'t Tool, found: &mut Vec<Candidate<'t>>) {
    // Behind a script's name they are its options, not the interpreter's.
    let mut options = look.seen.words.iter().skip(1).take(32).map(|word| word.text.to_lossy());
    if options.any(|option| look.known.verbs.tries.contains(option.as_ref())) {
        return;
    }
    // What a shell is given as a script is a command of its own, and is looked at as one.
    let script = tool.code.as_ref().filter(|code| code.reads_stdin && !look.arguments.has(&code.options));
    let script = script.and_then(|_| look.arguments.free().first()).map(|word| word.text.as_ref());
    let script = script.filter(|name| !name.contains([' ', '=', '(']));
    let named = if tool.is_unknown() { Some(look.seen.program.name.as_str()) } else { script };
    let by_name = named.is_some_and(|name| names_destruction(look, name));
    // `dbshell < drop_tables.sql`, `db execute --file drop.sql`
    let reaches = tool.reach.contains(&Reach::Database);
    let targets = look.seen.redirections.iter().filter(|r| !r.writes).filter_map(|r| r.target.as_ref());
    // `cat drop_tables.sql | psql`
    let shows = |seen: &&Seen| look.tools.find(&seen.program.name).is_some_and(|tool| tool.reveals);
    let upstream = look.seen.upstream.iter().take(4).filter_map(|number| look.all.get(*number)).filter(shows);
    let piped = upstream.flat_map(|seen| seen.words.iter().skip(1).take(8));
    let given = look.seen.words.iter().skip(1).take(32);
    let mut files = given.chain(targets).chain(piped).map(|word| word.text.to_lossy());
    let by_file = reaches
        && files.any(|file| {
            SCRIPTS.iter().any(|end| file.ends_with(end))
                && names_destruction(look, file.rsplit(' ').next().unwrap_or(&file))
        });
    // `groovy = < wipe.groovy`
    let meant = tool.is_unknown() || is_infrastructure(look, tool);
    // What a wrapper reads, that which it runs reads too.
    let outer = look.seen.parent.and_then(|number| look.all.get(number)).filter(|outer| outer.wraps);
    let outer = outer.into_iter().flat_map(|outer| &outer.redirections);
    let read = look.seen.redirections.iter().chain(outer).filter(|r| !r.writes);
    let mut read = read.filter_map(|redirection| redirection.target.as_ref());
    let by_input = meant && read.any(|file| names_destruction(look, &file.text.to_lossy()));
    // `dynamodb batch-write-item --request-items file://delete-all.json`
    let mut given = look.seen.words.iter().skip(1).take(64).map(|word| word.text.to_lossy());
    let by_given = is_infrastructure(look, tool)
        && given.any(|word| {
            word.split_once("file://").is_some_and(|(_, file)| names_destruction(look, file))
                || in_brackets(&word).is_some_and(|name| names_destruction(look, name))
        });
    // `python tool.py --drop-all`, `node cli.js purge`: what a script is told to do.
    let told = script.is_some()
        && !look.seen.wraps
        && look
            .arguments
            .free()
            .iter()
            .skip(1)
            .take(8)
            .any(|word| options::tells_to_destroy(look, &word.text));
    if by_name || by_file || by_input || by_given || told {
        let mut candidate = destroys(look, tool, Undo::Hard);
        candidate.categories = Cow::Borrowed(&[Category::Unknown]);
        found.push(candidate);
    }
}

/// `recipe[wipe]`, `tasks[purge]`: what stands in the brackets at the end of a name.
fn in_brackets(word: &str) -> Option<&str> {
    let (name, inner) = word.strip_suffix(']')?.split_once('[')?;
    (!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
        .then_some(inner)
}
