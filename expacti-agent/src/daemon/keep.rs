//! What the daemon does from time to time, beside serving.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use expacti_agent::memory;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedReceiver;

use super::office::Office;
use super::past::Past;
use super::say;
use super::service::{self, Pulse, notify};
use crate::desk::Proposal;
use crate::operations::Operations as _;

/// How often the agents' past is kept.
const KEEP: Duration = Duration::from_mins(5);
/// How often agents are looked for that may come at any moment.
const AWAITED: Duration = Duration::from_millis(500);
/// How often it is looked, where all are there and nothing happens, whether they still are.
const RARELY: Duration = Duration::from_secs(5);

/// Keeps the agents' past, in case this daemon does not end in order, and no memory that it does not need.
pub(super) async fn past(past: &Past, path: &Path) {
    memory::give_back();
    loop {
        tokio::time::sleep(KEEP).await;
        let (past, path) = (past.clone(), path.to_owned());
        let keep = move || {
            // What is not kept is counted anew; the next try may work.
            let _unkept = past.save(&path);
            // What a storm needed, it is over by now, or goes on and takes it again.
            memory::give_back();
        };
        let _panicked = tokio::task::spawn_blocking(keep).await;
    }
}

/// Finds agents whose cgroup came or went, when it hears of something and from time to time. Ends with an error only.
pub(super) async fn agents(office: &Arc<Office>, stirred: &Notify) -> anyhow::Result<()> {
    let mut rest = AWAITED;
    loop {
        tokio::select! {
            () = tokio::time::sleep(rest) => {}
            () = stirred.notified() => {}
        }
        let office = Arc::clone(office);
        let look = move || {
            office.look_after_agents();
            office.awaits_agents()
        };
        rest = if tokio::task::spawn_blocking(look).await? { AWAITED } else { RARELY };
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
