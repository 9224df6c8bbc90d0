//! Measures, as root inside a booted guest: `cargo xtask bench`. Prints what it found as one object of JSON.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "its output is what it is for")]

mod measure;
mod spawn;

use clap::Parser;

/// What to measure.
#[derive(Parser)]
enum Part {
    /// What one exec costs, where the clock counts instructions.
    Cost {
        /// Only what the kernel does, which comes out the same each time.
        #[arg(long)]
        kernel_only: bool,
    },
    /// The gate beside others that look at execs.
    Peers,
    /// Whole pieces of work.
    Workloads,
    /// Much of everything, and nothing at all.
    Scale,
}

fn main() -> anyhow::Result<()> {
    let part = Part::parse();
    expacti_tests::harness::expect_root();
    let text = match part {
        Part::Cost { kernel_only } => serde_json::to_string(&measure::cost::measure(kernel_only)?)?,
        Part::Workloads => serde_json::to_string(&measure::workloads::measure()?)?,
        Part::Scale => serde_json::to_string(&measure::scale::measure()?)?,
        Part::Peers => serde_json::to_string(&measure::peers::measure()?)?,
    };
    println!("{text}");
    Ok(())
}
