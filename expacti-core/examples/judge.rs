//! Makes the engine ready and judges the command that it is given, if any: for counting what a start costs.
//! `valgrind --tool=callgrind target/guest/examples/judge git push`

use std::hint::black_box;

use expacti_core::request::ExecRequest;
use expacti_core::{Tools, assess};

fn main() {
    let tools = black_box(Tools::embedded());
    let argv: Vec<_> = std::env::args().skip(1).map(|word| word.as_str().into()).collect();
    if !argv.is_empty() {
        black_box(assess(&ExecRequest { argv, ..ExecRequest::default() }, &tools));
    }
}
