//! `expacti doctor`: whether this host can carry the gate.

use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::Args;

use super::ending::Ending;
use super::json;
use crate::doctor::{self, State};

/// Say whether the gate works on this host, and what to do if it does not
#[derive(Args)]
#[command(after_help = "\
Loads the gate's programs into a trial of its own and lets one refuse an exec; a gate that is in force is not touched.
Exit codes: 0 nothing is wrong, 1 something is. What this user cannot check is said and is not wrong.")]
pub(super) struct Doctor {
    /// Where a BPF file system is mounted
    #[arg(long, value_name = "FOLDER", default_value = "/sys/fs/bpf")]
    bpffs: PathBuf,
    /// As JSON: a list of findings
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        // Where it cannot, the trial says what does not work.
        let _elsewhere = crate::kernel::enter_hosts_cgroups();
        let findings = doctor::examine(&self.bpffs);
        let mut out = io::stdout().lock();
        if self.json {
            writeln!(out, "{}", json::pretty(&findings)?)?;
        } else {
            for finding in &findings {
                let state = match finding.state {
                    State::Ok => "OK     ",
                    State::Failed => "FAILED ",
                    State::Unchecked => "UNKNOWN",
                };
                writeln!(out, "{state}  {}: {}", finding.name, finding.found)?;
                if !finding.advice.is_empty() {
                    writeln!(out, "         {}", finding.advice)?;
                }
            }
        }
        let wrong = findings.iter().any(|finding| finding.state == State::Failed);
        Ok(if wrong { Ending::No } else { Ending::Done })
    }
}
