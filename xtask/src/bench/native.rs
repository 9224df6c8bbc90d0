//! The same measures on this very machine, where its kernel loads LSM programs. Never run to its end by us: the machines
//! that this was written on have kernels that do not.
//!
//! Everything happens in a mount namespace of its own, in which `/opt` is a file system in memory with the programs and
//! `/home` one for what is built: what is measured has the same names as in a guest, and nothing of it stays. Services
//! and rules that others have on this machine are left alone, so peers that need such are not measured.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::process::output;
use crate::setup::materials;
use crate::vm::GuestFile;
use crate::workspace;

use super::Part;
use crate::cache::Cache;

/// Why it cannot be measured here. Ends with this exit code.
pub(crate) struct Refusal(pub(crate) String);

pub(crate) const REFUSED: u8 = 2;

/// A folder with everything that a guest would have, at the same places below it.
pub(crate) struct Stage(PathBuf);

impl Stage {
    pub(crate) fn new(files: &[GuestFile]) -> Result<Self> {
        let root = workspace::target().join("bench/native");
        for GuestFile { from, to, .. } in files {
            let place = root.join(to.strip_prefix("/")?);
            fs::create_dir_all(place.parent().context("a folder")?)?;
            // With its permissions.
            fs::copy(from, place)?;
        }
        Ok(Self(root))
    }

    /// Whether the gate works on this machine, and nobody uses it already.
    pub(crate) fn refusal(&self) -> Result<Option<Refusal>> {
        let doctor = Command::new(self.expacti())
            .args(["doctor", "--json"])
            .output()
            .context("cannot start the expacti that was built")?;
        let found: Vec<serde_json::Value> =
            serde_json::from_slice(&doctor.stdout).context("what doctor printed")?;
        Ok(refusal(rustix::process::geteuid().is_root(), Path::new("/sys/fs/bpf/expacti").exists(), &found))
    }

    /// What the program that measures prints.
    pub(crate) fn run(&self, cache: &Cache, part: Part) -> Result<Vec<u8>> {
        let script = self.0.join("native.sh");
        let materials = match part {
            Part::Workloads => materials::disk(cache)?.display().to_string(),
            Part::Cost | Part::Peers | Part::Scale | Part::Growth | Part::Tickets => String::new(),
        };
        fs::write(&script, include_str!("../../guest/native.sh"))?;
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "bash"]).arg(&script);
        command.arg(&self.0).arg(materials).args(part.arguments().split(' ')).arg("--native");
        Ok(output(&mut command)?.into_bytes())
    }

    fn expacti(&self) -> PathBuf {
        self.0.join("usr/local/bin/expacti")
    }
}

/// The first reason there is.
fn refusal(is_root: bool, is_gated: bool, findings: &[serde_json::Value]) -> Option<Refusal> {
    if !is_root {
        return Some(Refusal("loading a gate into this machine's kernel takes root".to_owned()));
    }
    if is_gated {
        return Some(Refusal(
            "a gate is in force on this machine already; take it out first: expacti daemon --unload"
                .to_owned(),
        ));
    }
    let word = |finding: &serde_json::Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    let failed: Vec<String> = findings
        .iter()
        .filter(|finding| finding["state"] == "failed")
        .map(|finding| format!("  {}: {}", word(finding, "name"), word(finding, "found")))
        .collect();
    (!failed.is_empty()).then(|| {
        Refusal(format!(
            "this machine's kernel does not carry the gate, so nothing can be measured on it (without --native a guest \
             is measured); expacti doctor says:\n{}",
            failed.join("\n")
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_machine_is_refused_for_the_first_reason_there_is() {
        let fine = [json!({"name": "kernel", "state": "ok", "found": "6.12"})];
        let broken = [fine[0].clone(), json!({"name": "trial", "state": "failed", "found": "EPERM"})];
        let why = |root, gated, found: &[_]| refusal(root, gated, found).map(|refusal| refusal.0);
        assert_eq!(why(true, false, &fine), None);
        assert!(why(false, true, &broken).unwrap().contains("root"));
        assert!(why(true, true, &broken).unwrap().contains("already"));
        let failed = why(true, false, &broken).unwrap();
        assert!(failed.contains("  trial: EPERM") && !failed.contains("6.12"), "{failed}");
    }
}
