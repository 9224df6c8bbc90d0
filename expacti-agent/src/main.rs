//! The `expacti` command.

fn main() {}
