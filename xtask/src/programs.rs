//! Small programs in C, linked so that they run in any guest.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::process::run;
use crate::vm::GuestFile;

/// What a source's first line begins with that has options for the compiler.
const OPTIONS: &str = "// cc: ";

/// Where a guest has them.
const INSIDE: &str = "/opt/expacti/programs";

/// Builds every program of a folder into another, and gives them for a guest, with their sources.
pub(crate) fn build(sources: &Path, folder: &Path) -> Result<Vec<GuestFile>> {
    fs::create_dir_all(folder)?;
    let mut files = Vec::new();
    for entry in fs::read_dir(sources)? {
        let source = entry?.path();
        let (Some(name), Some("c")) = (source.file_stem(), source.extension().and_then(|e| e.to_str()))
        else {
            continue;
        };
        let program = folder.join(name);
        let text = fs::read_to_string(&source)?;
        let options = text.lines().next().and_then(|line| line.strip_prefix(OPTIONS)).unwrap_or_default();
        let mut cc = Command::new("cc");
        cc.args(["-static", "-O1", "-Wall", "-Werror", "-pthread"]).args(options.split_whitespace());
        run(cc.arg("-o").arg(&program).arg(&source))?;
        let inside = Path::new(INSIDE).join(name);
        files.push(GuestFile::new(&program, &inside)?);
        files.push(GuestFile::new(&source, inside.with_extension("c"))?);
    }
    Ok(files)
}
