//! The Debian package: an `ar` archive of three members, see deb(5). No tool of Debian's is needed to make it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::pack;
use crate::build::Architecture;
use crate::process::{output, run};

/// What is done after the files are there, and before and after they go.
const SCRIPTS: [(&str, &str); 3] = [
    ("postinst", include_str!("../../../deploy/debian/postinst")),
    ("prerm", include_str!("../../../deploy/debian/prerm")),
    ("postrm", include_str!("../../../deploy/debian/postrm")),
];

/// Writes the package of a tree.
pub(super) fn write(
    tree: &Path,
    folder: &Path,
    version: &str,
    architecture: Architecture,
) -> Result<PathBuf> {
    let work = tempfile::tempdir()?;
    as_policy_wants(tree, version)?;
    let (control, data) = (work.path().join("control.tar.gz"), work.path().join("data.tar.gz"));
    pack(tree, Path::new("."), &data)?;
    let parts = work.path().join("control");
    fs::create_dir(&parts)?;
    fs::write(parts.join("control"), about(version, architecture, size_of_tree(tree)?))?;
    fs::write(parts.join("md5sums"), sums(tree)?)?;
    // An operator's own changes outlive an upgrade.
    fs::write(parts.join("conffiles"), "/etc/expacti/expacti.toml\n")?;
    for (name, script) in SCRIPTS {
        super::put_executable(&parts.join(name), script)?;
    }
    pack(&parts, Path::new("."), &control)?;

    let mut archive = b"!<arch>\n".to_vec();
    add(&mut archive, "debian-binary", b"2.0\n");
    add(&mut archive, "control.tar.gz", &fs::read(control)?);
    add(&mut archive, "data.tar.gz", &fs::read(data)?);
    let path = folder.join(format!("expacti_{version}_{}.deb", architecture.short()));
    fs::write(&path, archive)?;
    Ok(path)
}

/// What Debian's policy asks of the files of a package beyond where they are: a changelog, and both it and manual pages
/// compressed.
fn as_policy_wants(tree: &Path, version: &str) -> Result<()> {
    let docs = tree.join("usr/share/doc/expacti");
    super::write(&docs.join("copyright"), &copyright())?;
    for license in ["LICENSE-APACHE", "LICENSE-MIT"] {
        fs::remove_file(docs.join(license))?;
    }
    let changelog = docs.join("changelog");
    super::write(&changelog, &changes(version))?;
    compress(&changelog)?;
    for page in fs::read_dir(tree.join("usr/share/man/man1"))? {
        let page = page?.path();
        if page.extension().is_some_and(|extension| extension == "1") {
            compress(&page)?;
        }
    }
    Ok(())
}

/// In the form that tools read.
fn copyright() -> String {
    let indented = |text: &str| -> String {
        text.lines()
            .map(|line| if line.is_empty() { " .\n".to_owned() } else { format!(" {line}\n") })
            .collect()
    };
    let mit = include_str!("../../../LICENSE-MIT");
    let text =
        mit.split_once("\n\n").and_then(|(_, rest)| rest.split_once("\n\n")).map_or(mit, |(_, text)| text);
    format!(
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\
         Upstream-Name: expacti\n\
         \n\
         Files: *\n\
         Copyright: 2026 the expacti authors\n\
         License: Expat or Apache-2.0\n\
         Comment: the programs that run in the kernel are under Expat or GPL-2\n\
         \n\
         License: Apache-2.0\n On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.\n\
         \n\
         License: Expat\n{}",
        indented(text)
    )
}

fn compress(file: &Path) -> Result<()> {
    run(Command::new("gzip").args(["-9", "--no-name", "--force"]).arg(file))
}

fn changes(version: &str) -> String {
    format!(
        "expacti ({version}) unstable; urgency=medium\n\n  * See the repository's history.\n\n \
         -- expacti maintainers <maintainers@expacti.invalid>  Thu, 01 Jan 1970 00:00:00 +0000\n"
    )
}

/// The sums of all files but those that operators change, as `dpkg --verify` reads them.
fn sums(tree: &Path) -> Result<String> {
    let mut files = Vec::new();
    list(tree, tree, &mut files)?;
    files.sort();
    output(Command::new("md5sum").args(&files).current_dir(tree))
}

fn list(folder: &Path, tree: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let inside = path.strip_prefix(tree)?;
        if path.is_dir() {
            list(&path, tree, files)?;
        } else if !inside.starts_with("etc") {
            files.push(inside.to_owned());
        }
    }
    Ok(())
}

fn about(version: &str, architecture: Architecture, kib: u64) -> String {
    let architecture = architecture.short();
    format!(
        "Package: expacti\n\
         Version: {version}\n\
         Architecture: {architecture}\n\
         Maintainer: expacti maintainers <maintainers@expacti.invalid>\n\
         Installed-Size: {kib}\n\
         Recommends: systemd\n\
         Section: admin\n\
         Priority: optional\n\
         Description: gate in the kernel for the commands of AI coding agents\n \
         Every command that an enrolled agent runs passes it before it happens: it is\n \
         allowed, denied, or held until a human has decided, and logged without gaps.\n"
    )
}

/// One member. Names are short, so that no dialect of the format is needed; content is padded to an even length.
fn add(archive: &mut Vec<u8>, name: &str, content: &[u8]) {
    let header = format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, "100644", content.len());
    archive.extend_from_slice(header.as_bytes());
    archive.extend_from_slice(content);
    if content.len() % 2 == 1 {
        archive.push(b'\n');
    }
}

fn size_of_tree(folder: &Path) -> Result<u64> {
    let mut kib = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        kib += if metadata.is_dir() { size_of_tree(&entry.path())? } else { metadata.len().div_ceil(1024) };
    }
    Ok(kib)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_has_sixty_bytes_before_it_and_an_even_length() {
        let mut archive = Vec::new();
        add(&mut archive, "debian-binary", b"2.0");
        assert_eq!(archive.len(), 64);
        assert_eq!(&archive[..60], b"debian-binary   0           0     0     100644  3         `\n");
    }
}
