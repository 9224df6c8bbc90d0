//! The Debian package: an `ar` archive of three members, see deb(5). No tool of Debian's is needed to make it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::pack;

/// What is done after the files are there, and before and after they go.
const SCRIPTS: [(&str, &str); 3] = [
    ("postinst", include_str!("../../../deploy/debian/postinst")),
    ("prerm", include_str!("../../../deploy/debian/prerm")),
    ("postrm", include_str!("../../../deploy/debian/postrm")),
];

/// Writes the package of a tree.
pub(super) fn write(tree: &Path, folder: &Path, version: &str) -> Result<PathBuf> {
    let work = tempfile::tempdir()?;
    let (control, data) = (work.path().join("control.tar.gz"), work.path().join("data.tar.gz"));
    pack(tree, Path::new("."), &data)?;
    let parts = work.path().join("control");
    fs::create_dir(&parts)?;
    fs::write(parts.join("control"), about(version, size_of_tree(tree)?))?;
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
    let path = folder.join(format!("expacti_{version}_amd64.deb"));
    fs::write(&path, archive)?;
    Ok(path)
}

fn about(version: &str, kib: u64) -> String {
    format!(
        "Package: expacti\n\
         Version: {version}\n\
         Architecture: amd64\n\
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
