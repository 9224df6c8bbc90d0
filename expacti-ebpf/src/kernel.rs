//! Handles on the kernel's own structs. Only this file knows where their fields lie.
//!
//! A field is read by plain dereference at an offset that is constant for the verifier, so that it keeps the type
//! of what it leads to and checks each step. A wrong pointer reads as zero, it cannot crash the kernel.

use core::ptr;

use aya_ebpf::helpers::generated::{bpf_get_current_task_btf, bpf_ktime_get_boot_ns};
use expacti_abi::file::{DirId, FileId};

use crate::maps::OFFSETS;

/// Where a field lies in its struct.
macro_rules! offset {
    ($field:ident) => {{
        // SAFETY: a static of the object; volatile so that the loader's value is read and not the poison.
        u64::from(unsafe { ptr::read_volatile(&raw const OFFSETS.$field) })
    }};
}

/// The address of a field, kept as a typed pointer for the verifier.
macro_rules! field {
    ($base:expr, $field:ident) => {{ $base.cast::<u8>().wrapping_add(offset!($field) as usize) }};
}

/// The value of a field.
macro_rules! get {
    ($base:expr, $field:ident: $type:ty) => {{
        let address = field!($base, $field).cast::<$type>();
        // SAFETY: the verifier checks that the field lies in the struct and has this size.
        unsafe { *address }
    }};
}

mod cgroup;
mod file;

pub(crate) use self::cgroup::Cgroup;
pub(crate) use self::file::{File, Inode, Mount, Name, Superblock};

/// Nanoseconds since boot, suspend included: verdicts and graces count time as it passes for humans.
#[inline(always)]
pub(crate) fn now() -> u64 {
    // SAFETY: no arguments.
    unsafe { bpf_ktime_get_boot_ns() }
}

/// A `struct task_struct`.
#[derive(Clone, Copy)]
pub(crate) struct Task(pub(crate) *const u8);

impl Task {
    #[inline(always)]
    pub(crate) fn current() -> Self {
        // SAFETY: no arguments.
        Self(unsafe { bpf_get_current_task_btf() }.cast::<u8>().cast_const())
    }

    #[inline(always)]
    pub(crate) fn tgid(self) -> u32 {
        get!(self.0, task_tgid: u32)
    }

    #[inline(always)]
    pub(crate) fn tid(self) -> u32 {
        get!(self.0, task_pid: u32)
    }

    #[inline(always)]
    pub(crate) fn parent(self) -> Self {
        Self(get!(self.0, task_real_parent: *const u8))
    }

    /// Whether it is a process, and not a further thread of one, that process 1 made or took in.
    #[inline(always)]
    pub(crate) fn is_made_by_init(self) -> bool {
        self.tid() == self.tgid() && self.parent().tgid() == 1
    }

    #[inline(always)]
    fn leader(self) -> Self {
        Self(get!(self.0, task_group_leader: *const u8))
    }

    #[inline(always)]
    pub(crate) fn process_start(self) -> u64 {
        get!(self.leader().0, task_start_boottime: u64)
    }

    /// Whether it will freeze before it comes back to user space.
    #[inline(always)]
    pub(crate) fn is_freezing(self) -> bool {
        const JOBCTL_TRAP_FREEZE: u64 = 1 << 23;
        get!(self.0, task_jobctl: u64) & JOBCTL_TRAP_FREEZE != 0
    }

    /// Whether somebody traces it, and so sees every signal that comes to it.
    #[inline(always)]
    pub(crate) fn is_traced(self) -> bool {
        get!(self.0, task_ptrace: u32) != 0
    }

    /// Whether it was killed, and only has not noticed yet.
    #[inline(always)]
    pub(crate) fn is_dying(self) -> bool {
        const SIGKILL: u64 = 1 << 8;
        get!(self.0, task_pending: u64) & SIGKILL != 0
    }

    /// Whether a stop has come that it takes on its way back to user space. Only of a process of one thread: of several the
    /// kernel wakes one, and nothing tells which.
    #[inline(always)]
    pub(crate) fn is_about_to_stop(self) -> bool {
        /// STOP, TSTP, TTIN and TTOU.
        const STOPS: u64 = 0b1111 << 18;
        let process = get!(self.0, task_signal: *const u8);
        let pending = get!(self.0, task_pending: u64) | get!(process, signal_pending: u64);
        pending & !get!(self.0, task_blocked: u64) & STOPS != 0 && get!(process, signal_threads: u32) == 1
    }

    #[inline(always)]
    pub(crate) fn exit_code(self) -> u32 {
        get!(self.0, task_exit_code: u32)
    }

    /// Whether this is the last thread of its process to exit.
    #[inline(always)]
    pub(crate) fn is_last(self) -> bool {
        let signal = get!(self.0, task_signal: *const u8);
        get!(signal, signal_live: u32) == 0
    }

    /// Whether the system call that it is in came by the 32-bit entry.
    #[inline(always)]
    pub(crate) fn is_compat(self) -> bool {
        /// `TS_COMPAT`.
        #[cfg(bpf_target_arch = "x86_64")]
        const COMPAT: u32 = 1 << 1;
        /// `TIF_32BIT`.
        #[cfg(bpf_target_arch = "aarch64")]
        const COMPAT: u32 = 1 << 22;
        get!(self.0, task_status: u32) & COMPAT != 0
    }

