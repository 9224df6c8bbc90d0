//! Opening a file for writing, where writing it would undo the gate.
//!
//! What is asked at the open holds for as long as the descriptor lives. One that somebody outside opens and hands to a
//! member is not seen here.

use aya_ebpf::macros::lsm;
use aya_ebpf::programs::LsmContext;
use expacti_abi::event::offence;

use crate::defence;
use crate::kernel::{File, Name, Superblock};

/// Files of procfs and sysfs: name, and the name of their folder. Nobody can make or rename files there.
const SWITCHES: [(Name, Name); 6] = [
    // Zero takes every BPF LSM program out of the kernel's way, silently.
    (Name::of("ftrace_enabled"), Name::of("kernel")),
    // The kernel starts what these name, outside of any agent's cgroup and without asking.
    (Name::of("core_pattern"), Name::of("kernel")),
    (Name::of("modprobe"), Name::of("kernel")),
    (Name::of("hotplug"), Name::of("kernel")),
    (Name::of("poweroff_cmd"), Name::of("kernel")),
    (Name::of("uevent_helper"), Name::of("kernel")),
];

// match-proto:v6.12:security/security.c:int security_file_open(struct file *file)
#[lsm(hook = "file_open")]
fn file_open(ctx: LsmContext) -> i32 {
    let previous: i32 = ctx.arg(1);
    if previous != 0 {
        return previous;
    }
    let file = File(ctx.arg(0));
    if !file.is_for_writing() {
        return 0;
    }
    match of_writing(file) {
        0 => 0,
        offence => defence::refuse(offence, 0),
    }
}

/// Which offence it would be, or zero.
#[inline(always)]
fn of_writing(file: File) -> u64 {
    let superblock = file.inode().superblock();
    if superblock.is_cgroupfs() {
        // Its own cgroups too: by them it would leave the frozen one that it waits in, or thaw it.
        return offence::CGROUP_FILE;
    }
    if !superblock.is_procfs() && !superblock.is_sysfs() {
        return 0;
    }
    if is_switch(file) {
        offence::SWITCH
    } else if is_the_daemons(superblock, file) {
        offence::DAEMON_FILE
    } else {
        0
    }
}

#[inline(always)]
fn is_switch(file: File) -> bool {
    let dentry = file.dentry();
    let (name, folder) = (dentry.name(), dentry.parent().name());
    let mut found = 0;
    for (switch, of) in SWITCHES {
        found |= u32::from(name == switch) & u32::from(folder == of);
    }
    found != 0
}

/// Whether it lies in the daemon's folder in procfs: `oom_score_adj` there, and many more.
#[inline(always)]
fn is_the_daemons(superblock: Superblock, file: File) -> bool {
    superblock.is_procfs() && defence::is_daemon_id(file.inode().process_of_procfs())
}
