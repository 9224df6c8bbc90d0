//! Where a file of a container lies on the host.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use expacti_core::untrusted::Untrusted;
use rustix::fs::{AtFlags, StatxFlags, statx};

/// Mounts that are looked at.
const MOST: usize = 20_000;

/// One line of `mountinfo`.
struct Mount {
    id: u64,
    device: Vec<u8>,
    /// Which part of the file system is mounted.
    root: Vec<u8>,
    point: Vec<u8>,
}

/// The host's path of a file that the task knows under `path`, where that is another one and could be told.
///
/// Mounts are compared, and what is found has to be the very file, so that a wrong guess is no answer.
pub(super) fn on_the_host(pid: u32, path: &[u8], file: impl AsFd) -> Option<Untrusted> {
    let metadata = File::from(file.as_fd().try_clone_to_owned().ok()?).metadata().ok()?;
    let is_it = |path: &[u8]| {
        std::fs::metadata(Path::new(std::ffi::OsStr::from_bytes(path)))
            .is_ok_and(|found| (found.dev(), found.ino()) == (metadata.dev(), metadata.ino()))
    };
    if is_it(path) {
        return None;
    }
    let id = statx(&file, "", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID).ok()?.stx_mnt_id;
    let of_task = mounts(&format!("/proc/{pid}/mountinfo")).ok()?;
    let mount = of_task.into_iter().find(|mount| mount.id == id)?;
    let inner = join(&mount.root, below(path, &mount.point)?);
    let mut here = mounts("/proc/self/mountinfo").ok()?;
    here.retain(|candidate| candidate.device == mount.device);
    here.sort_by_key(|candidate| std::cmp::Reverse(candidate.root.len()));
    let candidates = here.iter().filter_map(|c| Some(join(&c.point, below(&inner, &c.root)?)));
    candidates.take(64).find(|candidate| is_it(candidate)).map(Untrusted::from)
}

fn mounts(path: &str) -> io::Result<Vec<Mount>> {
    let text = std::fs::read(path)?;
    Ok(text.split(|byte| *byte == b'\n').take(MOST).filter_map(mount).collect())
}

/// The fields are in proc_pid_mountinfo(5).
fn mount(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|byte| *byte == b' ');
    let id = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
    let device = fields.nth(1)?.to_vec();
    Some(Mount { id, device, root: unescaped(fields.next()?), point: unescaped(fields.next()?) })
}

/// Blanks and such stand there as octal numbers.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let digits = text.get(at + 1..at + 4).and_then(|digits| std::str::from_utf8(digits).ok());
        let escaped = digits.filter(|_| *byte == b'\\').and_then(|digits| u8::from_str_radix(digits, 8).ok());
        plain.push(escaped.unwrap_or(*byte));
        at += if escaped.is_some() { 4 } else { 1 };
    }
    plain
}

/// What is left of a path below a folder.
fn below<'a>(path: &'a [u8], folder: &[u8]) -> Option<&'a [u8]> {
    let folder = folder.strip_suffix(b"/").unwrap_or(folder);
    path.strip_prefix(folder).filter(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

fn join(folder: &[u8], rest: &[u8]) -> Vec<u8> {
    [folder.strip_suffix(b"/").unwrap_or(folder), rest].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_mountinfo_is_taken_apart() {
        let line = br"36 35 98:0 /mnt1 /mnt\0402 rw,noatime master:1 - ext3 /dev/root rw,errors=continue";
        let mount = mount(line).unwrap();
        assert_eq!((mount.id, mount.device.as_slice()), (36, &b"98:0"[..]));
        assert_eq!((mount.root.as_slice(), mount.point.as_slice()), (&b"/mnt1"[..], &b"/mnt 2"[..]));
    }

    #[test]
    fn paths_are_cut_at_whole_names() {
        assert_eq!(below(b"/a/b", b"/a"), Some(&b"/b"[..]));
        assert_eq!(below(b"/a/b", b"/"), Some(&b"/a/b"[..]));
        assert_eq!(below(b"/ab", b"/a"), None);
        assert_eq!(join(b"/", b"/x"), b"/x");
    }

    #[test]
    fn what_is_here_has_no_other_place() {
        let path = b"/proc/self/mountinfo";
        assert_eq!(on_the_host(std::process::id(), path, File::open("/proc/self/mountinfo").unwrap()), None);
    }
}
