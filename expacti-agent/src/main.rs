//! The `expacti` command: daemon, command line and consoles in one binary. It only starts the command line.

mod cli;
#[expect(dead_code, unused_imports, reason = "the daemon and the API will hold it")]
mod desk;
#[expect(dead_code, reason = "the API will hold it")]
mod reviewers;

fn main() -> std::process::ExitCode {
    cli::main()
}
