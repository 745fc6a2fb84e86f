//! How many events happened when: counts over time in a fixed amount of memory, and their sparkline.

use crate::time::Timestamp;

/// The most buckets of a trend. A longer time doubles the length of all buckets.
const MAX_BUCKETS: usize = 128;

/// Counts in buckets of equal length. The length grows with the time between the first and the last event.
#[derive(Clone, Debug, Default)]
pub(super) struct Trend {
    /// The length of a bucket in seconds: two to the power of this.
    doublings: u32,
    /// The number of the first bucket since the epoch.
    first: i64,
    counts: Vec<u32>,
}

impl Trend {
    pub(super) fn add(&mut self, at: Timestamp) {
        loop {
            let bucket = at.second() >> self.doublings;
            if self.counts.is_empty() {
                self.first = bucket;
            }
            let length = self.counts.len();
            if let Ok(index) = usize::try_from(bucket.saturating_sub(self.first)) {
                if index < MAX_BUCKETS {
                    self.counts.resize(length.max(index + 1), 0);
                    self.counts[index] = self.counts[index].saturating_add(1);
                    return;
                }
            } else if let Ok(missing) = usize::try_from(self.first.saturating_sub(bucket))
                && length.saturating_add(missing) <= MAX_BUCKETS
            {
                self.counts.splice(..0, std::iter::repeat_n(0, missing));
                self.first = bucket;
                self.counts[0] = 1;
                return;
            }
            self.double();
        }
    }

    /// Doubles the length of the buckets.
    fn double(&mut self) {
        let before = std::mem::take(&mut self.counts);
        let first = self.first >> 1;
        for (number, count) in (self.first..).zip(before) {
            let index = usize::try_from((number >> 1) - first).unwrap_or_default();
            self.counts.resize(index + 1, 0);
            self.counts[index] = self.counts[index].saturating_add(count);
        }
        (self.first, self.doublings) = (first, self.doublings + 1);
    }

    /// The counts in `columns` equal parts of the time from `from` to `to`.
    fn parts(&self, (from, to): (Timestamp, Timestamp), columns: usize) -> Vec<u64> {
        let mut parts = vec![0; columns];
        let seconds = i128::from(to.second().saturating_sub(from.second())) + 1;
        for (number, count) in (self.first..).zip(&self.counts) {
            let middle = (i128::from(number) << self.doublings) + ((1_i128 << self.doublings) >> 1);
            let column = (middle - i128::from(from.second())).max(0) * columns as i128 / seconds;
            let column = usize::try_from(column).unwrap_or(usize::MAX).min(columns.saturating_sub(1));
            if let Some(part) = parts.get_mut(column) {
                *part += u64::from(*count);
            }
        }
        parts
    }

    /// One character for each of `columns` parts of the time, as high as the part has events; a blank for none.
    pub(super) fn sparkline(&self, span: (Timestamp, Timestamp), columns: usize) -> String {
        const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        let parts = self.parts(span, columns);
        let most = parts.iter().copied().max().unwrap_or(0);
        let height = |count: u64| usize::try_from((count * 8).div_ceil(most.max(1))).unwrap_or(8);
        parts.iter().map(|count| if *count == 0 { ' ' } else { BARS[height(*count).clamp(1, 8) - 1] }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second)
    }

    fn trend(seconds: &[i64]) -> Trend {
        let mut trend = Trend::default();
        for second in seconds {
            trend.add(at(*second));
        }
        trend
    }

    #[test]
    fn a_bar_is_as_high_as_its_part_of_the_time_has_events() {
        let line = |seconds: &[i64]| trend(seconds).sparkline((at(100), at(107)), 8);
        assert_eq!(line(&[100, 101, 101, 107, 107, 107, 107]), "▂▄     █");
        assert_eq!(line(&[107, 100]), "█      █", "the order of the events does not matter");
        assert_eq!(line(&[]), "        ");
        assert_eq!(trend(&[5]).sparkline((at(5), at(5)), 3).trim(), "█", "one instant");
    }

    #[test]
    fn no_event_is_lost_however_long_the_time_is() {
        let seconds: Vec<i64> =
            (0..5_000).map(|number| (number * 7_919) % 100_000 - 50_000).chain([i64::from(i32::MAX)]).collect();
        let trend = trend(&seconds);
        assert!(trend.counts.len() <= MAX_BUCKETS);
        assert_eq!(trend.counts.iter().map(|count| *count as usize).sum::<usize>(), seconds.len());
        assert_eq!(trend.parts((at(-50_000), at(i64::from(i32::MAX))), 10).iter().sum::<u64>(), 5_001);
    }
}
