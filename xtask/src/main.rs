//! Everything around `cargo build`.

fn main() {}
