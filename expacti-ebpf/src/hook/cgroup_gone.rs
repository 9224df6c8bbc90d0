//! A cgroup is removed. What was remembered of it while nobody had said whose it is, is forgotten.

use aya_ebpf::macros::btf_tracepoint;
use aya_ebpf::programs::BtfTracePointContext;

use crate::kernel::Cgroup;
use crate::{maps, newcomer};

// match-proto:v6.12:include/trace/events/cgroup.h:DEFINE_EVENT(cgroup, cgroup_rmdir, TP_PROTO(struct cgroup *cgrp, const char *path)
#[btf_tracepoint(function = "cgroup_rmdir")]
fn cgroup_gone(ctx: BtfTracePointContext) -> i32 {
    if maps::control().is_some() {
        newcomer::gone(Cgroup(ctx.arg(0)));
    }
    0
}
