//! The numbers of streams.

use crate::framing::StreamId;
use std::sync::atomic::{AtomicU32, Ordering};

/// Assigns every stream a number that no other stream of this process or of its checkpoint has.
#[derive(Debug)]
pub struct StreamIds(AtomicU32);

impl StreamIds {
    /// Starts above all numbers in `used`: those of the checkpoint.
    pub fn above(used: impl IntoIterator<Item = StreamId>) -> Self {
        Self(AtomicU32::new(used.into_iter().map(|stream| stream.0.wrapping_add(1)).max().unwrap_or(1)))
    }

    /// Returns a new number.
    pub fn next(&self) -> StreamId {
        StreamId(self.0.fetch_add(1, Ordering::Relaxed))
    }
}
