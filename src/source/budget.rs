//! How many bytes of all TCP peers together are read and not done with: on their way to the pipeline, or kept there as an
//! unfinished line or event. Where there is no room for more, peers are not read, and wait.
//!
//! Half of the room is dealt out, a share for every connection that may be: ordinary lines flow whatever others do. The
//! other half is for those who need more. When that is gone, everyone in need of more may hold half a line and wait for the
//! rest of it; so one of them after the other goes on beyond the room until its line ends. A line is bounded too.

use super::{CHUNK_BYTES, Gauges};
use std::fmt;
use std::future::pending;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// Who goes on beyond the room is waited for this long in all; then it is let go with what it has sent of its line.
const TURN: Duration = Duration::from_mins(1);

/// The room of all peers of a process.
#[derive(Debug)]
pub struct MemoryBudget {
    ledger: Mutex<BudgetState>,
    freed: Notify,
    /// The one place beyond the room.
    turn: Arc<Semaphore>,
}

#[derive(Debug)]
struct BudgetState {
    room: usize,
    share: usize,
    /// What connections hold beyond their shares.
    over: usize,
    /// Somebody has waited since there was plenty of room.
    said: bool,
}

impl MemoryBudget {
    /// Room for so many bytes, for at most so many peers.
    #[must_use]
    pub fn new(room: usize, peers: usize) -> Arc<Self> {
        let ledger = BudgetState { room, share: 0, over: 0, said: false };
        let this = Self { ledger: Mutex::new(ledger), freed: Notify::new(), turn: Arc::new(Semaphore::new(1)) };
        this.set(room, peers);
        Arc::new(this)
    }

    /// Another room, or other peers; what is held is held.
    pub fn set(&self, room: usize, peers: usize) {
        {
            let mut ledger = self.lock();
            (ledger.room, ledger.share) = (room, (room / 2 / peers.max(1)).max(1));
        }
        self.freed.notify_waiters();
    }

    /// The account of a new connection.
    pub fn open(self: &Arc<Self>, gauges: Arc<Gauges>) -> Arc<Reservation> {
        Arc::new(Reservation { budget: Arc::clone(self), gauges, counts: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, BudgetState> {
        // The sections are short and hold no invariant that a panic could break.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one connection holds of the room; it gives all of it back when it is dropped.
#[derive(Debug)]
pub struct Reservation {
    budget: Arc<MemoryBudget>,
    gauges: Arc<Gauges>,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    /// Read, and not handled yet.
    flying: usize,
    /// Handled, and kept as the beginning of something.
    kept: usize,
    /// What of both was booked as beyond the share.
    over: usize,
    /// Its turn to go on beyond the room, and how much time it has taken for that.
    turn: Option<OwnedSemaphorePermit>,
    taken: Duration,
}

impl Reservation {
    /// Says how many bytes the pipeline keeps of this connection.
    pub fn set_kept(&self, bytes: usize) {
        self.change(|counts| counts.kept = bytes);
    }

    /// Waits until some bytes may be read, at most `want`: how many. At the end there is room for everybody.
    pub(super) async fn room(&self, want: usize, stop: &CancellationToken) -> usize {
        let mut waited = false;
        loop {
            let freed = self.budget.freed.notified();
            tokio::pin!(freed);
            // From here on no change goes unnoticed.
            freed.as_mut().enable();
            let given = self.take(want, stop.is_cancelled());
            if given > 0 {
                return given;
            }
            if !std::mem::replace(&mut waited, true) {
                self.note_wait();
            }
            tokio::select! {
                () = freed => {}
                () = stop.cancelled() => {}
                turn = self.turn() => self.change(|counts| (counts.turn, counts.taken) = (turn, Duration::ZERO)),
            }
        }
    }

    /// Resolves when it is this connection's turn to go on beyond the room. Who holds nothing unfinished needs none.
    async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        let needs_one = {
            let counts = self.lock();
            counts.turn.is_none() && counts.kept > 0
        };
        if !needs_one {
            return pending().await;
        }
        Arc::clone(&self.budget.turn).acquire_owned().await.ok()
    }

    /// How long a read may take, where others wait for its end.
    pub(super) fn patience(&self) -> Option<Duration> {
        let counts = self.lock();
        counts.turn.as_ref().map(|_| TURN.saturating_sub(counts.taken))
    }

    /// Books the time that a read took.
    pub(super) fn waited_for(&self, since: Instant) {
        self.lock().taken += since.elapsed();
    }

    fn take(&self, want: usize, anyway: bool) -> usize {
        let mut given = 0;
        self.change(|counts| {
            let free = {
                let ledger = self.budget.lock();
                let own = ledger.share.saturating_sub(counts.flying + counts.kept);
                own + (ledger.room / 2).saturating_sub(ledger.over)
            };
            let its_turn = counts.turn.is_some() && counts.flying == 0;
            given = if anyway || its_turn { want.min(CHUNK_BYTES) } else { want.min(free) };
            counts.flying += given;
        });
        given
    }

    /// Gives back what was taken for a read and was not needed, or was handled.
    pub(super) fn give_back(&self, bytes: usize) {
        if bytes > 0 {
            self.change(|counts| counts.flying = counts.flying.saturating_sub(bytes));
        }
    }

    fn change(&self, change: impl FnOnce(&mut Counts)) {
        let mut counts = self.lock();
        let before = counts.flying + counts.kept;
        change(&mut counts);
        let after = counts.flying + counts.kept;
        let (freed, fits) = {
            let mut ledger = self.budget.lock();
            let over = after.saturating_sub(ledger.share);
            ledger.over = (ledger.over + over).saturating_sub(counts.over);
            counts.over = over;
            if ledger.said && ledger.over < ledger.room / 8 {
                ledger.said = false;
                info!("there is room for the lines of TCP peers again");
            }
            (after < before, after < ledger.share)
        };
        if fits || counts.kept == 0 {
            counts.turn = None;
        }
        let buffered = &self.gauges.buffered_bytes;
        if after >= before {
            buffered.fetch_add((after - before) as u64, Ordering::Relaxed);
        } else {
            buffered.fetch_sub((before - after) as u64, Ordering::Relaxed);
        }
        drop(counts);
        if freed {
            self.budget.freed.notify_waiters();
        }
    }

    fn note_wait(&self) {
        self.gauges.waits.fetch_add(1, Ordering::Relaxed);
        let mut ledger = self.budget.lock();
        if !std::mem::replace(&mut ledger.said, true) {
            let room = ledger.room;
            warn!(room, "the lines of TCP peers fill limits.tcp_buffer; those with more wait, and nothing is lost");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.change(|counts| (counts.flying, counts.kept) = (0, 0));
    }
}

/// Bytes that are booked until the last of them is handled.
pub(super) struct Booked {
    pub(super) bytes: Vec<u8>,
    pub(super) hold: Arc<Reservation>,
}

impl fmt::Debug for Booked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Booked").field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}

impl AsRef<[u8]> for Booked {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Booked {
    fn drop(&mut self) {
        self.hold.give_back(self.bytes.len());
    }
}
