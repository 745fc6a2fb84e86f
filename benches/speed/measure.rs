//! Two ways of doing it, run in turns, so that whatever else the machine does falls on both.
//!
//! Time is that which this thread had a core for: on a machine that others use too, a clock on the wall measures them.

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// What one way took, and how it compares.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figure {
    /// The median run.
    pub(crate) took: Duration,
    /// How fast it is, with the yardstick at 1: the median over pairs of runs next to each other.
    pub(crate) ratio: f64,
}

/// Measures `work` against `yardstick` over `pairs` pairs of runs: A B A B …, after one of each that is not counted.
/// `work` does the timing of what counts by itself.
pub(crate) fn in_turns(pairs: usize, mut yardstick: impl FnMut() -> Duration, mut work: impl FnMut() -> Duration) -> Figure {
    let (mut tooks, mut ratios) = (Vec::with_capacity(pairs), Vec::with_capacity(pairs));
    yardstick();
    work();
    for _ in 0..pairs {
        let (yard, took) = (yardstick(), work());
        tooks.push(took);
        ratios.push(yard.as_secs_f64() / took.as_secs_f64());
    }
    tooks.sort();
    ratios.sort_by(f64::total_cmp);
    Figure { took: tooks[pairs / 2], ratio: ratios[pairs / 2] }
}

/// How long `work` takes, and what it gave.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = on_core();
    let gave = std::hint::black_box(work());
    (on_core() - start, gave)
}

fn on_core() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}
