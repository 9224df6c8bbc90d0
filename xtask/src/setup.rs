//! Brings what building, booting and testing need, once, into the cache.
//!
//! Nothing is installed on the system: Debian packages are unpacked in the cache, and the guest's user land is a disk
//! image there. The one exception is rust-src, which rustup adds to its own toolchain where it can.

pub(crate) mod bpf_linker;
pub(crate) mod cargo_deny;
pub(crate) mod chromium;
pub(crate) mod containerd;
pub(crate) mod cross;
pub(crate) mod debian;
pub(crate) mod kernels;
pub(crate) mod materials;
pub(crate) mod packages;
pub(crate) mod peers;
pub(crate) mod postgres;
pub(crate) mod python;
pub(crate) mod qemu;
pub(crate) mod rust_src;
pub(crate) mod user_land;

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::cache::Cache;

/// One thing that setup can bring.
pub(crate) struct Part {
    /// Its folder's name in the cache.
    pub(crate) name: &'static str,
    /// What it is and where it comes from, for the announcement.
    pub(crate) brings: &'static str,
    /// Everything its content depends on: another recipe is made anew.
    pub(crate) recipe: String,
    /// Makes it in an empty folder.
    pub(crate) make: fn(&Workshop, &Path) -> Result<()>,
}

/// What a part is made with.
pub(crate) struct Workshop {
    pub(crate) cache: Cache,
    /// Where the programs that are run meanwhile talk to.
    pub(crate) log: PathBuf,
}

impl Part {
    fn is_there(&self, cache: &Cache) -> bool {
        cache.place(self.name, &self.recipe).exists()
    }

    /// Its folder, made if it is missing.
    pub(crate) fn get(&self, cache: &Cache) -> Result<PathBuf> {
        cache.get(self.name, &self.recipe, |folder| {
            let logs = cache.root().join("logs");
            std::fs::create_dir_all(&logs)?;
            let log = logs.join(format!("{}.log", self.name));
            std::fs::write(&log, "")?;
            (self.make)(&Workshop { cache: cache.clone(), log }, folder)
        })
    }
}

/// `cargo xtask setup`.
pub(crate) fn everything() -> Result<()> {
    let cache = Cache::open()?;
    bring(&cache, parts_for_tests(&cache, &kernels::ALL)?)?;
    println!("everything is there, in {}", cache.root().display());
    Ok(())
}

/// What building the BPF object takes.
pub(crate) fn build_parts(cache: &Cache) -> Result<Vec<Part>> {
    Ok(rust_src::part(cache)?.into_iter().chain([bpf_linker::part()?]).collect())
}

/// What passing every test takes, with guests of these kernels.
pub(crate) fn parts_for_tests(cache: &Cache, kernels: &[kernels::Kernel]) -> Result<Vec<Part>> {
    let mut parts = build_parts(cache)?;
    parts.extend(cargo_deny::part());
    parts.extend(postgres::part()?);
    parts.extend(chromium::part());
    if !kernels.is_empty() {
        parts.extend(guest_parts(kernels)?);
        parts.push(containerd::part());
    }
    Ok(parts)
}

/// What booting these kernels takes.
pub(crate) fn guest_parts(kernels: &[kernels::Kernel]) -> Result<Vec<Part>> {
    let mut parts: Vec<Part> = kernels.iter().map(|kernel| kernel.part()).collect();
    parts.push(user_land::part());
    parts.push(packages::busybox());
    parts.extend(qemu::part()?);
    Ok(parts)
}

/// Makes what is missing, side by side, after saying what that will be.
pub(crate) fn bring(cache: &Cache, parts: Vec<Part>) -> Result<()> {
    let missing: Vec<Part> = parts.into_iter().filter(|part| !part.is_there(cache)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    eprintln!("setup: brings into {} (nothing is installed on the system):", cache.root().display());
    for part in &missing {
        eprintln!("  {:<14} {}", part.name, part.brings);
    }
    let threads: Vec<_> = missing
        .into_iter()
        .map(|part| {
            let cache = cache.clone();
            thread::spawn(move || {
                let start = Instant::now();
                let made = part.get(&cache).with_context(|| format!("setup of {} failed", part.name));
                match &made {
                    Ok(_) => eprintln!("setup: {} is there ({} s)", part.name, start.elapsed().as_secs()),
                    Err(error) => eprintln!("setup: {error:#}"),
                }
                made.is_ok()
            })
        })
        .collect();
    let failed =
        threads.into_iter().map(thread::JoinHandle::join).filter(|made| !matches!(made, Ok(true))).count();
    if failed > 0 {
        bail!("{failed} of the parts could not be made; what is there stays, so just run it again");
    }
    Ok(())
}
