//! Every command in the documentation is run, in the guest that has the package installed.
//!
//! A block of `sh` is run line by line, as root, in a folder of its own; each line has to succeed. What cannot be run here
//! has `<!-- not run: REASON -->` right above its block, and `cargo xtask test` lists it at its end; that those commands are at least
//! understood is tested where they are parsed. What the pages assume is made so before a line that needs it: see [`World`].

mod page;
mod world;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use expacti_tests::harness::{Outcome, not_run as say_not_run, skippable, test};
use libtest_mimic::Trial;

use self::page::{Block, Page};
use self::world::World;
use super::package::said;

/// Where the pages lie in the guest, as they lie in the repository.
const PAGES: &str = "/opt/expacti/pages";

/// For one command, in seconds. Only one that hangs needs it.
const LIMIT: &str = "180";

/// One test a page that has commands, and one of how they are found.
pub(crate) fn tests() -> Vec<Trial> {
    let mut paths = Vec::new();
    collect(Path::new(PAGES), &mut paths);
    paths.sort();
    let pages = paths.iter().map(|path| {
        let name = path.strip_prefix(PAGES).unwrap().to_str().unwrap();
        Page::read(name, &fs::read_to_string(path).unwrap())
    });
    let found = test("docs::commands_and_reasons_are_found", page::commands_and_reasons_are_found);
    [found].into_iter().chain(pages.filter(Page::has_something_to_say).map(test_of)).collect()
}

fn collect(folder: &Path, pages: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, pages);
        } else {
            pages.push(path);
        }
    }
}

fn test_of(page: Page) -> Trial {
    let name = page.name.trim_end_matches(".md").trim_start_matches("docs/").to_lowercase();
    skippable(&format!("docs::{name}"), move || {
        follow(&page);
        Outcome::Held
    })
}

fn follow(page: &Page) {
    assert_eq!(page.mistakes, [""; 0], "{}", page.name);
    // Many pages have nothing that is run, and need none.
    let mut world = None;
    for block in &page.blocks {
        let Block { line, commands, not_run } = block;
        if let Some(reason) = not_run {
            let plural = if commands.len() == 1 { "" } else { "s" };
            say_not_run(&format!("{}:{line}, {} command{plural}: {reason}", page.name, commands.len()));
            continue;
        }
        for command in commands {
            run(world.get_or_insert_with(World::begin), command, &format!("{}:{line}", page.name));
        }
    }
}

fn run(world: &mut World, command: &str, place: &str) {
    let command = world.ready_for(command);
    let mut shell = Command::new("timeout");
    shell.args(["--kill-after", "9", LIMIT, "bash", "-c", &command]);
    let output = shell.current_dir(world.folder()).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{place}: {command}: {}", said(&output));
}
