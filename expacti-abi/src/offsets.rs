//! Where the fields of the kernel's structs lie on the running kernel.
//!
//! rustc emits no relocations for them, so the daemon takes them from the kernel's own type information and puts
//! them into read-only data before load. The poison makes forgetting one an error at load, not a wrong read.

/// What an offset is until it is set; the verifier refuses any pointer moved this far.
pub const UNSET: u32 = u32::MAX;

macro_rules! offsets {
    ($($field:ident: $($struct:literal . $member:literal)|+;)+) => {
        /// One offset a field, in bytes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(C)]
        pub struct Offsets {
            $(#[doc = concat!("`", $($struct, ".", $member, " ",)+ "`")] pub $field: u32,)+
        }

        impl Offsets {
            /// Not set.
            pub const UNSET: Self = Self { $($field: UNSET,)+ };

            /// For each field the places it may have in the kernel's types, the newest name first.
            pub const SOURCES: &[(&str, &[(&str, &str)])] =
                &[$((stringify!($field), &[$(($struct, $member)),+]),)+];

            /// Filled in the order of [`Self::SOURCES`].
            pub fn from_words(words: &[u32; Self::SOURCES.len()]) -> Self {
                let [$($field),+] = *words;
                Self { $($field),+ }
            }

            /// In the order of [`Self::SOURCES`].
            pub fn words(&self) -> [u32; Self::SOURCES.len()] {
                [$(self.$field),+]
            }
        }
    };
}

offsets! {
    bprm_p: "linux_binprm"."p";
    bprm_exec: "linux_binprm"."exec";
    bprm_argc: "linux_binprm"."argc";
    bprm_envc: "linux_binprm"."envc";
    bprm_filename: "linux_binprm"."filename";
    bprm_interp: "linux_binprm"."interp";
    bprm_file: "linux_binprm"."file";
    bprm_buf: "linux_binprm"."buf";
    file_path: "file"."f_path";
    file_inode: "file"."f_inode";
    file_mode: "file"."f_mode";
    path_dentry: "path"."dentry";
    path_mnt: "path"."mnt";
    dentry_inode: "dentry"."d_inode";
    dentry_parent: "dentry"."d_parent";
    dentry_name: "dentry"."d_name.name";
    inode_ino: "inode"."i_ino";
    inode_sb: "inode"."i_sb";
    inode_mode: "inode"."i_mode";
    inode_nlink: "inode"."i_nlink";
    inode_size: "inode"."i_size";
    inode_ctime_s: "inode"."i_ctime_sec" | "inode"."__i_ctime.tv_sec" | "inode"."i_ctime.tv_sec";
    inode_ctime_ns: "inode"."i_ctime_nsec" | "inode"."__i_ctime.tv_nsec" | "inode"."i_ctime.tv_nsec";
    sb_dev: "super_block"."s_dev";
    sb_magic: "super_block"."s_magic";
    vfsmount_sb: "vfsmount"."mnt_sb";
    proc_inode_pid: "proc_inode"."pid";
    proc_inode_inode: "proc_inode"."vfs_inode";
    pid_tasks: "pid"."tasks";
    task_pid_links: "task_struct"."pid_links";
    task_fs: "task_struct"."fs";
    task_cred: "task_struct"."cred";
    task_nsproxy: "task_struct"."nsproxy";
    task_real_parent: "task_struct"."real_parent";
    task_group_leader: "task_struct"."group_leader";
    task_signal: "task_struct"."signal";
    task_tgid: "task_struct"."tgid";
    task_pid: "task_struct"."pid";
    task_exit_code: "task_struct"."exit_code";
    task_start_boottime: "task_struct"."start_boottime";
    // The second is where 64-bit ARM has it.
    task_status: "task_struct"."thread_info.status" | "task_struct"."thread_info.flags";
    task_jobctl: "task_struct"."jobctl";
    task_ptrace: "task_struct"."ptrace";
    task_pending: "task_struct"."pending.signal";
    task_blocked: "task_struct"."blocked";
    fs_pwd: "fs_struct"."pwd";
    fs_root: "fs_struct"."root";
    cred_uid: "cred"."uid";
    cred_euid: "cred"."euid";
    cred_gid: "cred"."gid";
    cred_egid: "cred"."egid";
    cred_capabilities: "cred"."cap_effective";
    nsproxy_mnt: "nsproxy"."mnt_ns";
    mnt_ns_inum: "mnt_namespace"."ns.inum";
    signal_live: "signal_struct"."live";
    signal_threads: "signal_struct"."nr_threads";
    signal_pending: "signal_struct"."shared_pending.signal";
    cgroup_kn: "cgroup"."kn";
    cgroup_level: "cgroup"."level";
    cgroup_parent: "cgroup"."self.parent";
    cgroup_root: "cgroup"."root";
    css_cgroup: "cgroup_subsys_state"."cgroup";
    cgroup_root_number: "cgroup_root"."hierarchy_id";
    kernfs_id: "kernfs_node"."id";
    kernfs_name: "kernfs_node"."name";
}
