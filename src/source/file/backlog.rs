//! Reports to the pipeline which files have unread bytes: the backlog of the first scan, and files that fall behind later.

use super::Tailer;
use crate::framing::StreamId;
use crate::pipeline::Event;
use crate::source::ClockReading;
use std::time::Duration;

/// A file that was not read to its end for this long is behind: the pipeline then uses the timestamps of its records as
/// its clock.
const BEHIND_AFTER: Duration = Duration::from_secs(30);

impl Tailer {
    /// Reports the backlog, after the first scan only.
    pub(super) fn begin_catch_up(&mut self, now: ClockReading) {
        if self.catch_up.is_pending() {
            let unread = self.tails.values().filter(|tail| tail.lag() > 0);
            let streams = self.catch_up.begin(unread.map(|tail| (tail.stream, tail.size)).collect(), now.steady);
            if !streams.is_empty() {
                self.out.push_back(Event::CatchingUp(streams).into());
            }
        }
    }

    pub(super) fn note_progress(&mut self, stream: StreamId, offset: u64) {
        if self.catch_up.note_progress(stream, offset) {
            self.out.push_back(Event::CaughtUp(stream).into());
        }
    }

    /// Ends the catch-up of files that were closed or cannot be read, and of all files after a while.
    pub(super) fn end_catch_up(&mut self, now: ClockReading) {
        let gone = |stream| self.tails.get(&stream).is_none_or(|tail| tail.failed);
        let done = self.catch_up.give_up(now.steady, gone);
        self.out.extend(done.into_iter().map(|stream| Event::CaughtUp(stream).into()));
    }

    /// Reports files that have not been read to their end for too long, and files that caught up again.
    pub(super) fn note_behind(&mut self, now: ClockReading) {
        let Self { tails, sources, out, .. } = self;
        for tail in tails.values_mut() {
            let unread = tail.lag() > 0 && !tail.failed;
            if !unread {
                tail.caught_up = now.steady;
            }
            let behind = unread && now.steady.duration_since(tail.caught_up) > BEHIND_AFTER;
            if behind != tail.behind {
                tail.behind = behind;
                let source = sources[tail.source].options.source;
                out.push_back(Event::Behind { stream: tail.stream, source, behind }.into());
            }
        }
    }
}
