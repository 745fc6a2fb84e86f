//! The memory that one request may take, out of the budget of all peers.

use super::refusal::Refusal;
use crate::source::Gauges;
use crate::source::budget::{MemoryBudget, Reservation, ReservedBytes};
use std::sync::Arc;

/// What a request may take. Its body and its lines together take at most half of the budget, which is the part that peers
/// share: a request that is small enough is never refused for ever.
#[derive(Debug)]
pub(super) struct Memory {
    reservation: Arc<Reservation>,
    /// The most bytes of a body, as sent and unpacked.
    pub(super) body: usize,
    /// The most bytes of its lines.
    pub(super) lines: usize,
}

impl Memory {
    pub(super) fn new(budget: &Arc<MemoryBudget>, gauges: &Arc<Gauges>) -> Self {
        let eighth = budget.limit() / 8;
        Self { reservation: budget.open(Arc::clone(gauges)), body: eighth, lines: 3 * eighth }
    }

    /// Bytes that count against the budget until they are dropped; none at first.
    pub(super) fn bytes(&self) -> ReservedBytes {
        ReservedBytes { bytes: Vec::new(), reservation: Arc::clone(&self.reservation) }
    }

    /// Adds to such bytes, at most `most` in all.
    pub(super) fn extend(&self, held: &mut ReservedBytes, more: &[u8], most: usize) -> Result<(), Refusal> {
        if held.bytes.len() + more.len() > most {
            return Err(Refusal::TooLarge(most));
        }
        self.reserve(more.len())?;
        held.bytes.extend_from_slice(more);
        Ok(())
    }

    /// Takes bytes that exist already.
    pub(super) fn hold(&self, bytes: Vec<u8>) -> Result<ReservedBytes, Refusal> {
        self.reserve(bytes.len())?;
        Ok(ReservedBytes { bytes, reservation: Arc::clone(&self.reservation) })
    }

    fn reserve(&self, bytes: usize) -> Result<(), Refusal> {
        if self.reservation.try_reserve_whole(bytes) { Ok(()) } else { Err(Refusal::Busy) }
    }
}
