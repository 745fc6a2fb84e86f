//! One lane of a stream: the lines of one container or service and one output, which are joined with each other only.

use super::event::{Line, RawEvent, StreamId};
use super::joiner::Joiner;
use super::lane_key::LaneKey;
use super::options::Options;
use super::prefix::{self, Content, Envelope};
use super::stats::FramingStats;
use crate::line::Level;
use crate::time::Timestamp;
use std::mem;

/// How long a lane must be silent before its open event is closed, in microseconds.
const SILENCE_MICROS: i64 = 1_000_000;

/// The lines of one lane, and what their prefixes say about all of them.
#[derive(Debug, Default)]
pub(super) struct Lane {
    pub(super) key: LaneKey,
    /// The lane of `==> file <==` that this one is in.
    pub(super) file: LaneKey,
    pub(super) joiner: Joiner,
    /// When it was last used, counted in changes of the lane.
    pub(super) used: u64,
    /// The number of its latest line.
    pub(super) line: u64,
    /// When that line arrived.
    at: Timestamp,
    /// A line arrived since the last call of [`Self::note_time`].
    fresh: bool,
    named: bool,
    service: String,
    host: String,
}

impl Lane {
    pub(super) fn new(key: LaneKey, file: LaneKey, used: u64) -> Self {
        Self { key, file, used, ..Self::default() }
    }

    /// Notes that a line arrived, and the names in its prefix. All prefixes of the lane have the same.
    pub(super) fn note_line(&mut self, envelope: &Envelope<'_>, number: u64) {
        (self.fresh, self.line) = (true, number);
        if self.named {
            return;
        }
        let text = |bytes| String::from_utf8_lossy(bytes);
        self.named = true;
        self.service = match (envelope.namespace, envelope.service) {
            (b"", service) | (_, service @ b"") => text(service).into_owned(),
            (namespace, service) => format!("{}/{}", text(namespace), text(service)),
        };
        self.host = text(envelope.host).into_owned();
    }

    /// Notes when the lines arrived that came since the last call.
    pub(super) fn note_time(&mut self, now: Timestamp) {
        if mem::take(&mut self.fresh) {
            self.at = now;
            self.joiner.note_time(now);
        }
    }

    /// Whether the latest line arrived so long ago that no line of the same entry follows.
    pub(super) fn is_silent(&self, now: Timestamp, last_byte_at: Timestamp) -> bool {
        now.as_micros() - self.at.max(last_byte_at).as_micros() >= SILENCE_MICROS
    }

    /// Takes the names of the lane of a predecessor.
    pub(super) fn name_like(&mut self, other: &Self) {
        if !self.named {
            (self.named, self.service, self.host) = (other.named, other.service.clone(), other.host.clone());
        }
    }

    /// Changes the joiner, and adds the names of the lane to the events that it emits meanwhile.
    pub(super) fn join<R>(
        &mut self,
        out: &mut impl FnMut(RawEvent<'_>),
        change: impl FnOnce(&mut Joiner, &mut dyn FnMut(RawEvent<'_>)) -> R,
    ) -> R {
        let Self { joiner, service, host, .. } = self;
        change(joiner, &mut |event: RawEvent<'_>| {
            let event = RawEvent { service, host, ..event };
            if event.lines > 1 && prefix::may_be_export(event.bytes) { unpack(event, out) } else { out(event) }
        })
    }

    /// Takes a line without its prefix. `partial`: it continues in the next one.
    pub(super) fn take(
        &mut self,
        options: &Options,
        line: Line<'_>,
        partial: bool,
        stats: &mut FramingStats,
        out: &mut impl FnMut(RawEvent<'_>),
    ) {
        let is_entry = !partial && memchr::memchr(b'\n', line.bytes).is_some();
        self.join(out, |joiner, mut out| {
            if is_entry {
                joiner.take_entry(options, line, stats, &mut out);
            } else {
                joiner.take_part(options, line, partial, stats, &mut out);
            }
        });
    }

    /// The offset and line number at which the predecessor must be read again, to continue this lane after a restart.
    pub(super) fn handed_over(&self, predecessor: StreamId) -> Option<(u64, u64)> {
        self.joiner.handover().filter(|row| row.predecessor == predecessor).map(|row| (row.offset, row.line))
    }
}

/// Emits the lines that a carrier's object brings, if it is printed over several lines.
fn unpack(event: RawEvent<'_>, out: &mut impl FnMut(RawEvent<'_>)) {
    prefix::read(event.bytes, Envelope::default(), &mut |content| {
        let Content::Line(bytes, told, _) = content else { return };
        let mut names = Lane::default();
        names.note_line(&told, 0);
        out(RawEvent {
            bytes,
            stamped: told.stamp.or(event.stamped),
            level: if told.level == Level::Unknown { event.level } else { told.level },
            service: either(&names.service, event.service),
            host: either(&names.host, event.host),
            ..event
        });
    });
}

fn either<'t>(inner: &'t str, outer: &'t str) -> &'t str {
    if inner.is_empty() { outer } else { inner }
}
