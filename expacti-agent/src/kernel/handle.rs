//! Cgroups by their id, which is all that the kernel programs tell of a new one.

use std::fs;
use std::io;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::cgroup::{MOUNT, below};

/// A new folder can be found a moment after the kernel told of it.
const TRIES: u32 = 40;
const PAUSE: Duration = Duration::from_micros(500);

/// The folder of a cgroup. None: it is gone.
pub(crate) fn folder_of_id(id: u64) -> Option<PathBuf> {
    let hierarchy = fs::File::open(MOUNT).ok()?;
    for _ in 0..TRIES {
        match open(&hierarchy, id) {
            Ok(folder) => {
                let path = fs::read_link(format!("/proc/self/fd/{}", folder.as_raw_fd())).ok()?;
                // A folder that was removed shows as one that is called so.
                return path.is_dir().then_some(path);
            }
            Err(error) if error.raw_os_error() == Some(libc::ESTALE) => thread::sleep(PAUSE),
            // Without the capability for handles there is still the way through all folders.
            Err(_) => return search(Path::new(MOUNT), id),
        }
    }
    None
}

/// A file handle of kernfs, from `include/linux/exportfs.h`.
#[repr(C)]
struct Handle {
    bytes: u32,
    kind: i32,
    id: u64,
}

fn open(hierarchy: &fs::File, id: u64) -> io::Result<OwnedFd> {
    const FILEID_KERNFS: i32 = 0xfe;
    let mut handle = Handle { bytes: 8, kind: FILEID_KERNFS, id };
    let flags = libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC;
    // SAFETY: the handle has the layout and the size that it says.
    let opened =
        unsafe { libc::syscall(libc::SYS_open_by_handle_at, hierarchy.as_raw_fd(), &raw mut handle, flags) };
    match i32::try_from(opened) {
        // SAFETY: the kernel just gave it to us and to nobody else.
        Ok(descriptor) if descriptor >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(descriptor) }),
        Ok(_) | Err(_) => Err(io::Error::last_os_error()),
    }
}

fn search(folder: &Path, id: u64) -> Option<PathBuf> {
    below(folder, usize::MAX).find(|folder| fs::metadata(folder).is_ok_and(|found| found.ino() == id))
}
