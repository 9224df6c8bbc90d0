//! The files that are compiled in. Of each only the names are looked for at first: a description is read when its program
//! is first asked for, because most of them never are ([why so](../../../docs/adr/0022-descriptions-are-read-when-asked-for.md)).

use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

use super::description::{self, Tool};

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../tools/", $name)))),*]
    };
}

/// Every embedded description.
const TOOL_FILES: &[(&str, &str)] = files![
    "agents.toml",
    "cloud.toml",
    "containers.toml",
    "coreutils.toml",
    "database.toml",
    "git.toml",
    "hardware.toml",
    "http.toml",
    "kubernetes.toml",
    "languages.toml",
    "load.toml",
    "messages.toml",
    "node.toml",
    "scheduling.toml",
    "services.toml",
    "sessions.toml",
    "shells.toml",
    "system.toml",
    "unknown.toml",
    "windows.toml",
    "wrappers.toml",
];

/// How a description begins, on a line of its own.
const HEADER: &str = "[[tool]]";
/// How its line of names begins.
const NAMES: &str = "names = [";

static SECTIONS: LazyLock<Sections> = LazyLock::new(Sections::found);

/// The description of a program, by a name that it has word for word.
///
/// # Panics
/// Never: a test reads every section, so a build with one that cannot be read does not pass.
pub(super) fn find(name: &str) -> Option<&'static Tool> {
    let sections = &*SECTIONS;
    Some(sections.all.get(*sections.by_name.get(name)?)?.tool())
}

struct Sections {
    all: Vec<Section>,
    by_name: HashMap<&'static str, usize>,
}

/// One description as it stands in its file.
struct Section {
    file: &'static str,
    text: &'static str,
    read: OnceLock<Tool>,
}

impl Sections {
    fn found() -> Self {
        let mut sections = Self { all: Vec::new(), by_name: HashMap::new() };
        for (file, text) in TOOL_FILES {
            for text in sections_of(text) {
                let index = sections.all.len();
                sections.by_name.extend(names(text).map(|name| (name, index)));
                sections.all.push(Section { file, text, read: OnceLock::new() });
            }
        }
        sections
    }
}

impl Section {
    fn tool(&self) -> &Tool {
        self.read.get_or_init(|| {
            #[expect(clippy::expect_used, reason = "a constant, and a test reads every section")]
            description::parse(self.file, self.text)
                .expect("an embedded description is valid")
                .pop()
                .expect("a section holds one description")
        })
    }
}

/// The descriptions of a file, each with its header.
fn sections_of(text: &str) -> impl Iterator<Item = &str> {
    let mut starts =
        text.match_indices(HEADER).map(|(at, _)| at).filter(|at| begins_line(text, *at)).peekable();
    std::iter::from_fn(move || {
        let start = starts.next()?;
        text.get(start..starts.peek().copied().unwrap_or(text.len()))
    })
}

fn begins_line(text: &str, at: usize) -> bool {
    at == 0 || text.as_bytes().get(at - 1) == Some(&b'\n')
}

/// The names that a section gives its program. They stand on one line and have no quotes in them.
fn names(section: &str) -> impl Iterator<Item = &str> {
    let list = section.lines().find_map(|line| line.strip_prefix(NAMES)).unwrap_or_default();
    list.split('"').skip(1).step_by(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole of every file, as a user's would be read, says what its sections say one by one.
    #[test]
    fn every_file_is_valid_and_every_section_found() {
        let mut named = 0;
        for (file, text) in TOOL_FILES {
            let tools = description::parse(file, text).unwrap();
            assert_eq!(sections_of(text).count(), tools.len(), "{file}");
            for tool in &tools {
                named += tool.names.len();
                for name in &tool.names {
                    // Fails too where another file describes the program: keep one of them.
                    let found = find(name).unwrap_or_else(|| panic!("{file}: {name} is not found"));
                    assert_eq!(format!("{found:?}"), format!("{tool:?}"), "{file}: {name}");
                }
            }
        }
        assert_eq!(SECTIONS.by_name.len(), named, "a name stands in two descriptions");
    }
}
