//! Threads that may be lost.
//!
//! A look at an agent's files can take for ever: the agent may serve them itself. Each piece of work has a moment by
//! which it is handed on, done or not. A thread that is still busy then is given up and another takes its place.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Threads that work.
const MEMBERS: usize = 2;

/// Threads that may be lost at one time. Beyond this nothing is looked at until some come back.
const LOST: usize = 16;

/// Work that may wait.
const QUEUE: usize = 1_024;

/// How often it is checked whether something is overdue, while there is work.
const WATCH: Duration = Duration::from_millis(50);

/// How a piece of work came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// Done.
    Through,
    /// Not in time, or there was too much to do.
    Late,
}

/// A piece of work. Whoever takes its content hands it on.
struct Piece<W> {
    content: Mutex<Option<W>>,
    begun: AtomicBool,
    until: Instant,
}

/// What is done with a piece of work, until when.
type Work<W> = Box<dyn Fn(&mut W, Instant) + Send + Sync>;

/// Where it goes then.
type HandOn<W> = Box<dyn Fn(W, Came) + Send + Sync>;

struct Shared<W> {
    queue: Mutex<Receiver<Arc<Piece<W>>>>,
    open: Mutex<Vec<Arc<Piece<W>>>>,
    more: Condvar,
    lost: AtomicUsize,
    work: Work<W>,
    hand_on: HandOn<W>,
}

/// The threads. They end with the process.
pub(super) struct Crew<W> {
    sender: SyncSender<Arc<Piece<W>>>,
    shared: Arc<Shared<W>>,
    patience: Duration,
}

impl<W: Clone + Send + 'static> Crew<W> {
    /// `work` is done by a thread that can be lost; `hand_on` must be quick, and is called once for each piece.
    pub(super) fn start(
        patience: Duration,
        work: impl Fn(&mut W, Instant) + Send + Sync + 'static,
        hand_on: impl Fn(W, Came) + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let (sender, queue) = sync_channel(QUEUE);
        let shared = Arc::new(Shared {
            queue: Mutex::new(queue),
            open: Mutex::default(),
            more: Condvar::new(),
            lost: AtomicUsize::new(0),
            work: Box::new(work),
            hand_on: Box::new(hand_on),
        });
        for _ in 0..MEMBERS {
            Shared::hire(&shared)?;
        }
        let watched = Arc::clone(&shared);
        thread::Builder::new().name("crew-watch".to_owned()).spawn(move || {
            loop {
                let open = watched.more.wait_while(lock(&watched.open), |open| open.is_empty());
                drop(open);
                thread::sleep(WATCH);
                Shared::watch(&watched);
            }
        })?;
        Ok(Self { sender, shared, patience })
    }

    /// Takes a piece of work. Never waits.
    pub(super) fn take(&self, work: W) {
        let until = Instant::now() + self.patience;
        let piece = Arc::new(Piece { content: Mutex::new(Some(work)), begun: AtomicBool::new(false), until });
        lock(&self.shared.open).push(Arc::clone(&piece));
        self.shared.more.notify_one();
        if let Err(TrySendError::Full(piece) | TrySendError::Disconnected(piece)) =
            self.sender.try_send(piece)
        {
            self.shared.give_up(&piece);
        }
    }
}

impl<W: Clone + Send + 'static> Shared<W> {
    fn hire(shared: &Arc<Self>) -> std::io::Result<()> {
        let shared = Arc::clone(shared);
        thread::Builder::new().name("crew".to_owned()).spawn(move || while shared.one() {}).map(drop)
    }

    /// Does one piece of work. False: this thread was given up meanwhile.
    fn one(&self) -> bool {
        let Ok(piece) = lock(&self.queue).recv() else { return false };
        let mut work = {
            let content = lock(&piece.content);
            // Overdue in the queue.
            let Some(work) = content.clone() else { return true };
            piece.begun.store(true, Ordering::SeqCst);
            work
        };
        // A panic is a piece of work that does not come through in time.
        let ended =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| (self.work)(&mut work, piece.until)));
        let is_ours = lock(&piece.content).take().is_some();
        if !is_ours {
            // It stays where nobody took its place.
            return self.lost.fetch_sub(1, Ordering::SeqCst) > LOST;
        }
        (self.hand_on)(work, if ended.is_ok() { Came::Through } else { Came::Late });
        true
    }

    fn watch(shared: &Arc<Self>) {
        let now = Instant::now();
        let overdue: Vec<_> = lock(&shared.open)
            .extract_if(.., |piece| lock(&piece.content).is_none() || now >= piece.until)
            .collect();
        for piece in overdue {
            if shared.give_up(&piece) && piece.begun.load(Ordering::SeqCst) {
                let lost = shared.lost.fetch_add(1, Ordering::SeqCst) + 1;
                if lost <= LOST {
                    // Without threads nothing is looked at, and everything is handed on as it is.
                    let _unhired = Self::hire(shared);
                }
            }
        }
    }

    /// Hands on what is not done. True: it was not done.
    fn give_up(&self, piece: &Piece<W>) -> bool {
        let content = lock(&piece.content).take();
        let was_open = content.is_some();
        if let Some(work) = content {
            (self.hand_on)(work, Came::Late);
        }
        was_open
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn who_is_lost_is_replaced_and_every_piece_is_handed_on_once() {
        let (sender, handed_on) = channel();
        let (keep, stuck) = channel::<()>();
        let stuck = Mutex::new(stuck);
        let work = move |work: &mut u32, _| {
            assert_ne!(*work, 13);
            if *work >= 100 {
                // For ever.
                let _ = lock(&stuck).recv();
            }
            *work += 1;
        };
        let hand_on = move |work, came| sender.send((work, came)).unwrap();
        let crew = Crew::start(Duration::from_millis(500), work, hand_on).unwrap();
        for number in [100, 101, 102, 1, 2, 13] {
            crew.take(number);
        }
        let mut seen: Vec<_> =
            (0..6).map(|_| handed_on.recv_timeout(Duration::from_secs(30)).unwrap()).collect();
        // Whoever stood behind those that got stuck was late too, or came through: both are handed on.
        seen.retain(|(number, _)| *number >= 100 || *number == 13);
        seen.sort_unstable_by_key(|(number, _)| *number);
        assert_eq!(seen, [(13, Came::Late), (100, Came::Late), (101, Came::Late), (102, Came::Late)]);
        crew.take(5);
        assert_eq!(handed_on.recv_timeout(Duration::from_secs(30)).unwrap(), (6, Came::Through));
        drop(keep);
        crew.take(6);
        assert_eq!(handed_on.recv_timeout(Duration::from_secs(30)).unwrap(), (7, Came::Through));
        assert!(handed_on.recv_timeout(Duration::from_millis(100)).is_err(), "something was handed on twice");
    }
}
