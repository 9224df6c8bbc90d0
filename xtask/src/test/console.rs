//! The console of a real daemon: a guest behind a forwarded port, and a browser here.

use anyhow::Result;

use super::report::Report;
use super::web::Suite;
use crate::setup::kernels::Kernel;

/// On one kernel: what the kernel does is the same for every way to answer.
pub(crate) fn run(kernel: Kernel, filter: Option<&str>, report: &mut Report) -> Result<()> {
    let xtask = std::env::current_exe()?;
    let suite = Suite {
        name: format!("Linux {kernel}: the console in Chromium"),
        files: &["guest.spec.js"],
        output: "guest-web-tests",
        variables: vec![
            ("EXPACTI_XTASK", xtask.into_os_string()),
            ("EXPACTI_KERNEL", kernel.to_string().into()),
        ],
    };
    // The guest's files were built for the suites before.
    suite.run(filter, report, || Ok(()))
}
