//! The lanes of a stream. Their number is limited: the least recently used one closes, and its open event is emitted.

use super::event::{RawEvent, StreamId};
use super::joiner::Joiner;
use super::lane::Lane;
use super::lane_key::LaneKey;
use super::options::Options;
use super::prefix::Envelope;
use super::stats::FramingStats;
use crate::time::Timestamp;

/// The most lanes of one stream.
const MAX_LANES: usize = 64;
/// The most closed lanes that keep their place. Beyond it, the oldest open event is emitted, so that their places are passed.
const MAX_CLOSED: usize = 256;

/// How many lines of other lanes may stand between two lines of one event.
const LEFT_BEHIND: u64 = 256;
/// How often this is checked, in lines.
const CHECK_EVERY: u64 = 64;

/// The lanes of one stream.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    all: Vec<Lane>,
    /// The index of the lane of the latest line.
    recent: usize,
    /// Counts the changes from one lane to another.
    changes: u64,
    /// Lanes that were closed, as long as some of their lines would be read again after a restart.
    closed: Vec<ClosedLane>,
    /// The file that `tail` named last.
    pub(super) file: LaneKey,
    /// A stream that continues this one needs the lines from this offset on again, after a restart.
    held_from: Option<u64>,
}

/// A lane that was closed. All of its lines before the offset were emitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ClosedLane {
    pub(super) key: LaneKey,
    pub(super) emitted_until: u64,
}

