//! Removing a file: a pinned link that is removed takes its hook out of the kernel.

use aya_ebpf::macros::lsm;
use aya_ebpf::programs::LsmContext;
use expacti_abi::event::offence;

use crate::defence;
use crate::kernel::Inode;

// match-proto:v6.12:security/security.c:int security_inode_unlink(struct inode *dir, struct dentry *dentry)
#[lsm(hook = "inode_unlink")]
fn inode_unlink(ctx: LsmContext) -> i32 {
    let previous: i32 = ctx.arg(2);
    if previous != 0 {
        return previous;
    }
    if !Inode(ctx.arg(0)).superblock().is_bpffs() {
        return 0;
    }
    defence::refuse(offence::PIN, 0)
}
