//! Everything around `cargo build`, one word each: `cargo xtask --help`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a build tool talks to its terminal")]

mod bench;
mod build;
mod cache;
mod demo;
mod dist;
mod objcheck;
mod process;
mod programs;
mod setup;
mod test;
mod vm;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Build, boot and test expacti.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Bring what is missing: rust-src, bpf-linker, QEMU, kernels, the guest's user land.
    ///
    /// Everything lands in one cache folder of yours ($EXPACTI_CACHE, by default ~/.cache/expacti). The other
    /// commands call this as needed.
    Setup,
    /// Build the BPF object and the expacti binary that carries it.
    Build(build::Options),
    /// Boot a stock kernel with the built expacti inside, and give a shell or run a script.
    Vm(vm::Options),
    /// Compare the BPF object with what expacti-abi says.
    Objcheck,
    /// Show the main job: an agent's shell behind the gate, and the review side.
    Demo(demo::Options),
    /// Measure what the gate costs, beside others, and write docs/benchmarks.md.
    Bench(bench::Options),
    /// Make what users install: tarball, Debian package, container image, bill of materials, checksums.
    Dist(dist::Options),
    /// Check and test everything, on all kernels.
    Test(test::Options),
}

fn main() -> ExitCode {
    match run(&Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> Result<ExitCode> {
    match command {
        Command::Setup => setup::everything().map(|()| ExitCode::SUCCESS),
        Command::Build(options) => build::command(options).map(|()| ExitCode::SUCCESS),
        Command::Vm(options) => vm::command(options),
        Command::Objcheck => objcheck::command().map(|()| ExitCode::SUCCESS),
        Command::Demo(options) => demo::command(options),
        Command::Bench(options) => bench::command(options),
        Command::Dist(options) => dist::command(options).map(|()| ExitCode::SUCCESS),
        Command::Test(options) => test::command(options),
    }
}
