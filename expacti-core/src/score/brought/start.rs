//! Whether a command starts what was brought.

use std::borrow::Cow;
use std::cell::RefCell;

use super::known::Known;
use super::{Brought, load};
use crate::score::Look;
use crate::see::Seen;
use crate::tools::{Category, RunsKind, Tool};

/// Modules that run the file they are given.
const RUNNERS: [&str; 8] = ["pdb", "ipdb", "bdb", "debugpy", "cProfile", "profile", "runpy", "trace"];
/// No longer path can be opened.
const PATH_MAX: usize = 4096;

/// Whether an earlier command of the same text, one of those that `brings`, made what this one starts.
pub(in crate::score) fn starts(
    look: &Look<'_>,
    so_far: &RefCell<Brought>,
    brings: impl Fn(&Seen) -> bool,
) -> bool {
    let Some(tool) = look.tool.filter(|_| look.at > 0) else { return false };
    let file = file(look, tool);
    let obeys = !tool.obeys.is_empty()
        || tool.otherwise.categories.iter().any(|c| look.known.verbs.infrastructure.contains(c));
    let loads = !tool.loads.is_empty() || !look.seen.code.is_empty();
    if file.is_none() && !obeys && !tool.is_unknown() && !loads {
        return false;
    }
    let mut so_far = so_far.borrow_mut();
    so_far.go_on(look, brings);
    let brought = &so_far.known;
    if obeys && is_obeyed(look, tool, brought)
        || !brought.is_empty() && (load::by_option(look, tool, brought) || load::by_text(look, brought))
    {
        return true;
    }
    let Some(file) = file else { return is_program(look, tool, brought) };
    let directory = look.seen.directory.as_deref();
    let folder = look.seen.program.folder.as_deref();
    !is_certificate(&file)
        && (brought.has(&file, directory) || so_far.clones.have(folder.unwrap_or(&file), directory))
}

/// The file that runs: the program itself, where it is named by its place, or what it is given to run or to install.
fn file<'l>(look: &'l Look<'_>, tool: &Tool) -> Option<Cow<'l, str>> {
    if look.seen.program.folder.is_some() {
        return look.seen.words.first().map(|word| word.text.to_lossy());
    }
    let mut free = look.arguments.free().iter();
    let package = free.clone().rfind(|word| word.text.contains('.'));
    let file = match package {
        Some(_) if installs(look, tool) => package,
        // What stands behind a program text or a module is for it to read.
        _ if is_inline(look, tool) => None,
        _ => free.next().filter(|_| runs_files(tool)),
    };
    file.map(|word| Cow::Borrowed(word.text.as_ref()))
}

fn runs_files(tool: &Tool) -> bool {
    let is_otherwise = |category: &Category| tool.otherwise.categories.contains(category);
    let runs = is_otherwise(&Category::RemoteExecution)
        || tool.runs_files
        || tool.code.is_some()
        || tool.runs.iter().any(|runs| runs.kind == RunsKind::Script);
    runs && !is_otherwise(&Category::PackageManagement)
}

/// Whether it runs a text that it is given, or a module that runs no file.
fn is_inline(look: &Look<'_>, tool: &Tool) -> bool {
    tool.code.as_ref().is_some_and(|code| {
        let mut modules = look.arguments.values(&code.modules).map(|(module, _)| module);
        look.arguments.has(&code.options) || modules.next().is_some_and(|name| !RUNNERS.contains(&name))
    })
}

/// Whether a file that was brought is one that it obeys wherever it finds it, or that one of its options names.
fn is_obeyed(look: &Look<'_>, tool: &Tool, brought: &Known) -> bool {
    let directory = look.seen.directory.as_deref();
    // Where it is known which options load files, those are asked about alone.
    let mut values = look.arguments.all_values().map(|(_, value)| value).filter(|_| tool.loads.is_empty());
    tool.obeys.iter().any(|name| brought.has_file(name, directory))
        || values.any(|value| {
            // `java -cp a.jar:b.jar`
            let mut files = value.split(':').chain([value]);
            !is_certificate(value) && files.any(|file| brought.has_file(file, directory))
        })
}

/// Whether the program that is started by its name alone, or by another program, was brought.
fn is_program(look: &Look<'_>, tool: &Tool, brought: &Known) -> bool {
    // `java -jar x.jar`: it needs no folder to be a file.
    let is_started = tool.is_unknown() && !look.seen.via.is_empty() && !brought.is_empty();
    let started = look.seen.words.first().filter(|word| is_started && word.text.as_bytes().len() <= PATH_MAX);
    brought.has_program(&look.seen.program.name)
        || started.is_some_and(|file| {
            let (file, directory) = (file.text.to_lossy(), look.seen.directory.as_deref());
            // `python -m x`
            let is_module = look.seen.via.last().is_some_and(|via| via.starts_with("python"));
            brought.has(&file, directory) || is_module && brought.has(&format!("{file}.py"), directory)
        })
}

fn is_certificate(file: &str) -> bool {
    [".pem", ".crt", ".cer"].iter().any(|end| file.ends_with(end))
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
