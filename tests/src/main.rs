//! Suites that run inside a booted guest against the real kernel.

fn main() {}
