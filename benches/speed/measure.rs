//! Measures two implementations in alternation, so that other load of the machine affects both.
//!
//! Times are CPU times of this thread: on a shared machine, the wall clock would measure the other programs.

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// The result of a measurement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figure {
    /// The CPU time of the median run.
    pub(crate) took: Duration,
    /// The speed relative to the yardstick (1.0): the median over pairs of adjacent runs.
    pub(crate) ratio: f64,
}

/// Measures `work` against `yardstick` in `pairs` pairs of runs (A B A B …), after one uncounted run of each.
/// Both return the time that counts.
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

/// Returns the CPU time of `work` and its result.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = on_core();
    let result = std::hint::black_box(work());
    (on_core() - start, result)
}

fn on_core() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}
