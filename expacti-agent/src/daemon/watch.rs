//! The watch over the gate: a canary flies every few seconds. Where it is not refused, the agents stand still.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use thiserror::Error;

use super::ledger::Ledger;
use super::say;
use crate::kernel::{CANARY_FOLDER, Canary, Flight, Gate};

/// How long the canary has to be refused and reported. Under a flood of events it tries several times.
const LIMIT: Duration = Duration::from_secs(4);
/// How long one try waits for its report at the most: as long as it may take to read a full ring on a busy machine.
const BACKLOG: Duration = Duration::from_secs(30);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(100);

/// Why the gate is not in force.
#[derive(Debug, Error, PartialEq, Eq)]
enum Silence {
    #[error("the canary's command ran, though the gate must refuse it")]
    Ran,
    #[error("the canary's command failed for another reason: {0}")]
    Failed(String),
    #[error("the canary's command neither ran nor failed")]
    Hangs,
    #[error("the canary's command was refused, but the kernel did not tell us")]
    Unreported,
}

/// Shows that the gate is in force, and then starts to watch over it.
pub(super) async fn start(
    gate: Arc<Gate>,
    ledger: Arc<Ledger>,
    interval: Option<Duration>,
) -> anyhow::Result<()> {
    // Not on the runtime's thread: by it the ring's thread reads the log, before it comes to the canary.
    tokio::task::spawn_blocking(move || start_here(gate, ledger, interval)).await?
}

fn start_here(gate: Arc<Gate>, ledger: Arc<Ledger>, interval: Option<Duration>) -> anyhow::Result<()> {
    let canary = Canary::new(CANARY_FOLDER)?;
    gate.place_canary(&canary)?;
    let watch = Watch { gate, ledger, canary };
    watch.ask().context(
        "the kernel took the gate's programs and does not call them: agents would run ungated. `expacti doctor` says why",
    )?;
    let Some(interval) = interval else {
        say(
            "WARNING: no canary flies (canary = \"never\"): if somebody switches the gate off in the kernel, nobody notices",
        );
        watch.canary.remove();
        return Ok(());
    };
    thread::Builder::new().name("watch".to_owned()).spawn(move || watch.run(interval))?;
    Ok(())
}

struct Watch {
    gate: Arc<Gate>,
    ledger: Arc<Ledger>,
    canary: Canary,
}

impl Watch {
    fn run(self, interval: Duration) {
        let mut off = false;
        loop {
            thread::sleep(interval);
            match (self.ask(), off) {
                (Ok(()), false) => {}
                (Ok(()), true) => {
                    off = false;
                    let trouble = listed(&self.gate.go_on());
                    self.alarm("gate-on", format!("the gate fires again; the agents go on{trouble}"));
                }
                (Err(silence), _) => {
                    // Again each time: an agent may have been enrolled or thawed meanwhile.
                    let trouble = listed(&self.gate.stand_still());
                    if !off {
                        let text =
                            format!("the gate does not fire: {silence}; all agents stand still{trouble}");
                        self.alarm("gate-off", text);
                    }
                    off = true;
                }
            }
        }
    }

    fn ask(&self) -> Result<(), Silence> {
        let deadline = Instant::now() + LIMIT;
        loop {
            let before = self.gate.heard();
            let failed = match self.canary.fly(LIMIT) {
                Ok(Flight::Refused) => {
                    if self.gate.canary_reports_beyond(before, BACKLOG) {
                        return Ok(());
                    }
                    Silence::Unreported
                }
                Ok(Flight::Ran) => return Err(Silence::Ran),
                Ok(Flight::Hangs) => return Err(Silence::Hangs),
                Ok(Flight::Failed(number)) => {
                    Silence::Failed(std::io::Error::from_raw_os_error(number).to_string())
                }
                // No process can be started now; that may pass.
                Err(error) => Silence::Failed(error.to_string()),
            };
            if Instant::now() >= deadline {
                return Err(failed);
            }
            thread::sleep(PAUSE);
        }
    }

    fn alarm(&self, name: &str, text: String) {
        say(&format!("ALARM: {text}"));
        self.ledger.alarm(name, text);
    }
}

fn listed(troubles: &[crate::desk::KernelRefused]) -> String {
    troubles.iter().fold(String::new(), |said, trouble| said + "; " + &trouble.to_string())
}
