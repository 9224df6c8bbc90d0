//! A cgroup is made. Where agents are expected, nothing runs in it before it is known whose it is.
//!
//! The kernel calls this before anybody can see the new folder, so nobody is in it yet.

use aya_ebpf::macros::btf_tracepoint;
use aya_ebpf::programs::BtfTracePointContext;

use crate::kernel::Cgroup;
use crate::{maps, newcomer};

// match-proto:v6.12:include/trace/events/cgroup.h:DEFINE_EVENT(cgroup, cgroup_mkdir, TP_PROTO(struct cgroup *cgrp, const char *path)
#[btf_tracepoint(function = "cgroup_mkdir")]
fn cgroup_made(ctx: BtfTracePointContext) -> i32 {
    if maps::control().is_some() {
        newcomer::made(Cgroup(ctx.arg(0)));
    }
    0
}
