//! The `expacti` command: daemon, command line and consoles in one binary. It only starts the command line.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
