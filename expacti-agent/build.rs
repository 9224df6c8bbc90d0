//! Embeds the BPF object that `cargo xtask build` made and names in `EXPACTI_BPF_OBJECT`.
//!
//! Without it the binary builds all the same, and says at run time that it has none: nobody needs the BPF tools to
//! work on the rest.

use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-env-changed=EXPACTI_BPF_OBJECT");
    println!("cargo::rustc-check-cfg=cfg(bpf_object)");
    let Some(object) = env::var_os("EXPACTI_BPF_OBJECT") else { return Ok(()) };
    println!("cargo::rerun-if-changed={}", Path::new(&object).display());
    let place = Path::new(&env::var_os("OUT_DIR").unwrap_or_default()).join("expacti.bpf.o");
    fs::copy(&object, place).map_err(|error| {
        io::Error::other(format!("EXPACTI_BPF_OBJECT={}: {error}", Path::new(&object).display()))
    })?;
    println!("cargo::rustc-cfg=bpf_object");
    Ok(())
}
