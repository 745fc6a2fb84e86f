//! How long the calls of one series took: the latest five minutes as samples, and the day before them as hourly
//! logarithmic histograms.
//!
//! A sample is a time (per unit of the answer) and the size of the answer in these units, both as numbers of a logarithmic
//! bucket. It moves from the latest samples to the histogram of its hour when it is five minutes old, so it is never in both.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Buckets per factor of two.
const STEPS: f64 = 8.0;
/// The bucket of 1 second per unit, and of 64 units.
const MIDDLE: f64 = 128.0;
const SIZE_OF_MIDDLE: f64 = 64.0;

/// The latest samples are kept in spans of this many seconds.
const SLOT_SECONDS: i64 = 30;
const SLOTS: i64 = 10;
/// The maximum number of samples in a slot; further calls are not measured.
const SLOT_SAMPLES: usize = 24;
/// The maximum number of samples of five minutes.
const MAX_LATEST: usize = SLOT_SAMPLES * 10;
const HOUR_SECONDS: i64 = 3_600;
const HOURS: i64 = 24;

/// A time or a size as the number of its logarithmic bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Bucket(u8);

impl Bucket {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the number is clamped to 0 to 255")]
    pub(super) fn of_seconds(seconds: f64) -> Self {
        Self(seconds.log2().mul_add(STEPS, MIDDLE).round().clamp(0.0, 255.0) as u8)
    }

    pub(super) fn of_size(units: f64) -> Self {
        Self::of_seconds(units / SIZE_OF_MIDDLE)
    }

    pub(super) fn seconds(self) -> f64 {
        ((f64::from(self.0) - MIDDLE) / STEPS).exp2()
    }

    pub(super) fn size(self) -> f64 {
        self.seconds() * SIZE_OF_MIDDLE
    }
}

/// One measured call of the latest five minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sample {
    slot: i64,
    time: Bucket,
    size: Bucket,
}

/// The number of calls in each bucket of an hour; buckets without calls are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Hour {
    hour: i64,
    counts: Vec<(u8, u32)>,
}

/// The times of one series.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Durations {
    latest: VecDeque<Sample>,
    hours: VecDeque<Hour>,
}

impl Durations {
    /// Adds a call of second `at`, the second under evaluation.
    pub(super) fn add(&mut self, at: i64, time: Bucket, size: Bucket) {
        let slot = at.div_euclid(SLOT_SECONDS);
        self.advance(at);
        if self.latest.iter().rev().take_while(|sample| sample.slot == slot).count() < SLOT_SAMPLES {
            self.latest.push_back(Sample { slot, time, size });
        }
    }

    /// Moves the samples that are five minutes old to their hours, and removes hours older than a day.
    pub(super) fn advance(&mut self, at: i64) {
        let oldest = at.div_euclid(SLOT_SECONDS) - SLOTS + 1;
        while let Some(sample) = self.latest.pop_front_if(|sample| sample.slot < oldest) {
            self.add_to_hour((sample.slot * SLOT_SECONDS).div_euclid(HOUR_SECONDS), sample.time);
        }
        let first = at.div_euclid(HOUR_SECONDS) - HOURS + 1;
        while self.hours.pop_front_if(|hour| hour.hour < first).is_some() {}
    }

    /// The number of calls of the latest five minutes.
    pub(super) fn latest(&self) -> usize {
        self.latest.len()
    }

    /// The number of calls of the day before the latest five minutes.
    pub(super) fn earlier(&self) -> u64 {
        self.hours.iter().flat_map(|hour| &hour.counts).map(|(_, count)| u64::from(*count)).sum()
    }

    /// Whether no call of the last day is known.
    pub(super) fn is_empty(&self) -> bool {
        self.latest.is_empty() && self.hours.is_empty()
    }

    /// The median time of the latest five minutes, in seconds.
    pub(super) fn latest_median(&self) -> Option<f64> {
        median(self.latest.iter().map(|sample| sample.time)).map(Bucket::seconds)
    }

    /// The median size of the latest answers.
    pub(super) fn latest_size(&self) -> Option<f64> {
        median(self.latest.iter().map(|sample| sample.size)).map(Bucket::size)
    }

    /// The median time of the day before, in seconds.
    pub(super) fn earlier_median(&self) -> Option<f64> {
        let mut counts = [0u64; 256];
        for (bucket, count) in self.hours.iter().flat_map(|hour| &hour.counts) {
            if let Some(sum) = counts.get_mut(usize::from(*bucket)) {
                *sum += u64::from(*count);
            }
        }
        let half = counts.iter().sum::<u64>() / 2;
        let mut passed = 0;
        let found = counts.iter().position(|count| {
            passed += count;
            passed > half
        });
        found.and_then(|bucket| u8::try_from(bucket).ok()).map(|bucket| Bucket(bucket).seconds())
    }

    /// How many seconds longer the median call of the latest five minutes takes than one of the same size that takes
    /// `before` seconds per unit. Sizes and times belong together: a model that writes short and long answers has no
    /// call of both medians.
    pub(super) fn excess(&self, before: f64) -> Option<f64> {
        let mut all: Vec<f64> =
            self.latest.iter().map(|sample| (sample.time.seconds() - before) * sample.size.size()).collect();
        let middle = all.len() / 2;
        (!all.is_empty()).then(|| *all.select_nth_unstable_by(middle, f64::total_cmp).1)
    }

