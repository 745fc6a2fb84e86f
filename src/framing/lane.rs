//! One lane of a stream: the lines of one container or service and one output, which are joined with each other only.

use super::event::{RawEvent, StreamId};
use super::joiner::Joiner;
use super::prefix::Envelope;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::mem;

/// How long a lane must be silent before its open event is closed, in microseconds.
const SILENCE_MICROS: i64 = 1_000_000;

/// Identifies a lane of its stream: a hash of the parts of the prefixes that name it. Part of the checkpoint, so the hash is
/// the same in every version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LaneKey(u64);

impl LaneKey {
    /// The lane that `part` names within this one (FNV-1a).
    #[must_use]
    pub(super) fn within(self, part: &[u8]) -> Self {
        let start = if self.0 == 0 { 0xcbf2_9ce4_8422_2325 } else { self.0 ^ 0xff };
        let hash = part.iter().fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
        Self(hash)
    }
}

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
        change(joiner, &mut |event: RawEvent<'_>| out(RawEvent { service, host, ..event }))
    }

    /// The offset and line number at which the predecessor must be read again, to continue this lane after a restart.
    pub(super) fn handed_over(&self, predecessor: StreamId) -> Option<(u64, u64)> {
        self.joiner.handover().filter(|row| row.predecessor == predecessor).map(|row| (row.offset, row.line))
    }
}
