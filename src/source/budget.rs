//! The memory of all TCP connections together: bytes that were read and are not handled yet, either in the queue to the
//! pipeline or kept there as an unfinished line or event. A connection is not read while its bytes would exceed the limit.
//!
//! Half of the budget is reserved, split equally over the maximum number of connections, so short lines always get through.
//! The other half is shared by connections with longer lines. When it is used up, several connections may each hold half a
//! line and wait for the rest. To resolve this deadlock, one connection at a time may exceed the budget until its line ends;
//! the framing bounds the length of a line.

use super::Gauges;
use super::chunk::CHUNK_BYTES;
use std::fmt;
use std::future::pending;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// A connection may exceed the budget for at most this long in total. After that it is closed and its partial line is kept.
const MAX_EXCESS_TIME: Duration = Duration::from_mins(1);

/// The memory of all TCP connections of the process.
#[derive(Debug)]
pub struct MemoryBudget {
    state: Mutex<BudgetState>,
    freed: Notify,
    /// Its single permit allows one connection to exceed the budget.
    excess: Arc<Semaphore>,
}

#[derive(Debug)]
struct BudgetState {
    /// The whole budget, in bytes.
    limit: usize,
    /// What is reserved for each connection, in bytes.
    share: usize,
    /// What connections hold beyond their shares, in bytes.
    over_share: usize,
    /// The warning about a full budget was logged and the all-clear was not.
    warned: bool,
}

impl MemoryBudget {
    /// A budget of `limit` bytes for at most `peers` connections.
    #[must_use]
    pub fn new(limit: usize, peers: usize) -> Arc<Self> {
        let state = BudgetState { limit, share: 0, over_share: 0, warned: false };
        let budget = Self { state: Mutex::new(state), freed: Notify::new(), excess: Arc::new(Semaphore::new(1)) };
        budget.set(limit, peers);
        Arc::new(budget)
    }

    /// Changes the limits. Existing reservations keep their bytes.
    pub fn set(&self, limit: usize, peers: usize) {
        {
            let mut state = self.lock();
            (state.limit, state.share) = (limit, (limit / 2 / peers.max(1)).max(1));
        }
        self.freed.notify_waiters();
    }

    /// The whole budget, in bytes.
    pub(super) fn limit(&self) -> usize {
        self.lock().limit
    }

