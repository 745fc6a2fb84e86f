//! The accounting of bytes: every byte that was seen is read, lost with a reason, or skipped.

use super::Tailer;
use crate::framing::{LossReason, StreamId};
use crate::pipeline::Event;
use crate::source::ClockReading;
use std::mem;
use std::sync::atomic::Ordering;

/// The sums over the files of one source.
#[derive(Clone, Copy, Default)]
struct Sums {
    lag_bytes: u64,
    files: u64,
    unreadable: u64,
    behind_seconds: u64,
}

impl Tailer {
    /// Reports unread bytes of a stream that will not be read.
    pub(super) fn lose(&mut self, stream: StreamId, bytes: u64, reason: LossReason) {
        if let Some(tail) = self.tails.get(&stream).filter(|_| bytes > 0) {
            let source = self.sources[tail.source].options.source;
            self.out.push_back(Event::Lost { source, bytes, reason }.into());
        }
    }

    /// Counts bytes that are skipped on purpose.
    pub(super) fn skip(&self, source: usize, bytes: u64) {
        let gauges = &self.sources[source].options.gauges;
        gauges.seen_bytes.fetch_add(bytes, Ordering::Relaxed);
        gauges.skipped_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts bytes as seen. `bytes` may be negative, where a file was smaller than assumed; the sum never is.
    pub(super) fn note_seen(&self, source: usize, bytes: i64) {
        // Adds modulo 2^64, so a negative number is subtracted.
        self.sources[source].options.gauges.seen_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Updates the gauges of all sources.
    pub(super) fn publish(&mut self, now: ClockReading) {
        for tail in self.tails.values_mut() {
            let grown = mem::take(&mut tail.grown);
            self.sources[tail.source].options.gauges.seen_bytes.fetch_add(grown as u64, Ordering::Relaxed);
        }
        let mut sums = vec![Sums::default(); self.sources.len()];
        for tail in self.tails.values() {
            let sum = &mut sums[tail.source];
            sum.lag_bytes += tail.lag();
            sum.files += 1;
            sum.behind_seconds = now.steady.duration_since(tail.caught_up).as_secs().max(sum.behind_seconds);
        }
        for source in self.read_errors.sources() {
            sums[source].unreadable += 1;
        }
        for (source, sum) in self.sources.iter().zip(sums) {
            let gauges = &source.options.gauges;
            gauges.lag_bytes.store(sum.lag_bytes, Ordering::Relaxed);
            gauges.files.store(sum.files, Ordering::Relaxed);
            gauges.unreadable.store(sum.unreadable, Ordering::Relaxed);
            gauges.behind_seconds.store(sum.behind_seconds, Ordering::Relaxed);
        }
    }
}
