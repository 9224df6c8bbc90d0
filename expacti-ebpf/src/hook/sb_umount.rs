//! Unmounting: with the last mount of a BPF file system goes what is pinned in it.
//!
//! A mount around it (`umount --lazy /sys`) is not recognised here; against that the daemon keeps the folder of its pins
//! open.

use aya_ebpf::macros::lsm;
use aya_ebpf::programs::LsmContext;
use expacti_abi::event::offence;

use crate::defence;
use crate::kernel::Mount;

// match-proto:v6.12:security/security.c:int security_sb_umount(struct vfsmount *mnt, int flags)
#[lsm(hook = "sb_umount")]
fn sb_umount(ctx: LsmContext) -> i32 {
    let previous: i32 = ctx.arg(2);
    if previous != 0 {
        return previous;
    }
    if !Mount(ctx.arg(0)).superblock().is_bpffs() {
        return 0;
    }
    defence::refuse(offence::UNMOUNT, 0)
}
