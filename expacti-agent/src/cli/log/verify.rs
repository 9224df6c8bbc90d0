//! `expacti log verify`: of a log, or of an evidence bundle that came from elsewhere.

use std::io::{Write as _, stdout};
use std::path::{Path, PathBuf};

use clap::Args;
use expacti_agent::log::{Checked, check};
use expacti_core::record::attempt::rfc3339;
use expacti_core::record::signed::Checkpoint;
use expacti_core::record::{bundle, chain::NodeId};

use super::super::ending::{BadInput, Ending};
use super::super::style::Style;
use super::{Where, block_on, list, said};

/// Prove that nothing in the log, or in a bundle, was changed, left out or moved
#[derive(Args)]
pub(super) struct Verify {
    /// An evidence bundle; without one the log is proven
    bundle: Option<PathBuf>,
    #[command(flatten)]
    place: Where,
    /// A file with checkpoints that were kept elsewhere, one a line; may be given again
    #[arg(long, value_name = "FILE")]
    against: Vec<PathBuf>,
    /// Only the chain of this node (its id)
    #[arg(long, value_name = "ID", conflicts_with = "bundle")]
    node: Option<String>,
}

impl Verify {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let mut kept = Vec::new();
        for path in &self.against {
            kept.extend(checkpoints(path)?);
        }
        if let Some(path) = &self.bundle {
            return prove_bundle(path, &kept);
        }
        let bad = |text: &String| BadInput(format!("'{text}' is no node id: give 32 hexadecimal digits"));
        let node: Option<NodeId> =
            self.node.as_ref().map(|text| text.parse().map_err(|_| bad(text))).transpose()?;
        if let Some(home) = self.place.home() {
            kept.extend(home.anchor().map_err(said)?);
        }
        block_on(async {
            let reader = self.place.reader().await?;
            let mut out = stdout().lock();
            match check(&reader, node, &kept).await.map_err(said)? {
                Checked::Whole(chains) => {
                    for chain in chains {
                        let (head, entries, attempts) = (chain.head, chain.entries, chain.attempts);
                        writeln!(
                            out,
                            "node {}: whole. {entries} entries ({attempts} attempts, {} recorded holes), positions {} to {}, the last of {}; signed up to {}",
                            chain.node,
                            chain.holes,
                            chain.first,
                            head.position,
                            rfc3339(head.at),
                            chain.signed
                        )?;
                    }
                    Ok(Ending::Done)
                }
                Checked::Bad(bad) => {
                    writeln!(out, "NOT WHOLE: {bad}")?;
                    Ok(Ending::No)
                }
                Checked::Misleading { attempt, what } => {
                    writeln!(out, "MISLEADING: attempt {attempt}: {what}. The chain itself is whole")?;
                    Ok(Ending::No)
                }
            }
        })
    }
}

fn checkpoints(path: &Path) -> anyhow::Result<Vec<Checkpoint>> {
    let text =
        std::fs::read_to_string(path).map_err(|error| BadInput(format!("{}: {error}", path.display())))?;
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let bad = |error| BadInput(format!("{}, line {}: {error}", path.display(), index + 1));
        found.push(line.parse().map_err(bad)?);
    }
    if found.is_empty() {
        return Err(BadInput(format!("{}: there is no checkpoint in it", path.display())).into());
    }
    Ok(found)
}

fn prove_bundle(path: &Path, kept: &[Checkpoint]) -> anyhow::Result<Ending> {
    let unreadable = |error: std::io::Error| BadInput(format!("{}: {error}", path.display()));
    let text = String::from_utf8_lossy(&std::fs::read(path).map_err(unreadable)?).into_owned();
    let evidence = match bundle::verify(&text, kept) {
        Ok(evidence) => evidence,
        Err(bad)
            if matches!(
                bad.problem,
                bundle::Problem::Changed
                    | bundle::Problem::Cut
                    | bundle::Problem::Rewritten
                    | bundle::Problem::Elsewhere { .. }
                    | bundle::Problem::Checkpoint(_)
            ) =>
        {
            writeln!(stdout(), "NOT GENUINE: {}, {bad}", path.display())?;
            return Ok(Ending::No);
        }
        Err(bad) => return Err(BadInput(format!("{}, {bad}", path.display())).into()),
    };
    let mut out = stdout().lock();
    let of = expacti_core::untrusted::Untrusted::from(evidence.of.as_str());
    writeln!(
        out,
        "genuine: {of}: {} records, {} entries shown, {} as digests",
        evidence.attempts.len(),
        evidence.entries.len(),
        evidence.hidden
    )?;
    for checkpoint in &evidence.checkpoints {
        writeln!(
            out,
            "signed by node {} up to position {} at {}",
            checkpoint.node,
            checkpoint.position,
            rfc3339(checkpoint.at)
        )?;
    }
    for attempt in &evidence.attempts {
        writeln!(out, "{}", list::line(Style::of_stdout(), attempt))?;
    }
    Ok(Ending::Done)
}
