//! Measures, as root inside a booted guest: `cargo xtask bench`. Prints what it found as one object of JSON.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "its output is what it is for")]

mod measure;
mod spawn;

use std::sync::atomic::Ordering;

use clap::{Parser, Subcommand};

#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    part: Part,
    /// This is a machine in use and no guest: nothing of its configuration is touched, and what a guest counts in
    /// instructions is told in nanoseconds.
    #[arg(long, global = true)]
    native: bool,
}

/// What to measure.
#[derive(Subcommand)]
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
    Workloads {
        /// Only these.
        names: Vec<String>,
    },
    /// Storms of execs, and nothing at all.
    Scale,
    /// Instructions of an exec with more and more agents, rules or tickets.
    Growth {
        /// Only of this: `agents`, `rules` or `tickets`.
        of: Option<String>,
        /// Only so much of it.
        count: Option<usize>,
    },
}

fn main() -> anyhow::Result<()> {
    let Options { part, native } = Options::parse();
    spawn::NATIVE.store(native, Ordering::Relaxed);
    expacti_tests::harness::expect_root();
    let text = match part {
        Part::Cost { kernel_only } => serde_json::to_string(&measure::cost::measure(kernel_only)?)?,
        Part::Workloads { names } => serde_json::to_string(&measure::workloads::measure(&names)?)?,
        Part::Growth { of, count } => {
            let of = of.map(|of| serde_json::from_value(of.into())).transpose()?;
            serde_json::to_string(&measure::growth::measure(of, count))?
        }
        Part::Scale => serde_json::to_string(&measure::scale::measure()?)?,
        Part::Peers => serde_json::to_string(&measure::peers::measure(native))?,
    };
    println!("{text}");
    Ok(())
}
