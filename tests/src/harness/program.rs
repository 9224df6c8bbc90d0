//! Test programs in C, for where a libc would hide the system call.
//!
//! Those in `tests/programs` are built statically on the machine that built the suites; compiling under emulation is
//! slow. Only 32-bit ones are built in the guest, which has the compiler's other half.

use std::path::{Path, PathBuf};
use std::process::Command;

const FOLDER: &str = "/opt/expacti/programs";

/// The program built from `tests/programs/NAME.c`.
#[track_caller]
pub fn program(name: &str) -> PathBuf {
    let path = Path::new(FOLDER).join(name);
    assert!(path.is_file(), "there is no {}: is tests/programs/{name}.c there?", path.display());
    path
}

/// The same program for 32-bit system calls.
#[track_caller]
pub fn program_32(name: &str) -> PathBuf {
    let built = Path::new("/var/tmp").join(format!("{name}-32"));
    if !built.is_file() {
        let source = Path::new(FOLDER).join(format!("{name}.c"));
        let output = Command::new("gcc")
            .args(["-m32", "-static", "-O1", "-o"])
            .arg(&built)
            .arg(source)
            .output()
            .unwrap();
        assert!(output.status.success(), "gcc -m32: {}", String::from_utf8_lossy(&output.stderr));
    }
    built
}
