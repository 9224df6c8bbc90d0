//! The `expacti` command: daemon, command line and consoles in one binary. It only starts the command line.

#[expect(dead_code, reason = "the daemon will hold it")]
mod api;
mod cli;
#[expect(dead_code, unused_imports, reason = "the command line will hold it")]
mod client;
mod clock;
#[expect(dead_code, unused_imports, reason = "the daemon will hold it")]
mod desk;
#[cfg_attr(not(test), expect(dead_code, reason = "the daemon will hold it"))]
mod reviewers;
mod wire;

fn main() -> std::process::ExitCode {
    cli::main()
}
