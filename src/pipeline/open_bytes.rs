//! The memory of the unfinished lines and open events of all files together.
//!
//! The files themselves hold these bytes, so a source cannot wait until they are handled: the next byte of a line is what
//! ends it. Above the limit, the longest lines lose their middle and the longest events are emitted early.

use super::counting::SharedState;
use super::event::Output;
use super::rules::Rules;
use super::stream::Stream;
use crate::framing::StreamId;
use rustc_hash::FxHashMap;
use std::cmp::Reverse;

/// The most bytes of all files together. One line of the configured length always fits.
const LIMIT: usize = 16 << 20;
/// What a stream keeps when the limit is exceeded: a fair part of half the limit, within these bounds.
const MIN_ROOM: usize = 1 << 10;
const MAX_ROOM: usize = 96 << 10;

/// An upper bound of the bytes that the streams of files keep. Only [`OpenBytes::change`] follows each change; bytes that
/// other events release are found by the next count.
#[derive(Debug, Default)]
pub(super) struct OpenBytes(usize);

impl OpenBytes {
    /// Notes that a stream keeps `after` bytes and no longer `before`. Returns whether the limit is exceeded.
    pub(super) fn change(&mut self, before: usize, after: usize, rules: &Rules) -> bool {
        self.0 = (self.0 + after).saturating_sub(before);
        after > before && self.0 > limit(rules)
    }

    /// Counts the bytes again, and shrinks the streams with the most bytes until three quarters of the limit are used.
    pub(super) fn shrink(
        &mut self,
        streams: &mut FxHashMap<StreamId, Box<Stream>>,
        rules: &Rules,
        shared: &mut SharedState,
        out: &mut Output,
    ) {
        let mut open: Vec<(usize, StreamId)> =
            streams.iter().map(|(id, stream)| (stream.budgeted_bytes(), *id)).filter(|(bytes, _)| *bytes > 0).collect();
        self.0 = open.iter().map(|(bytes, _)| bytes).sum();
        let limit = limit(rules);
        if self.0 <= limit {
            return;
        }
        let room = (limit / 2 / open.len().max(1)).clamp(MIN_ROOM, MAX_ROOM);
        open.sort_unstable_by_key(|(bytes, id)| (Reverse(*bytes), *id));
        for (before, id) in open {
            if self.0 <= limit / 4 * 3 {
                return;
            }
            let Some(stream) = streams.get_mut(&id) else { continue };
            stream.frame(rules, shared, out, |framer, emit| framer.shrink(room, emit));
            self.0 = (self.0 + stream.budgeted_bytes()).saturating_sub(before);
        }
    }
}

fn limit(rules: &Rules) -> usize {
    LIMIT.max(rules.framing.max_line_bytes)
}
