//! One window: a ring of buckets and their sum.

use serde::{Deserialize, Serialize};

/// Counts over the last `N` buckets of `WIDTH` seconds each. The span is `N * WIDTH` seconds, exact to `WIDTH`.
///
/// The newest bucket is the latest that an event or a tick has reached. The cost does not depend on the span: as the ring advances, each
/// bucket that leaves it is subtracted from the sum once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "RingState", from = "RingState")]
pub struct Ring<const N: usize, const WIDTH: i64> {
    counts: [u32; N],
    newest: i64,
    sum: u64,
}

impl<const N: usize, const WIDTH: i64> Ring<N, WIDTH> {
    /// Before the bucket of every [`crate::time::Timestamp`], and far from an overflow.
    const NEVER: i64 = i64::MIN / 2;

    /// An empty window.
    #[must_use]
    pub const fn new() -> Self {
        Self { counts: [0; N], newest: Self::NEVER, sum: 0 }
    }

    /// Counts `n` events of this second. `false`: the second is before the window, nothing was counted.
    #[expect(clippy::cast_possible_wrap, reason = "`N` is a small constant")]
    pub fn add(&mut self, second: i64, n: u32) -> bool {
        let bucket = second.div_euclid(WIDTH);
        self.advance_to_bucket(bucket);
        if self.newest - bucket >= N as i64 {
            return false;
        }
        let count = &mut self.counts[Self::slot(bucket)];
        let before = *count;
        *count = before.saturating_add(n);
        self.sum += u64::from(*count - before);
        true
    }

    /// Moves the window forward, so that it ends with the bucket of this second. It never moves back.
    pub fn advance(&mut self, second: i64) {
        self.advance_to_bucket(second.div_euclid(WIDTH));
    }

    /// Number of events in the window that ends at `second`, or at the position to which the window was last moved if that is later.
    #[must_use]
    #[expect(clippy::cast_possible_wrap, reason = "`N` is a small constant")]
    pub fn total(&self, second: i64) -> u64 {
        let passed = (second.div_euclid(WIDTH) - self.newest).clamp(0, N as i64);
        let gone: u64 = (1..=passed).map(|step| u64::from(self.counts[Self::slot(self.newest + step)])).sum();
        self.sum - gone
    }

    /// The count of each bucket of the window that ends at `second`, the oldest first.
    #[must_use]
    #[expect(clippy::cast_possible_wrap, reason = "`N` is a small constant")]
    pub fn buckets(&self, second: i64) -> [u32; N] {
        let last = second.div_euclid(WIDTH);
        std::array::from_fn(|index| {
            let bucket = last - (N - 1 - index) as i64;
            let is_kept = bucket <= self.newest && self.newest - bucket < N as i64;
            if is_kept { self.counts[Self::slot(bucket)] } else { 0 }
        })
    }

    /// Whether it has no events.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.sum == 0
    }

    #[expect(clippy::cast_possible_wrap, reason = "`N` is a small constant")]
    fn advance_to_bucket(&mut self, bucket: i64) {
        let passed = bucket - self.newest;
        if passed <= 0 {
            return;
        }
        if passed >= N as i64 {
            self.counts.fill(0);
            self.sum = 0;
        } else {
            for step in 1..=passed {
                let count = &mut self.counts[Self::slot(self.newest + step)];
                self.sum -= u64::from(*count);
                *count = 0;
            }
        }
        self.newest = bucket;
    }

    #[expect(clippy::cast_possible_truncation, reason = "the remainder is below `N`")]
    #[expect(clippy::cast_possible_wrap, reason = "`N` is a small constant")]
    const fn slot(bucket: i64) -> usize {
        bucket.rem_euclid(N as i64) as usize
    }
}

impl<const N: usize, const WIDTH: i64> Default for Ring<N, WIDTH> {
    fn default() -> Self {
        Self::new()
    }
}

/// A saved ring: only the buckets with events.
#[derive(Serialize, Deserialize)]
struct RingState {
    newest: i64,
    counts: Vec<(i64, u32)>,
}

impl<const N: usize, const WIDTH: i64> From<Ring<N, WIDTH>> for RingState {
    #[expect(clippy::cast_possible_wrap, reason = "`N` is a small constant")]
    fn from(ring: Ring<N, WIDTH>) -> Self {
        let oldest = ring.newest.saturating_sub(N as i64 - 1);
        let counts = (oldest..=ring.newest).map(|bucket| (bucket, ring.counts[Ring::<N, WIDTH>::slot(bucket)]));
        Self { newest: ring.newest, counts: counts.filter(|(_, count)| *count > 0).collect() }
    }
}

impl<const N: usize, const WIDTH: i64> From<RingState> for Ring<N, WIDTH> {
    #[expect(clippy::cast_possible_wrap, reason = "`N` is a small constant")]
    fn from(state: RingState) -> Self {
        let mut ring = Self { newest: state.newest.clamp(Self::NEVER, i64::MAX / 2), ..Self::new() };
        for (bucket, count) in state.counts {
            // A damaged state may name any bucket; only those within the window are used.
            if (ring.newest - (N as i64 - 1)..=ring.newest).contains(&bucket) {
                ring.add(bucket.saturating_mul(WIDTH), count);
            }
        }
        ring
    }
}
