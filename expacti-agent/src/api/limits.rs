//! How many requests one peer may make.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Peers that are remembered; the oldest are forgotten, which only does them good.
const PEERS: usize = 4_096;

/// A bucket of requests for each peer, refilled steadily.
#[derive(Debug)]
pub(super) struct Limits {
    per_second: f64,
    burst: f64,
    buckets: Mutex<HashMap<String, Bucket>>,
}

#[derive(Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Limits {
    pub(super) fn new(per_second: u32, burst: u32) -> Self {
        Self { per_second: f64::from(per_second), burst: f64::from(burst.max(1)), buckets: Mutex::default() }
    }

    /// Takes one request out of the peer's bucket, if there is one.
    pub(super) fn take(&self, peer: &str, now: Instant) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= PEERS && !buckets.contains_key(peer) {
            let oldest = buckets.iter().min_by_key(|(_, bucket)| bucket.at).map(|(name, _)| name.clone());
            oldest.and_then(|name| buckets.remove(&name));
        }
        let bucket = buckets.entry(peer.to_owned()).or_insert(Bucket { left: self.burst, at: now });
        let refill = now.saturating_duration_since(bucket.at).as_secs_f64() * self.per_second;
        bucket.left = (bucket.left + refill).min(self.burst);
        bucket.at = now;
        if bucket.left < 1.0 {
            return false;
        }
        bucket.left -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_peer_that_asks_too_often_waits_and_others_do_not() {
        let limits = Limits::new(2, 3);
        let start = Instant::now();
        let taken: Vec<bool> = (0..4).map(|_| limits.take("uid 1", start)).collect();
        assert_eq!(taken, [true, true, true, false]);
        assert!(limits.take("uid 2", start));
        assert!(limits.take("uid 1", start + Duration::from_millis(500)));
        assert!(!limits.take("uid 1", start + Duration::from_millis(500)));
    }
}
