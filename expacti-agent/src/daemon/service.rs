//! What the daemon tells a service manager: that it is ready, what it does, and that it makes progress.

use std::env;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Beats of the thread that reads the ring. It beats every few seconds, also where nothing happens.
#[derive(Default)]
pub(crate) struct Pulse(AtomicU64);

impl Pulse {
    /// One round is done.
    pub(crate) fn beat(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn beats(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Says something to the service manager, if there is one. See `sd_notify(3)`.
pub(crate) fn notify(state: &str) -> io::Result<()> {
    let Some(place) = env::var_os("NOTIFY_SOCKET") else { return Ok(()) };
    let bytes = place.as_encoded_bytes();
    let address = match bytes.split_first() {
        Some((b'@', name)) => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(&place)?,
    };
    UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address).map(drop)
}

/// How often the service manager wants a sign of life: twice as often as it would lose patience. None: it wants none.
pub(crate) fn watchdog() -> Option<Duration> {
    let is_for_us = match env::var("WATCHDOG_PID") {
        Ok(pid) => pid == std::process::id().to_string(),
        Err(_) => true,
    };
    let micros: u64 = env::var("WATCHDOG_USEC").ok()?.parse().ok()?;
    is_for_us.then(|| Duration::from_micros(micros / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pulse_counts_rounds() {
        let pulse = Pulse::default();
        pulse.beat();
        pulse.beat();
        assert_eq!(pulse.beats(), 2);
    }
}
