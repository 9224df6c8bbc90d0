//! The console of a real daemon: a guest behind a forwarded port, and a browser here.

use std::path::Path;

use anyhow::Result;

use super::report::Report;
use super::web::Suite;
use crate::cache::Cache;
use crate::setup::kernels::Kernel;

/// On one kernel: what the kernel does is the same for every way to answer.
pub(crate) fn run(
    cache: &Cache,
    xtask: &Path,
    kernel: Kernel,
    filter: Option<&str>,
    report: &mut Report,
) -> Result<()> {
    let suite = Suite {
        name: format!("Linux {kernel}: the console in Chromium"),
        project: "guest",
        output: "guest-web-tests",
        variables: vec![("EXPACTI_XTASK", xtask.into()), ("EXPACTI_KERNEL", kernel.to_string().into())],
    };
    // The guest's files were built for the suites before.
    suite.run(cache, filter, report)
}