impl Lanes {
    /// The lane of the line with this offset and number. `None` if the line was emitted before a restart: it is read again only because
    /// another lane had an open event.
    pub(super) fn enter(
        &mut self,
        envelope: &Envelope<'_>,
        (offset, number): (u64, u64),
        options: &Options,
        stats: &mut FramingStats,
        out: &mut impl FnMut(RawEvent<'_>),
    ) -> Option<&mut Lane> {
        let key = envelope.lane;
        if number.is_multiple_of(CHECK_EVERY) && self.all.len() > 1 {
            self.close_left_behind(number, stats, out);
        }
        let index = match self.find(key) {
            Some(index) => index,
            None if self.was_closed_after(key, offset) => return None,
            None => self.create(key, offset, options, stats, out),
        };
        if index != self.recent {
            self.recent = index;
            self.changes += 1;
        }
        let lane = self.all.get_mut(index)?;
        lane.used = self.changes;
        lane.note_line(envelope, number);
        (!lane.joiner.was_emitted(offset)).then_some(lane)
    }

    /// Closes the events with a latest line that is many lines back. Otherwise the last event of a process that has ended would wait
    /// for the end of the stream.
    fn close_left_behind(&mut self, number: u64, stats: &mut FramingStats, out: &mut impl FnMut(RawEvent<'_>)) {
        for lane in &mut self.all {
            if lane.line + LEFT_BEHIND <= number {
                lane.join(out, |joiner, mut out| joiner.close(false, stats, &mut out));
            }
        }
    }

    fn find(&self, key: LaneKey) -> Option<usize> {
        if self.all.get(self.recent).is_some_and(|lane| lane.key == key) {
            return Some(self.recent);
        }
        self.all.iter().position(|lane| lane.key == key)
    }

    fn was_closed_after(&self, key: LaneKey, offset: u64) -> bool {
        self.closed.iter().any(|closed| closed.key == key && offset < closed.emitted_until)
    }

    /// Adds a lane that begins at `offset`, and returns its index.
    fn create(
        &mut self,
        key: LaneKey,
        offset: u64,
        options: &Options,
        stats: &mut FramingStats,
        out: &mut impl FnMut(RawEvent<'_>),
    ) -> usize {
        if self.all.len() >= MAX_LANES {
            self.close_oldest(offset, options, stats, out);
        }
        self.closed.retain(|closed| closed.key != key);
        self.changes += 1;
        if self.all.is_empty() {
            // Nearly all streams have one lane, and thousands of streams may be open.
            self.all.reserve_exact(1);
        }
        self.all.push(Lane::new(key, self.file, self.changes));
        self.all.len() - 1
    }

    /// Closes the least recently used lane.
    fn close_oldest(&mut self, offset: u64, options: &Options, stats: &mut FramingStats, out: &mut impl FnMut(RawEvent<'_>)) {
        let oldest = self.all.iter().enumerate().min_by_key(|(_, lane)| lane.used);
        let Some((index, _)) = oldest else { return };
        let mut lane = self.all.swap_remove(index);
        lane.join(out, |joiner, mut out| joiner.finish(options, stats, &mut out));
        let emitted_until = offset.max(lane.joiner.emitted_until());
        self.closed.push(ClosedLane { key: lane.key, emitted_until });
        self.forget_closed(offset);
        if self.closed.len() > MAX_CLOSED {
            let first = self.all.iter_mut().filter(|lane| lane.joiner.start().is_some()).min_by_key(|lane| lane.joiner.start());
            if let Some(first) = first {
                first.join(out, |joiner, mut out| joiner.finish(options, stats, &mut out));
            }
            self.forget_closed(offset);
            let beyond = self.closed.len().saturating_sub(MAX_CLOSED);
            self.closed.drain(..beyond);
        }
    }

    /// Forgets the closed lanes of which no line is read again after a restart.
    fn forget_closed(&mut self, offset: u64) {
        let open = self.start().map_or(offset, |(start, _)| start.min(offset));
        let safe = self.needed_from(open);
        self.closed.retain(|closed| closed.emitted_until > safe);
    }

    /// Ends all lanes, the one with the oldest open event first.
    pub(super) fn finish(&mut self, options: &Options, stats: &mut FramingStats, out: &mut impl FnMut(RawEvent<'_>)) {
        self.recent = usize::MAX;
        self.all.sort_by_key(|lane| lane.joiner.start());
        self.each(out, |joiner, mut out| joiner.finish(options, stats, &mut out));
    }

    /// Changes each joiner, and passes on the events that it emits meanwhile with the names of its lane.
    pub(super) fn each(
        &mut self,
        out: &mut impl FnMut(RawEvent<'_>),
        mut change: impl FnMut(&mut Joiner, &mut dyn FnMut(RawEvent<'_>)),
    ) {
        for lane in &mut self.all {
            lane.join(out, &mut change);
        }
    }

    /// The first offset that is read again after a restart, if `safe` is that of this stream alone.
    pub(super) fn needed_from(&self, safe: u64) -> u64 {
        self.held_from.map_or(safe, |held| held.min(safe))
    }

    /// Notes that the lines since the last call arrived `now`.
    pub(super) fn note_time(&mut self, now: Timestamp) {
        self.all.iter_mut().for_each(|lane| lane.note_time(now));
    }

    /// Closes what has waited too long for its next line, of which the latest bytes may have come at `last_byte_at`.
    pub(super) fn tick(
        &mut self,
        options: &Options,
        now: Timestamp,
        last_byte_at: Timestamp,
        stats: &mut FramingStats,
        out: &mut impl FnMut(RawEvent<'_>),
    ) {
        for lane in &mut self.all {
            let silent = lane.is_silent(now, last_byte_at);
            lane.join(out, |joiner, mut out| {
                joiner.expire_partial(options, now, stats, &mut out);
                if silent {
                    joiner.close(true, stats, &mut out);
                }
            });
        }
    }

    /// Releases the memory of what was open earlier.
    pub(super) fn rest(&mut self) {
        self.all.iter_mut().for_each(|lane| lane.joiner.rest());
    }

    /// The lanes, and the places of closed lanes.
    pub(super) fn parts(&self) -> (&[Lane], &[ClosedLane]) {
        (&self.all, &self.closed)
    }

    /// The offset and line number of the oldest open event.
    pub(super) fn start(&self) -> Option<(u64, u64)> {
        self.all.iter().filter_map(|lane| lane.joiner.start()).min()
    }

    /// The stream restarts at its first byte; open events may continue there.
    pub(super) fn restart(&mut self) {
        self.closed.clear();
        (self.file, self.held_from) = (LaneKey::default(), None);
        self.all.iter_mut().for_each(|lane| lane.joiner.restart());
    }

    /// Continues the open events of the `predecessor`, whose last byte is before the line `at` of this stream.
    pub(super) fn take_over(
        &mut self,
        options: &Options,
        predecessor: &mut Self,
        id: StreamId,
        at: (u64, u64),
        stats: &mut FramingStats,
        out: &mut impl FnMut(RawEvent<'_>),
    ) {
        predecessor.all.sort_unstable_by_key(|lane| lane.used);
        for old in predecessor.all.iter_mut().filter(|lane| lane.joiner.hands_over()) {
            let index = match self.find(old.key) {
                None if self.was_closed_after(old.key, at.0) => continue,
                None => self.create(old.key, at.0, options, stats, out),
                Some(index) => index,
            };
            let Some(lane) = self.all.get_mut(index) else { continue };
            lane.name_like(old);
            let Lane { joiner: old, .. } = old;
            lane.join(out, |joiner, mut out| joiner.take_over(options, old, id, at, stats, &mut out));
            let handed_over = lane.handed_over(id).map(|(offset, _)| offset);
            predecessor.held_from = predecessor.held_from.into_iter().chain(handed_over).min();
        }
        predecessor.recent = usize::MAX;
    }

    /// Restores the lanes that were saved, the least recently used first.
    pub(super) fn restore(&mut self, file: LaneKey, lanes: Vec<Lane>, closed: Vec<ClosedLane>) {
        (self.file, self.closed) = (file, closed);
        self.all = lanes;
        for lane in self.all.iter_mut().take(MAX_LANES) {
            self.changes += 1;
            lane.used = self.changes;
        }
        self.all.truncate(MAX_LANES);
        // The next line changes the lane, whichever it is of.
        self.recent = usize::MAX;
    }
}
