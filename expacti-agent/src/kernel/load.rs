//! Bringing the gate into the kernel, or finding it there.
//!
//! Everything is pinned, so that it outlives the daemon. A daemon that starts finds the maps of its own layout and
//! goes on with them; its programs take over with one write, so that no exec meets two gates or none.

use std::fs::File;
use std::hash::Hasher as _;
use std::io;
use std::path::{Path, PathBuf};

use aya::maps::MapData;
use aya::programs::links::{FdLink, PinnedLink};
use aya::programs::{BtfTracePoint, Lsm, ProgramError};
use aya::{Btf, Ebpf, EbpfError, EbpfLoader, Endianness};
use expacti_abi::LAYOUT;
use expacti_abi::names::{Hook, PROGRAMS, Program, map};
use siphasher::sip::SipHasher13;
use thiserror::Error;

use super::btf::BtfError;
use super::maps::{Maps, MapsError};
use super::object::OBJECT;
use super::{btf, offsets};

pub(super) const KERNEL_TYPES: &str = "/sys/kernel/btf/vmlinux";

/// Why the gate is not in the kernel.
#[derive(Debug, Error)]
pub(crate) enum LoadError {
    /// Built by plain `cargo build`.
    #[error("this binary holds no kernel programs; build it with `cargo xtask build`")]
    NoObject,
    /// No type information.
    #[error("cannot read {KERNEL_TYPES}: {0}; the kernel must be built with CONFIG_DEBUG_INFO_BTF=y")]
    NoTypes(io::Error),
    /// The kernel differs from all we know.
    #[error("{0}; this kernel is not supported, please report its version")]
    Types(#[from] BtfError),
    /// The pins' folder.
    #[error("cannot use {}: {source}; a BPF file system must be mounted on /sys/fs/bpf and we must be root", path.display())]
    Pins {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Hooks that our programs hang on.
    #[error(
        "this kernel lacks what the gate hangs on: {0}; it needs Linux 6.1 or later with CONFIG_BPF_LSM=y"
    )]
    NoHooks(String),
    /// aya could not load the object.
    #[error("the kernel did not take the gate's maps: {0}")]
    Object(#[from] EbpfError),
    /// The verifier said no.
    #[error("the kernel refused the program {program}: {}", with_causes(source))]
    Program {
        /// Its name.
        program: &'static str,
        /// Why.
        source: Box<ProgramError>,
    },
    /// A program is not in the object.
    #[error("the object holds no program {0}; the binary is built wrong")]
    Missing(&'static str),
    /// A link could not be kept.
    #[error("cannot pin the link of {program}: {source}")]
    Link {
        /// The program.
        program: &'static str,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A map could not be used.
    #[error(transparent)]
    Maps(#[from] MapsError),
}

/// The folder that this layout's maps and links are pinned in.
pub(crate) fn folder(bpffs: &Path) -> PathBuf {
    bpffs.join("expacti").join(format!("layout-{LAYOUT}"))
}

/// The gate in the kernel.
pub(crate) struct InKernel {
    pub(crate) maps: Maps,
    /// Which loaded object it is. Its programs do nothing until the switches name it.
    pub(crate) instance: u64,
    /// Bytes of the ring: as was wished for when it was made.
    pub(crate) ring: u32,
}

/// Finds the gate under `bpffs`, where an earlier daemon put the same programs in force; else loads and attaches it, next
/// to the maps that are pinned there if there are any. A ring that is made has so many bytes.
pub(crate) fn load(bpffs: &Path, ring: u32) -> Result<InKernel, LoadError> {
    let folder = folder(bpffs);
    let at_folder = |source| LoadError::Pins { path: folder.clone(), source };
    std::fs::create_dir_all(&folder).map_err(at_folder)?;
    let pins = File::open(&folder).map_err(at_folder)?;
    // One that is there stays as it is.
    let ring = ring_in(&folder).unwrap_or(ring);
    let mut gate = match in_force(&folder, ring)? {
        Some(gate) => gate,
        None => load_anew(&folder, ring)?,
    };
    gate.maps.keep_open(pins);
    Ok(gate)
}

/// The gate of an earlier daemon, if all its programs are ours and hang in the kernel. They outlive their daemon, so to
/// load them again would only cost time and, for a moment, twice the memory.
fn in_force(folder: &Path, ring: u32) -> Result<Option<InKernel>, LoadError> {
    // Where one is missing there is no gate to go on with.
    let Ok(maps) = Maps::pinned(folder) else { return Ok(None) };
    let instance = maps.control()?.instance;
    let links = folder.join(links_of(instance)?);
    let hang = PROGRAMS.iter().all(|program| PinnedLink::from_pin(links.join(program.name)).is_ok());
    Ok(hang.then_some(InKernel { maps, instance, ring }))
}

/// How many bytes the ring has that is pinned here.
fn ring_in(folder: &Path) -> Option<u32> {
    Some(MapData::from_pin(folder.join(map::EVENTS)).ok()?.info().ok()?.max_entries())
}

fn load_anew(folder: &Path, ring: u32) -> Result<InKernel, LoadError> {
    let instance = getrandom::u64().map_err(|error| MapsError::Random(error.to_string()))?;
    let mut loaded = Loaded::new(Some(&Pins { folder, ring }), instance)?;
    let maps = Maps::take(&mut loaded.object)?;
    let links = folder.join(links_of(instance)?);
    std::fs::create_dir_all(&links).map_err(|source| LoadError::Pins { path: links.clone(), source })?;
    for program in &PROGRAMS {
        loaded.load(program)?;
        loaded
            .attach(program)?
            .pin(links.join(program.name))
            .map_err(|error| LoadError::Link { program: program.name, source: Box::new(error) })?;
    }
    Ok(InKernel { maps, instance, ring })
}

/// Where maps stay, and bytes of the ring.
pub(super) struct Pins<'a> {
    folder: &'a Path,
    ring: u32,
}

/// The object in the kernel: its maps are made, its programs are not loaded yet.
pub(super) struct Loaded {
    pub(super) object: Ebpf,
    types: Btf,
}

impl Loaded {
    /// Makes the maps, or finds them where they are pinned. Without pins they end with this process.
    pub(super) fn new(pins: Option<&Pins<'_>>, instance: u64) -> Result<Self, LoadError> {
        let object = OBJECT.ok_or(LoadError::NoObject)?;
        let types = std::fs::read(KERNEL_TYPES).map_err(LoadError::NoTypes)?;
        let described = btf::Btf::parse(&types)?;
        let absent = absent_hooks(&described)?;
        if !absent.is_empty() {
            return Err(LoadError::NoHooks(absent.join(", ")));
        }
        let offsets = offsets::find(&described)?.words();

        let types = Btf::parse(&types, Endianness::default()).map_err(EbpfError::BtfError)?;
        let mut loader = EbpfLoader::new();
        loader
            .btf(Some(&types))
            .allow_unsupported_maps()
            .override_global("OFFSETS", &offsets[..], true)
            .override_global("INSTANCE", &instance, true);
        if let Some(&Pins { folder, ring }) = pins {
            loader.map_max_entries(map::EVENTS, ring);
            for name in map::ALL {
                loader.map_pin_path(name, folder.join(name));
            }
        }
        let object = loader.load(object)?;
        Ok(Self { object, types })
    }

    /// Gives a program to the verifier.
    pub(super) fn load(&mut self, program: &Program) -> Result<(), LoadError> {
        let refused = refused(program);
        match program.hook {
            Hook::Lsm => {
                let lsm: &mut Lsm = found(&mut self.object, program)?.try_into().map_err(&refused)?;
                lsm.load(program.target, &self.types).map_err(refused)
            }
            Hook::Tracepoint => {
                let tracepoint: &mut BtfTracePoint =
                    found(&mut self.object, program)?.try_into().map_err(&refused)?;
                tracepoint.load(program.target, &self.types).map_err(refused)
            }
        }
    }

    /// Hangs a loaded program into the kernel. It stays there as long as the link or a pin of it.
    pub(super) fn attach(&mut self, program: &Program) -> Result<FdLink, LoadError> {
        let refused = refused(program);
        Ok(match program.hook {
            Hook::Lsm => {
                let lsm: &mut Lsm = found(&mut self.object, program)?.try_into().map_err(&refused)?;
                let id = lsm.attach().map_err(&refused)?;
                lsm.take_link(id).map_err(refused)?.into()
            }
            Hook::Tracepoint => {
                let tracepoint: &mut BtfTracePoint =
                    found(&mut self.object, program)?.try_into().map_err(&refused)?;
                let id = tracepoint.attach().map_err(&refused)?;
                tracepoint.take_link(id).map_err(refused)?.into()
            }
        })
    }
}

fn found<'o>(object: &'o mut Ebpf, program: &Program) -> Result<&'o mut aya::programs::Program, LoadError> {
    object.program_mut(program.name).ok_or(LoadError::Missing(program.name))
}

/// The hooks that this kernel has not, of those that our programs hang on.
pub(super) fn absent_hooks(types: &btf::Btf<'_>) -> Result<Vec<String>, BtfError> {
    let mut wanted: Vec<String> = PROGRAMS
        .iter()
        .map(|program| match program.hook {
            Hook::Lsm => format!("bpf_lsm_{}", program.target),
            Hook::Tracepoint => format!("btf_trace_{}", program.target),
        })
        .collect();
    types.retain_absent(&mut wanted)?;
    Ok(wanted)
}

fn refused(program: &Program) -> impl Fn(ProgramError) -> LoadError + use<> {
    let program = program.name;
    move |source| LoadError::Program { program, source: Box::new(source) }
}

/// Removes the programs of earlier daemons, once ours act. Whoever was inside one of them meanwhile ends there first.
pub(crate) fn retire_others(bpffs: &Path, instance: u64) -> Result<(), LoadError> {
    let folder = folder(bpffs);
    let ours = folder.join(links_of(instance)?);
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| LoadError::Pins { path, source }
    };
    for entry in std::fs::read_dir(&folder).map_err(at(&folder))? {
        let path = entry.map_err(at(&folder))?.path();
        if path.is_dir() && path != ours {
            // Whatever programs that daemon had; fewer if it was killed while it loaded.
            for link in std::fs::read_dir(&path).map_err(at(&path))? {
                let link = link.map_err(at(&path))?.path();
                std::fs::remove_file(&link).map_err(at(&link))?;
            }
            std::fs::remove_dir(&path).map_err(at(&path))?;
        }
    }
    Ok(())
}

/// The folder of an object's links. It tells which programs they are: those of this object, with what this version of
/// the daemon tells them about the kernel. What is pinned never outlives the kernel.
fn links_of(instance: u64) -> Result<String, LoadError> {
    let mut programs = SipHasher13::new();
    programs.write(env!("CARGO_PKG_VERSION").as_bytes());
    programs.write(OBJECT.ok_or(LoadError::NoObject)?);
    Ok(format!("links-{instance:016x}-{:016x}", programs.finish()))
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
