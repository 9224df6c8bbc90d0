//! The `expacti` command: daemon, command line and consoles in one binary. It only starts the command line.

mod api;
mod cli;
mod client;
mod clock;
mod config;
mod containers;
mod daemon;
mod desk;
mod doctor;
mod intake;
mod judging;
mod kernel;
mod learned;
mod notify;
mod operations;
mod reviewers;
mod suggestions;
#[cfg(test)]
mod testing;
mod tui;
mod web;
mod wire;

fn main() -> std::process::ExitCode {
    cli::main()
}
