//! Structs that cross the line in maps are of the same size on the other side, by the object's own type information.
//!
//! Events are not among them: the ring carries bytes, so the object's type information does not name them. Their sizes
//! are asserted in expacti-abi, which is compiled for both targets.

use anyhow::{Context as _, Result};
use aya_obj::Object;
use btf_rs::{Btf, Type};
use expacti_abi::control::{Agent, Control};
use expacti_abi::offsets::Offsets;
use expacti_abi::task::TaskState;
use expacti_abi::ticket::{CacheKey, Cached, Ticket};
use expacti_abi::watched::{Below, Place, Watch};

const STRUCTS: [(&str, usize); 10] = [
    ("Agent", size_of::<Agent>()),
    ("Below", size_of::<Below>()),
    ("CacheKey", size_of::<CacheKey>()),
    ("Cached", size_of::<Cached>()),
    ("Control", size_of::<Control>()),
    ("Offsets", size_of::<Offsets>()),
    ("Place", size_of::<Place>()),
    ("TaskState", size_of::<TaskState>()),
    ("Ticket", size_of::<Ticket>()),
    ("Watch", size_of::<Watch>()),
];

pub(super) fn compare(object: &Object, differences: &mut Vec<String>) -> Result<()> {
    let Some(btf) = &object.btf else {
        differences.push("it has no BTF: bpf-linker was not told --btf".to_owned());
        return Ok(());
    };
    let btf = Btf::from_bytes(&btf.to_bytes()).context("the object's BTF cannot be parsed")?;
    for (name, expected) in STRUCTS {
        let types = btf.resolve_types_by_name(name).unwrap_or_default();
        let sizes: Vec<usize> = types
            .iter()
            .filter_map(|found| if let Type::Struct(found) = found { Some(found.size()) } else { None })
            .collect();
        if sizes.is_empty() {
            differences.push(format!("its BTF has no struct {name}"));
        }
        for size in sizes.into_iter().filter(|size| *size != expected) {
            differences
                .push(format!("the struct {name} has {size} bytes there, and {expected} in expacti-abi"));
        }
    }
    Ok(())
}
