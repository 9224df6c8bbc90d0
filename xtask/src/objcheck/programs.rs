//! Every program is there, in the section that says where it hangs, and no other is.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use aya_obj::Object;
use expacti_abi::names::{Hook, PROGRAMS, Program};
use object::{Object as _, ObjectSection as _, SectionKind};

pub(super) fn compare(object: &Object, bytes: &[u8], differences: &mut Vec<String>) -> Result<()> {
    let expected: BTreeSet<String> = PROGRAMS.iter().map(section).collect();
    let file = object::File::parse(bytes).context("the BPF object is no ELF file")?;
    let sections: BTreeSet<String> = file
        .sections()
        // Functions that programs call lie in `.text`.
        .filter(|section| section.kind() == SectionKind::Text && section.size() > 0)
        .filter_map(|section| section.name().ok().map(str::to_owned))
        .filter(|name| name != ".text")
        .collect();
    for missing in expected.difference(&sections) {
        differences.push(format!("no program is in the section {missing}"));
    }
    for unknown in sections.difference(&expected) {
        differences.push(format!("a program that the daemon does not know is in the section {unknown}"));
    }
    for Program { name, .. } in PROGRAMS {
        if !object.programs.contains_key(name) {
            differences.push(format!("there is no program of the name {name}"));
        }
    }
    Ok(())
}

/// As aya's macros name it.
fn section(program: &Program) -> String {
    let Program { hook, target, sleepable, .. } = program;
    match (hook, sleepable) {
        (Hook::Lsm, false) => format!("lsm/{target}"),
        (Hook::Lsm, true) => format!("lsm.s/{target}"),
        (Hook::Tracepoint, _) => format!("tp_btf/{target}"),
    }
}
