//! `cargo xtask test`: everything that must hold before a change is whole.
//!
//! In the order in which a mistake is found soonest: form and lints, the object, the tests of the crates with the console in
//! a browser beside them, then the suites inside guests, what an exec costs, and the console of a guest.

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
use std::thread;

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
        report.section("the crates and their tests are built");
        let expacti = crates::build()?;
        // Each waits more than it works.
        let mut beside = report.beside();
        let browser_and_api = || {
            beside.section("the console in a browser");
            web::run(&cache, &expacti, false, filter, &mut beside)?;
            if filter.is_none() {
                fuzz::all(&cache, &expacti, &mut beside);
                deploy::all(&cache, &expacti, &mut beside);
            }
            anyhow::Ok(())
        };
        thread::scope(|scope| {
            let others = scope.spawn(browser_and_api);
            report.section("tests of the crates");
            crates::run(&cache, filter, &mut report)?;
            others.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })?;
        report.join(beside);
        report.section("the console's pace");
        web::run(&cache, &expacti, true, filter, &mut report)?;
    }
    if !kernels.is_empty() {
        report.section("suites in guests");
        let mut others: Vec<guests::Other<'_>> = Vec::new();
        if kernels.contains(&instructions::KERNEL)
            && filter.is_none_or(|filter| instructions::NAME.contains(filter))
        {
            others.push(Box::new(|report| {
                report.check(instructions::NAME, || instructions::check(&cache));
                Ok(())
            }));
        }
        let kernel = kernels[kernels.len() / 2];
        others.push(Box::new(|report| console::run(&cache, &xtask, kernel, filter, report)));
        guests::run(&cache, kernels, filter, others, &mut report)?;
    }
    Ok(report.finish())
}