    fn add_to_hour(&mut self, hour: i64, Bucket(bucket): Bucket) {
        if self.hours.back().is_none_or(|last| last.hour < hour) {
            self.hours.push_back(Hour { hour, counts: Vec::new() });
        }
        let Some(Hour { counts, .. }) = self.hours.back_mut() else { return };
        match counts.binary_search_by_key(&bucket, |(bucket, _)| *bucket) {
            Ok(found) => {
                if let Some((_, count)) = counts.get_mut(found) {
                    *count = count.saturating_add(1);
                }
            }
            Err(place) => counts.insert(place, (bucket, 1)),
        }
    }

    /// The state as a short text: a series of a full day takes one to two kilobytes.
    pub(super) fn to_text(&self) -> String {
        let mut text = NumberText::default();
        let mut previous = 0;
        text.push(self.hours.len() as u64);
        for Hour { hour, counts } in &self.hours {
            text.push(hour.saturating_sub(previous).unsigned_abs());
            previous = *hour;
            text.push(counts.len() as u64);
            let mut last = 0;
            for (bucket, count) in counts {
                text.push(u64::from(*bucket - last));
                last = *bucket;
                text.push(u64::from(*count));
            }
        }
        let mut previous = 0;
        for Sample { slot, time, size } in &self.latest {
            text.push(slot.saturating_sub(previous).unsigned_abs());
            previous = *slot;
            text.push(u64::from(time.0));
            text.push(u64::from(size.0));
        }
        text.0
    }

    /// Reads what [`Self::to_text`] wrote. A damaged text gives what can be read of it.
    pub(super) fn from_text(text: &str) -> Self {
        let mut numbers = Numbers(text.bytes());
        let mut this = Self::default();
        let complete = this.read_hours(&mut numbers);
        if complete.is_some() {
            let mut slot = 0i64;
            while this.latest.len() < MAX_LATEST
                && let (Some(passed), Some(time), Some(size)) = (numbers.signed(), numbers.byte(), numbers.byte())
            {
                slot = slot.saturating_add(passed);
                this.latest.push_back(Sample { slot, time: Bucket(time), size: Bucket(size) });
            }
        }
        this
    }

    fn read_hours(&mut self, numbers: &mut Numbers<'_>) -> Option<()> {
        let mut hour = 0i64;
        for _ in 0..numbers.next()?.min(HOURS as u64) {
            hour = hour.saturating_add(numbers.signed()?);
            let mut counts = Vec::new();
            let mut bucket = 0u8;
            for _ in 0..numbers.next()?.min(256) {
                bucket = bucket.checked_add(numbers.byte()?)?;
                counts.push((bucket, u32::try_from(numbers.next()?).ok()?));
            }
            self.hours.push_back(Hour { hour, counts });
        }
        Some(())
    }
}

fn median(buckets: impl Iterator<Item = Bucket>) -> Option<Bucket> {
    let mut all: Vec<Bucket> = buckets.collect();
    let middle = all.len() / 2;
    (!all.is_empty()).then(|| *all.select_nth_unstable(middle).1)
}

/// Numbers as text: five bits a character, the lowest first; a character from 32 on is followed by another one.
#[derive(Default)]
struct NumberText(String);

const DIGITS: &[u8; 64] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";

impl NumberText {
    fn push(&mut self, mut number: u64) {
        loop {
            let more = number >= 32;
            let digit = number % 32 + u64::from(more) * 32;
            let digit = usize::try_from(digit).ok().and_then(|digit| DIGITS.get(digit)).copied();
            self.0.push(digit.map_or('0', char::from));
            if !more {
                return;
            }
            number /= 32;
        }
    }
}

struct Numbers<'a>(std::str::Bytes<'a>);

impl Numbers<'_> {
    fn next(&mut self) -> Option<u64> {
        let mut number = 0u64;
        for shift in (0..64).step_by(5) {
            let byte = self.0.next()?;
            let digit = DIGITS.iter().position(|digit| *digit == byte)? as u64;
            number |= (digit % 32).checked_shl(shift)?;
            if digit < 32 {
                return Some(number);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        self.next().and_then(|number| i64::try_from(number).ok())
    }

    fn byte(&mut self) -> Option<u8> {
        self.next().and_then(|number| u8::try_from(number).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_survives_as_a_short_text() {
        let mut day = Durations::default();
        for at in (1_795_000_000..1_795_090_000_i32).step_by(20) {
            let time = 0.01 * (1.0 + f64::from(at % 700) / 100.0);
            day.add(i64::from(at), Bucket::of_seconds(time), Bucket::of_size(400.0));
        }
        let text = day.to_text();
        assert!(text.len() < 2_048, "{}", text.len());
        assert_eq!(Durations::from_text(&text), day);
        for end in 0..text.len() {
            // Damaged, but read without a panic.
            let _ = Durations::from_text(text.get(..end).unwrap_or_default());
        }
    }

    #[test]
    fn a_bucket_is_within_five_percent() {
        for value in [0.0007, 0.013, 0.4, 2.0, 95.0, 1_800.0] {
            let ratio = Bucket::of_seconds(value).seconds() / value;
            assert!((0.95..1.05).contains(&ratio), "{value}: {ratio}");
        }
    }
}
