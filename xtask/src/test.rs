//! `cargo xtask test`: everything that must hold before a change is whole.
//!
//! In the order in which a mistake is found soonest: form and lints, the tests of the crates, the object, the console in
//! a browser, then the suites inside guests, and what an exec costs.

mod checks;
mod console;
mod crates;
mod deploy;
mod fuzz;
mod guests;
mod instructions;
mod libtest;
mod package;
mod postgres;
mod report;
mod web;

use std::process::ExitCode;

use anyhow::Result;

use crate::cache::Cache;
use crate::setup::{self, kernels, kernels::Kernel};
use report::Report;

/// `cargo xtask test`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Leave out the guests.
    #[arg(long, conflicts_with = "kernel")]
    quick: bool,
    /// Only the suites in guests.
    #[arg(long, conflicts_with = "quick")]
    guests: bool,
    /// Only guests of this kernel (may be given more than once); by default all.
    #[arg(long)]
    kernel: Vec<Kernel>,
    /// Only tests whose name contains this; leaves out the checks that are not tests.
    filter: Option<String>,
}

pub(crate) fn command(options: &Options) -> Result<ExitCode> {
    // Now, because the tests of the crates can build it anew, and then it is not found any more.
    let xtask = std::env::current_exe()?;
    let cache = Cache::open()?;
    let kernels = match (options.quick, options.kernel.as_slice()) {
        (true, _) => &[],
        (false, []) => kernels::ALL.as_slice(),
        (false, some) => some,
    };
    let mut report = Report::new();
    report.section("setup");
    setup::bring(&cache, setup::parts_for_tests(&cache, kernels)?)?;

    let filter = options.filter.as_deref();
    if filter.is_none() && !options.guests {
        checks::all(&cache, &mut report)?;
    }
    if !options.guests {
        report.section("tests of the crates");
        crates::run(&cache, filter, &mut report)?;
        report.section("the console in a browser");
        web::run(&cache, filter, &mut report)?;
        if filter.is_none() {
            fuzz::all(&cache, &mut report);
            deploy::all(&cache, &mut report);
        }
    }
    if !kernels.is_empty() {
        report.section("suites in guests");
        guests::run(&cache, kernels, filter, &mut report)?;
        report.section("the console of a guest in a browser");
        console::run(&cache, &xtask, kernels[kernels.len() / 2], filter, &mut report)?;
    }
    if kernels.contains(&instructions::KERNEL)
        && filter.is_none_or(|filter| instructions::NAME.contains(filter))
    {
        report.check(instructions::NAME, || instructions::check(&cache));
    }
    Ok(report.finish())
}
