//! What one exec costs must not grow unseen: instructions are counted in a guest and compared with the committed ones.

use anyhow::{Result, bail};
use expacti_bench::cost::{Cost, TOLERANCE};

use crate::bench;
use crate::bench::guest::{self, Place};
use crate::build::Profile;
use crate::cache::Cache;
use crate::setup::kernels::Kernel;
use crate::vm::Clock;

/// In the report, and for the filter.
pub(crate) const NAME: &str = "instructions of an exec";

/// The kernel on which they are counted.
pub(crate) const KERNEL: Kernel = Kernel::V6_12;

pub(crate) fn check(cache: &Cache) -> Result<()> {
    let committed = bench::committed()?;
    let files = guest::files(cache, Profile::Guest, false)?;
    let place = Place { cache, kernel: KERNEL, clock: Clock::Instructions, files, disk: None, memory: 2048 };
    let cost: Cost = place.measure("cost --kernel-only")?;
    let mut too_much = 0;
    let mut less = false;
    for change in cost.changes(&committed).map_err(anyhow::Error::msg)? {
        let (program, state) = (&change.program, change.state.title());
        println!(
            "{program}, {state}: the gate adds {} instructions, {} by the committed figures ({:+.2} % of the exec)",
            change.now,
            change.committed,
            change.share * 100.0
        );
        too_much += usize::from(change.share > TOLERANCE);
        less |= change.share < -TOLERANCE;
    }
    if too_much > 0 {
        bail!(
            "{too_much} of these cost over {} % of an exec more. If it must be so, say why in the commit and keep the new \
             figures: cargo xtask bench --only cost --accept",
            TOLERANCE * 100.0
        );
    }
    if less {
        println!("It got cheaper. Keep the new figures: cargo xtask bench --only cost --accept");
    }
    Ok(())
}