    /// Creates the reservation of a new connection, with no bytes reserved.
    pub fn open(self: &Arc<Self>, gauges: Arc<Gauges>) -> Arc<Reservation> {
        Arc::new(Reservation { budget: Arc::clone(self), gauges, usage: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, BudgetState> {
        // The sections are short, and a panic in one cannot break an invariant.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one connection holds of the budget. All of it is released on drop.
#[derive(Debug)]
pub struct Reservation {
    budget: Arc<MemoryBudget>,
    gauges: Arc<Gauges>,
    usage: Mutex<Usage>,
}

#[derive(Debug, Default)]
struct Usage {
    /// Bytes that were read, or are reserved for a read, and are not handled yet.
    in_flight: usize,
    /// Bytes that were handled and that the pipeline keeps as the start of a line or event.
    kept: usize,
    /// How much of both is counted in [`BudgetState::over_share`].
    over_share: usize,
    /// The permit to exceed the budget.
    excess_permit: Option<OwnedSemaphorePermit>,
    /// How long reads took since the permit was granted.
    excess_time: Duration,
}

impl Reservation {
    /// Sets how many bytes of this connection the pipeline keeps.
    pub fn set_kept(&self, bytes: usize) {
        self.update(|usage| usage.kept = bytes);
    }

    /// Reserves all of these bytes, or none of them if the budget does not hold them now.
    pub(super) fn try_reserve_whole(&self, bytes: usize) -> bool {
        let mut fits = false;
        self.update(|usage| {
            fits = bytes <= self.free(usage);
            usage.in_flight += if fits { bytes } else { 0 };
        });
        if !fits {
            self.note_wait();
        }
        fits
    }

    /// How many bytes this connection may reserve now.
    fn free(&self, usage: &Usage) -> usize {
        let state = self.budget.lock();
        let own = state.share.saturating_sub(usage.in_flight + usage.kept);
        own + (state.limit / 2).saturating_sub(state.over_share)
    }

    /// Waits until some bytes may be read, reserves at most `wanted` bytes, and returns how many. After `stop` it reserves
    /// without waiting, whatever the budget holds.
    pub(super) async fn reserve(&self, wanted: usize, stop: &CancellationToken) -> usize {
        let mut noted = false;
        loop {
            let freed = self.budget.freed.notified();
            tokio::pin!(freed);
            // From here on no notification is missed.
            freed.as_mut().enable();
            let reserved = self.try_reserve(wanted, stop.is_cancelled());
            if reserved > 0 {
                return reserved;
            }
            if !std::mem::replace(&mut noted, true) {
                self.note_wait();
            }
            tokio::select! {
                () = freed => {}
                () = stop.cancelled() => {}
                permit = self.acquire_excess() => {
                    self.update(|usage| (usage.excess_permit, usage.excess_time) = (permit, Duration::ZERO));
                }
            }
        }
    }

    /// Resolves when this connection may exceed the budget. Never resolves for a connection without an unfinished line.
    async fn acquire_excess(&self) -> Option<OwnedSemaphorePermit> {
        let needs_permit = {
            let usage = self.lock();
            usage.excess_permit.is_none() && usage.kept > 0
        };
        if !needs_permit {
            return pending().await;
        }
        Arc::clone(&self.budget.excess).acquire_owned().await.ok()
    }

    /// How long this connection may still exceed the budget; `None` where it does not exceed it.
    pub(super) fn excess_time_left(&self) -> Option<Duration> {
        let usage = self.lock();
        usage.excess_permit.as_ref().map(|_| MAX_EXCESS_TIME.saturating_sub(usage.excess_time))
    }

    /// Counts a read that began at `since` against the time in which this connection may exceed the budget.
    pub(super) fn add_excess_time(&self, since: Instant) {
        self.lock().excess_time += since.elapsed();
    }

    fn try_reserve(&self, wanted: usize, unconditionally: bool) -> usize {
        let mut reserved = 0;
        self.update(|usage| {
            let free = self.free(usage);
            let may_exceed = usage.excess_permit.is_some() && usage.in_flight == 0;
            reserved = if unconditionally || may_exceed { wanted.min(CHUNK_BYTES) } else { wanted.min(free) };
            usage.in_flight += reserved;
        });
        reserved
    }

    /// Releases bytes that were handled, or that were reserved for a read and not used.
    pub(super) fn release(&self, bytes: usize) {
        if bytes > 0 {
            self.update(|usage| usage.in_flight = usage.in_flight.saturating_sub(bytes));
        }
    }

    /// Applies `change` and carries its effect over to the budget, the gauges and the waiting connections.
    fn update(&self, change: impl FnOnce(&mut Usage)) {
        let mut usage = self.lock();
        let before = usage.in_flight + usage.kept;
        change(&mut usage);
        let after = usage.in_flight + usage.kept;
        let (freed, fits_share) = {
            let mut state = self.budget.lock();
            let over_share = after.saturating_sub(state.share);
            state.over_share = (state.over_share + over_share).saturating_sub(usage.over_share);
            usage.over_share = over_share;
            if state.warned && state.over_share < state.limit / 8 {
                state.warned = false;
                info!("TCP buffer has free space again");
            }
            (after < before, after < state.share)
        };
        if fits_share || usage.kept == 0 {
            usage.excess_permit = None;
        }
        let buffered = &self.gauges.buffered_bytes;
        if after >= before {
            buffered.fetch_add((after - before) as u64, Ordering::Relaxed);
        } else {
            buffered.fetch_sub((before - after) as u64, Ordering::Relaxed);
        }
        drop(usage);
        if freed {
            self.budget.freed.notify_waiters();
        }
    }

    fn note_wait(&self) {
        self.gauges.waits.fetch_add(1, Ordering::Relaxed);
        let mut state = self.budget.lock();
        if !std::mem::replace(&mut state.warned, true) {
            let limit = state.limit;
            warn!(
                limit,
                "TCP buffer is full (limits.tcp_buffer): peers with long lines or large requests wait, no line is lost"
            );
        }
    }

    fn lock(&self) -> MutexGuard<'_, Usage> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.update(|usage| (usage.in_flight, usage.kept) = (0, 0));
    }
}

/// Bytes that release their part of the reservation when the last reference to them is dropped.
pub(super) struct ReservedBytes {
    pub(super) bytes: Vec<u8>,
    pub(super) reservation: Arc<Reservation>,
}

impl fmt::Debug for ReservedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReservedBytes").field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}

impl AsRef<[u8]> for ReservedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for ReservedBytes {
    fn drop(&mut self) {
        self.reservation.release(self.bytes.len());
    }
}
