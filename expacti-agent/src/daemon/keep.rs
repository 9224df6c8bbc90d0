//! What the daemon does from time to time, beside serving.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::MissedTickBehavior;

use super::office::Office;
use super::past::Past;
use super::say;
use super::service::{self, Pulse, notify};
use crate::desk::Proposal;
use crate::operations::Operations as _;

/// How often the agents' past is kept.
const KEEP: Duration = Duration::from_mins(5);
/// How often agents are looked for whose cgroup comes and goes.
const LOOK_AROUND: Duration = Duration::from_millis(500);

/// Keeps the agents' past, in case this daemon does not end in order.
pub(super) async fn past(past: &Past, path: &Path) {
    loop {
        tokio::time::sleep(KEEP).await;
        let (past, path) = (past.clone(), path.to_owned());
        // What is not kept is counted anew; the next try may work.
        let _unkept = tokio::task::spawn_blocking(move || past.save(&path)).await;
    }
}

/// Finds agents whose cgroup came or went. Ends with an error only.
pub(super) async fn agents(office: &Arc<Office>) -> anyhow::Result<()> {
    let mut clock = tokio::time::interval(LOOK_AROUND);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        clock.tick().await;
        let office = Arc::clone(office);
        tokio::task::spawn_blocking(move || office.look_after_agents()).await?;
    }
}

/// Reads configuration and rules again at each SIGHUP. As above.
pub(super) async fn reloading(office: &Arc<Office>) -> anyhow::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    while hangup.recv().await.is_some() {
        notify("RELOADING=1")?;
        let office = Arc::clone(office);
        let done = tokio::task::spawn_blocking(move || office.reload("SIGHUP")).await?;
        if let Err(error) = done {
            say(&format!("nothing was changed: {error}"));
        }
        notify("READY=1")?;
    }
    std::future::pending().await
}

/// Tells the service manager that the ring is read. Where it is not, agents stand still: then the service manager hears
/// nothing, and starts the daemon anew. As above.
pub(super) async fn watchdog(pulse: &Pulse) -> anyhow::Result<()> {
    let Some(every) = service::watchdog() else { return std::future::pending().await };
    let mut clock = tokio::time::interval(every);
    let mut seen = 0;
    loop {
        clock.tick().await;
        let beats = pulse.beats();
        if beats != seen {
            notify("WATCHDOG=1")?;
        }
        seen = beats;
    }
}

/// Makes rules of what humans always want to allow. As above.
pub(super) async fn learning(
    office: &Arc<Office>,
    proposals: &mut UnboundedReceiver<Proposal>,
) -> anyhow::Result<()> {
    while let Some(proposal) = proposals.recv().await {
        let office = Arc::clone(office);
        tokio::task::spawn_blocking(move || office.learn(&proposal)).await?;
    }
    std::future::pending().await
}
