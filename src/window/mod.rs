//! Sliding windows over calls: how many failed, of how many, in the last 1, 5, 15 and 60 minutes.
//!
//! Windows describe the present for people and dashboards. Whether an alert fires is for [`crate::alert`], which measures the failures
//! themselves. The order in which the events of a second arrive does not change a window, and no event is counted twice or lost.
//!
//! Tests: `tests/it/window.rs`.

mod rates;
mod ring;

pub use rates::{Counted, RateOptions, RateTable, RateTableState, TrendView, WindowView};
pub use ring::Ring;

use serde::{Deserialize, Serialize};

/// The same events over four spans, exact to one bucket: one second for the two short spans, a sixtieth of the span for the others.
///
/// An event counts in every span that still covers its second, however late it arrives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlidingWindow {
    minute: Ring<60, 1>,
    five: Ring<300, 1>,
    quarter: Ring<60, 15>,
    hour: Ring<60, 60>,
}

impl SlidingWindow {
    /// The names of the spans, in the order of [`Self::totals`].
    pub const SPANS: [&'static str; 4] = ["1m", "5m", "15m", "1h"];

    /// Counts `n` events of this second. `false`: the second is before the longest span, nothing was counted.
    pub fn add(&mut self, second: i64, n: u32) -> bool {
        if !self.hour.add(second, n) {
            return false;
        }
        self.minute.add(second, n);
        self.five.add(second, n);
        self.quarter.add(second, n);
        true
    }

    /// Moves all spans forward, so that they end at this second.
    pub fn advance(&mut self, second: i64) {
        self.minute.advance(second);
        self.five.advance(second);
        self.quarter.advance(second);
        self.hour.advance(second);
    }

    /// Number of events in each span that ends at this second.
    #[must_use]
    pub fn totals(&self, second: i64) -> [u64; 4] {
        [self.minute.total(second), self.five.total(second), self.quarter.total(second), self.hour.total(second)]
    }

    /// Number of events in each minute of the hour that ends at this second, the oldest first.
    #[must_use]
    pub fn by_minute(&self, second: i64) -> [u32; 60] {
        self.hour.buckets(second)
    }

    /// Whether the longest span has no events.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.hour.is_empty()
    }
}
