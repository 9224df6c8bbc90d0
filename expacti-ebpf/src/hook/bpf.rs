//! `bpf()`: whoever has it can write the gate's maps by their ids, so no member has it at all.

use aya_ebpf::macros::lsm;
use aya_ebpf::programs::LsmContext;
use expacti_abi::event::offence;

use crate::defence;

// match-proto:v6.12:security/security.c:int security_bpf(int cmd, union bpf_attr *attr, unsigned int size)
// match-proto:v7.2:security/security.c:int security_bpf(int cmd, union bpf_attr *attr, unsigned int size, bool kernel)
#[lsm(hook = "bpf")]
fn bpf(ctx: LsmContext) -> i32 {
    // Where the previous answer lies depends on the kernel; but a refusal of it ends the call before us.
    defence::refuse(offence::BPF, ctx.arg(0))
}
