//! Renaming a file: a pin that the next daemon does not find is as good as removed to it.

use aya_ebpf::macros::lsm;
use aya_ebpf::programs::LsmContext;
use expacti_abi::event::offence;

use crate::defence;
use crate::kernel::Inode;

// match-proto:v6.12:include/linux/lsm_hook_defs.h:LSM_HOOK(int, 0, inode_rename, struct inode *old_dir, struct dentry *old_dentry, struct inode *new_dir, struct dentry *new_dentry)
#[lsm(hook = "inode_rename")]
fn inode_rename(ctx: LsmContext) -> i32 {
    // A previous refusal ends the call before us.
    if !Inode(ctx.arg(0)).superblock().is_bpffs() {
        return 0;
    }
    defence::refuse(offence::PIN, 0)
}
