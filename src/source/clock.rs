//! The current time, read from both clocks at once.

use crate::time::Timestamp;
use std::time::{Duration, Instant, SystemTime};

/// A larger difference between the two clocks means that the wall clock was set or the machine was suspended.
const CLOCK_LEAP: Duration = Duration::from_mins(1);

/// An instant by both clocks: wall time for timestamps, monotonic time for durations.
#[derive(Clone, Copy, Debug)]
pub struct ClockReading {
    /// The wall clock. It may jump.
    pub wall: Timestamp,
    /// The monotonic clock. Setting the wall clock does not change it.
    pub steady: Instant,
}

impl ClockReading {
    /// Reads both clocks.
    #[must_use]
    pub fn now() -> Self {
        Self { wall: Timestamp::from_system(SystemTime::now()), steady: Instant::now() }
    }

    /// Whether the wall clock advanced over a minute more, or less, than the monotonic clock since `earlier`.
    #[must_use]
    pub fn leaps_from(self, earlier: Self) -> bool {
        let expected = earlier.wall.plus(self.steady.duration_since(earlier.steady));
        self.wall.since(expected) > CLOCK_LEAP || expected.since(self.wall) > CLOCK_LEAP
    }
}