    #[inline(always)]
    pub(crate) fn credentials(self) -> Credentials {
        let cred = get!(self.0, task_cred: *const u8);
        let low = get!(cred, cred_capabilities: u32);
        let second = field!(cred, cred_capabilities).wrapping_add(4).cast::<u32>();
        // SAFETY: the second half of the same field.
        let high = unsafe { *second };
        Credentials {
            uid: get!(cred, cred_uid: u32),
            euid: get!(cred, cred_euid: u32),
            gid: get!(cred, cred_gid: u32),
            egid: get!(cred, cred_egid: u32),
            capabilities: u64::from(high) << 32 | u64::from(low),
        }
    }

    #[inline(always)]
    pub(crate) fn cwd(self) -> DirId {
        let fs = get!(self.0, task_fs: *const u8);
        dir(field!(fs, fs_pwd))
    }

    #[inline(always)]
    pub(crate) fn root(self) -> DirId {
        let fs = get!(self.0, task_fs: *const u8);
        dir(field!(fs, fs_root))
    }

    #[inline(always)]
    pub(crate) fn mount_namespace(self) -> u32 {
        let nsproxy = get!(self.0, task_nsproxy: *const u8);
        let namespace = get!(nsproxy, nsproxy_mnt: *const u8);
        get!(namespace, mnt_ns_inum: u32)
    }
}

/// The credentials of a task.
pub(crate) struct Credentials {
    pub(crate) uid: u32,
    pub(crate) euid: u32,
    pub(crate) gid: u32,
    pub(crate) egid: u32,
    pub(crate) capabilities: u64,
}

/// A `struct linux_binprm`: one exec on its way.
#[derive(Clone, Copy)]
pub(crate) struct Bprm(pub(crate) *const u8);

impl Bprm {
    /// Where argv begins in the new program's memory.
    #[inline(always)]
    pub(crate) fn strings(self) -> u64 {
        get!(self.0, bprm_p: u64)
    }

    /// Bytes of argv and environment.
    #[inline(always)]
    pub(crate) fn region(self) -> u64 {
        get!(self.0, bprm_exec: u64).wrapping_sub(self.strings())
    }

    #[inline(always)]
    pub(crate) fn argc(self) -> u32 {
        get!(self.0, bprm_argc: u32)
    }

    #[inline(always)]
    pub(crate) fn envc(self) -> u32 {
        get!(self.0, bprm_envc: u32)
    }

    /// Whether the kernel looks at the file that the caller named, not yet at an interpreter of it.
    #[inline(always)]
    pub(crate) fn is_first_file(self) -> bool {
        get!(self.0, bprm_filename: u64) == get!(self.0, bprm_interp: u64)
    }

    /// The name that the caller gave, in kernel memory.
    #[inline(always)]
    pub(crate) fn name(self) -> *const u8 {
        get!(self.0, bprm_filename: u64) as *const u8
    }

    /// Whether the file begins with `#!`, so that the kernel will ask again for the interpreter.
    #[inline(always)]
    pub(crate) fn is_script(self) -> bool {
        let start = field!(self.0, bprm_buf);
        // SAFETY: the verifier checks that both bytes lie in the buffer.
        unsafe { *start == b'#' && *start.wrapping_add(1) == b'!' }
    }

    #[inline(always)]
    pub(crate) fn file(self) -> *const u8 {
        get!(self.0, bprm_file: *const u8)
    }

    /// Whether it is systemd's program that prepares a service and then becomes what the service is. Since systemd 254;
    /// before, process 1 prepared it in a copy of itself. Its name is as much of it as a [`Name`] keeps.
    #[inline(always)]
    pub(crate) fn is_systemd_executor(self) -> bool {
        const PROGRAM: Name = Name::beginning("systemd-executo");
        const FOLDER: Name = Name::of("systemd");
        let dentry = File(self.file()).dentry();
        dentry.name() == PROGRAM && dentry.parent().name() == FOLDER
    }

    /// The path of the file that the kernel looks at, for `bpf_d_path`.
    #[inline(always)]
    pub(crate) fn path(self) -> *const u8 {
        field!(self.file(), file_path)
    }

    #[inline(always)]
    pub(crate) fn file_id(self) -> FileId {
        /// From 6.13 on the highest bit of the nanoseconds tells that somebody looked at the time; it is no part of it.
        const NANOSECONDS: u32 = 0x7fff_ffff;
        let inode = get!(self.file(), file_inode: *const u8);
        let sb = get!(inode, inode_sb: *const u8);
        FileId {
            ino: get!(inode, inode_ino: u64),
            ctime_s: get!(inode, inode_ctime_s: i64),
            size: get!(inode, inode_size: u64),
            fs_magic: get!(sb, sb_magic: u64),
            ctime_ns: get!(inode, inode_ctime_ns: u32) & NANOSECONDS,
            dev: get!(sb, sb_dev: u32),
            mode: u32::from(get!(inode, inode_mode: u16)),
            nlink: get!(inode, inode_nlink: u32),
        }
    }
}

#[inline(always)]
fn dir(path: *const u8) -> DirId {
    let dentry = get!(path, path_dentry: *const u8);
    let inode = get!(dentry, dentry_inode: *const u8);
    let sb = get!(inode, inode_sb: *const u8);
    DirId {
        ino: get!(inode, inode_ino: u64),
        mount: get!(path, path_mnt: *const u8) as u64,
        dev: get!(sb, sb_dev: u32),
        pad: 0,
    }
}
