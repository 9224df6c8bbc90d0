//! The git work tree around a folder, read from its own files: no `git` is run, and nothing of it is believed beyond
//! being shown.

use expacti_core::request::GitContext;
use expacti_core::untrusted::Untrusted;

use super::within::Within;

/// Folders that are looked at on the way up.
const HIGHEST: usize = 40;

/// Bytes of a file that are read.
const MOST: u64 = 64 * 1024;

/// The work tree around a folder, which is given as a path from the root.
pub(super) fn context(within: &Within, folder: &[u8]) -> Option<GitContext> {
    let mut folder = folder.to_vec();
    for _ in 0..HIGHEST {
        if let Some(git) = git_folder(within, &folder) {
            return Some(read(within, &folder, &git));
        }
        let cut = folder.iter().rposition(|byte| *byte == b'/')?;
        if folder == b"/" {
            return None;
        }
        folder.truncate(cut.max(1));
    }
    None
}

/// Where the repository of this work tree lies, if it is one.
fn git_folder(within: &Within, tree: &[u8]) -> Option<Vec<u8>> {
    let dot_git = join(tree, b".git");
    if within.is_folder(&dot_git) {
        return Some(dot_git);
    }
    let text = within.read(&dot_git, MOST).ok()?;
    let path = text.strip_prefix(b"gitdir:")?.trim_ascii();
    Some(join(tree, path))
}

fn read(within: &Within, tree: &[u8], git: &[u8]) -> GitContext {
    let head = within.read(&join(git, b"HEAD"), MOST).unwrap_or_default();
    let branch = head.trim_ascii().strip_prefix(b"ref: refs/heads/").map(<[u8]>::to_vec);
    // A linked work tree has its own HEAD; the configuration is that of the main one.
    let common = within.read(&join(git, b"commondir"), MOST).ok();
    let common = common.map_or_else(|| git.to_vec(), |path| join(git, path.trim_ascii()));
    let config = within.read(&join(&common, b"config"), MOST).unwrap_or_default();
    GitContext {
        work_tree: tree.into(),
        remote: remote(&config, branch.as_deref()).map(Untrusted::from),
        branch: branch.map(Untrusted::from),
    }
}

/// The URL that `git push` would use.
fn remote(config: &[u8], branch: Option<&[u8]>) -> Option<Vec<u8>> {
    let config = Config::parse(config);
    let of_branch = |key: &str| branch.and_then(|branch| config.get("branch", branch, key));
    let name = of_branch("pushremote")
        .or_else(|| config.get("remote", b"", "pushdefault"))
        .or_else(|| of_branch("remote"))
        .unwrap_or(b"origin");
    config.get("remote", name, "pushurl").or_else(|| config.get("remote", name, "url")).map(<[u8]>::to_vec)
}

/// Values of a configuration in the order of the file: section, subsection, key, value.
struct Config<'a>(Vec<(String, &'a [u8], String, &'a [u8])>);

impl<'a> Config<'a> {
    fn parse(text: &'a [u8]) -> Self {
        let (mut section, mut subsection): (String, &[u8]) = (String::new(), b"");
        let mut values = Vec::new();
        for line in text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii) {
            if let Some(head) = line.strip_prefix(b"[") {
                let head = head.split(|byte| *byte == b']').next().unwrap_or_default();
                let mut parts = head.splitn(2, |byte| *byte == b'"');
                section = lower(parts.next().unwrap_or_default().trim_ascii());
                subsection = parts.next().map_or(b"", |rest| rest.strip_suffix(b"\"").unwrap_or(rest));
            } else if let Some(at) = line.iter().position(|byte| *byte == b'=')
                && !line.starts_with(b"#")
                && !line.starts_with(b";")
            {
                let value = line[at + 1..].trim_ascii();
                let value = value.strip_prefix(b"\"").and_then(|v| v.strip_suffix(b"\"")).unwrap_or(value);
                values.push((section.clone(), subsection, lower(line[..at].trim_ascii()), value));
            }
        }
        Self(values)
    }

    /// The last one counts.
    fn get(&self, section: &str, subsection: &[u8], key: &str) -> Option<&'a [u8]> {
        let wanted =
            |(s, sub, k, _): &&(String, &[u8], String, &[u8])| s == section && *sub == subsection && k == key;
        self.0.iter().rfind(wanted).map(|(_, _, _, value)| *value)
    }
}

fn lower(text: &[u8]) -> String {
    String::from_utf8_lossy(text).to_ascii_lowercase()
}

fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    if name.starts_with(b"/") {
        return name.to_vec();
    }
    [folder.strip_suffix(b"/").unwrap_or(folder), b"/", name].concat()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::within::tests::rooted;
    use super::*;

    const CONFIG: &str = "[core]\n\tbare = false\n[remote \"origin\"]\n\turl = https://example.org/a.git\n\
        [remote \"fork\"]\n\tURL = \"git@example.org:me/a.git\"\n[branch \"topic\"]\n\tremote = origin\n\tpushRemote = fork\n";

    #[test]
    fn branch_and_remote_are_those_of_a_push() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("work/.git")).unwrap();
        fs::create_dir_all(root.path().join("work/src/deep")).unwrap();
        fs::write(root.path().join("work/.git/config"), CONFIG).unwrap();
        let head = |text: &str| fs::write(root.path().join("work/.git/HEAD"), text).unwrap();
        let within = rooted(root.path());
        let seen = |folder: &[u8]| {
            context(&within, folder).map(|git| {
                let text = |text: Option<Untrusted>| text.map(|text| text.to_lossy().into_owned());
                (git.work_tree.to_lossy().into_owned(), text(git.branch), text(git.remote))
            })
        };
        head("ref: refs/heads/topic\n");
        let fork = ("/work".into(), Some("topic".into()), Some("git@example.org:me/a.git".into()));
        assert_eq!(seen(b"/work/src/deep"), Some(fork));
        head("ref: refs/heads/main\n");
        assert_eq!(seen(b"/work").unwrap().2.unwrap(), "https://example.org/a.git");
        head("0123456789012345678901234567890123456789\n");
        assert_eq!(seen(b"/work").unwrap().1, None);
        assert_eq!(seen(b"/"), None);
    }

    #[test]
    fn a_linked_work_tree_has_the_remotes_of_the_main_one() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("main/.git/worktrees/other")).unwrap();
        fs::create_dir_all(root.path().join("other")).unwrap();
        fs::write(root.path().join("main/.git/config"), CONFIG).unwrap();
        let linked = root.path().join("main/.git/worktrees/other");
        fs::write(linked.join("HEAD"), "ref: refs/heads/b\n").unwrap();
        fs::write(linked.join("commondir"), "../..\n").unwrap();
        fs::write(root.path().join("other/.git"), "gitdir: /main/.git/worktrees/other\n").unwrap();
        let git = context(&rooted(root.path()), b"/other").unwrap();
        assert_eq!(
            (git.branch.unwrap(), git.remote.unwrap()),
            ("b".into(), "https://example.org/a.git".into())
        );
    }
}
