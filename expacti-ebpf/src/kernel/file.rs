//! Files, and what they lie on.

use core::ffi::c_void;
use core::ptr;

use aya_ebpf::helpers::bpf_probe_read_kernel;
use aya_ebpf::helpers::generated::bpf_probe_read_kernel_str;

use crate::maps::OFFSETS;

/// A `struct file`: an open file.
#[derive(Clone, Copy)]
pub(crate) struct File(pub(crate) *const u8);

impl File {
    #[inline(always)]
    pub(crate) fn is_for_writing(self) -> bool {
        const FMODE_WRITE: u32 = 2;
        get!(self.0, file_mode: u32) & FMODE_WRITE != 0
    }

    #[inline(always)]
    pub(crate) fn inode(self) -> Inode {
        Inode(get!(self.0, file_inode: *const u8))
    }

    #[inline(always)]
    pub(crate) fn dentry(self) -> Dentry {
        let path = field!(self.0, file_path);
        Dentry(get!(path, path_dentry: *const u8))
    }
}

/// A `struct inode`.
#[derive(Clone, Copy)]
pub(crate) struct Inode(pub(crate) *const u8);

impl Inode {
    #[inline(always)]
    pub(crate) fn superblock(self) -> Superblock {
        Superblock(get!(self.0, inode_sb: *const u8))
    }

    /// The process in whose folder an inode of procfs lies, as the host knows it; zero where it lies in nobody's.
    ///
    /// The address leaves what the verifier can follow, so this reads as tracing programs do: it may fail, not fault.
    #[inline(always)]
    pub(crate) fn process_of_procfs(self) -> u32 {
        let around = (self.0 as u64).wrapping_sub(offset!(proc_inode_inode));
        let pid = word(around.wrapping_add(offset!(proc_inode_pid)));
        if pid == 0 {
            return 0;
        }
        // The first thread in the list is the one the id names; every thread's folder counts as its process's.
        let links = word(pid.wrapping_add(offset!(pid_tasks)));
        if links == 0 {
            return 0;
        }
        let task = links.wrapping_sub(offset!(task_pid_links));
        let address = task.wrapping_add(offset!(task_tgid)) as *const u32;
        // SAFETY: the helper checks the address.
        unsafe { bpf_probe_read_kernel(address) }.unwrap_or(0)
    }
}

#[inline(always)]
fn word(address: u64) -> u64 {
    // SAFETY: the helper checks the address.
    unsafe { bpf_probe_read_kernel(address as *const u64) }.unwrap_or(0)
}

/// A `struct vfsmount`.
#[derive(Clone, Copy)]
pub(crate) struct Mount(pub(crate) *const u8);

impl Mount {
    #[inline(always)]
    pub(crate) fn superblock(self) -> Superblock {
        Superblock(get!(self.0, vfsmount_sb: *const u8))
    }
}

/// A `struct super_block`: one mounted file system. Magic numbers as in `include/uapi/linux/magic.h`.
#[derive(Clone, Copy)]
pub(crate) struct Superblock(*const u8);

impl Superblock {
    #[inline(always)]
    fn magic(self) -> u64 {
        get!(self.0, sb_magic: u64)
    }

    /// Of either version.
    #[inline(always)]
    pub(crate) fn is_cgroupfs(self) -> bool {
        self.magic() == 0x6367_7270 || self.magic() == 0x0027_e0eb
    }

    #[inline(always)]
    pub(crate) fn is_procfs(self) -> bool {
        self.magic() == 0x9fa0
    }

    #[inline(always)]
    pub(crate) fn is_sysfs(self) -> bool {
        self.magic() == 0x6265_6572
    }

    #[inline(always)]
    pub(crate) fn is_bpffs(self) -> bool {
        self.magic() == 0xcafe_4a11
    }
}

/// A `struct dentry`: a name in a folder.
#[derive(Clone, Copy)]
pub(crate) struct Dentry(*const u8);

impl Dentry {
    #[inline(always)]
    pub(crate) fn parent(self) -> Self {
        Self(get!(self.0, dentry_parent: *const u8))
    }

    #[inline(always)]
    pub(crate) fn name(self) -> Name {
        let address = get!(self.0, dentry_name: u64);
        let mut name = Name([0; 2]);
        // SAFETY: the helper writes at most this many bytes and checks the address it reads from. It writes a NUL behind
        // what it read; what is behind that stays zero.
        unsafe {
            bpf_probe_read_kernel_str(
                ptr::from_mut(&mut name).cast::<c_void>(),
                Name::BYTES as u32,
                address as *const c_void,
            );
        }
        name
    }
}

/// The first bytes of a file's name, as two words. Longer names are cut, and then equal no short one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Name([u64; 2]);

impl Name {
    const BYTES: usize = 16;

    /// Of text that is shorter than what is kept, with its NUL.
    pub(crate) const fn of(text: &str) -> Self {
        assert!(text.len() < Self::BYTES - 1, "another name could begin like this one");
        Self::kept(text)
    }

    /// Equal to all longer names that begin so.
    pub(crate) const fn beginning(text: &str) -> Self {
        assert!(text.len() == Self::BYTES - 1, "as much as is kept, with its NUL");
        Self::kept(text)
    }

    const fn kept(text: &str) -> Self {
        let text = text.as_bytes();
        let mut words = [0; 2];
        let mut at = 0;
        while at < text.len() {
            words[at / 8] |= (text[at] as u64) << (8 * (at % 8));
            at += 1;
        }
        Self(words)
    }
}
