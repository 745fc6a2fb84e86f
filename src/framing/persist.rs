//! The state of a framer as plain values, for the checkpoint. After a restart the stream is read again from its oldest open
//! event; lines after it that other lanes have emitted already must not be emitted twice.

use super::continuation::Continuation;
use super::event::StreamId;
use super::framer::Framer;
use super::lane::Lane;
use super::lane_key::LaneKey;
use super::lanes::ClosedLane;
use serde::{Deserialize, Serialize};

/// What is needed, beside the offset of a stream, to continue framing after a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FramerState {
    /// The offset at which reading resumes.
    offset: u64,
    /// The file that `tail` had named before this offset.
    #[serde(default)]
    file: LaneKey,
    /// The least recently used first.
    lanes: Vec<LaneState>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct LaneState {
    /// Checkpoints of version 0.1 have three lanes without a key: those of [`LaneState::key_before`].
    #[serde(default)]
    key: Option<LaneKey>,
    #[serde(default)]
    file: LaneKey,
    /// Lines before this offset were emitted.
    #[serde(rename = "next")]
    emitted_until: u64,
    /// The event that the next line may continue.
    cut_off: Option<Continuation>,
    /// The next part belongs to a line of which the first parts were emitted.
    #[serde(default)]
    begun: bool,
    /// The lane is closed; only its place is kept.
    #[serde(default)]
    closed: bool,
}

impl LaneState {
    /// The key of a lane that was saved without one, by its position.
    fn key_before(position: usize) -> LaneKey {
        match position {
            1 => LaneKey::default().within(b"stdout"),
            2 => LaneKey::default().within(b"stderr"),
            _ => LaneKey::default(),
        }
    }

    fn of(lane: &Lane, next: u64) -> Self {
        Self {
            key: Some(lane.key),
            file: lane.file,
            emitted_until: lane.joiner.start().map_or(next, |(offset, _)| offset),
            cut_off: lane.joiner.continues(),
            begun: lane.joiner.is_within_line(),
            closed: false,
        }
    }

    fn of_closed(lane: &ClosedLane) -> Self {
        Self { key: Some(lane.key), emitted_until: lane.emitted_until, closed: true, ..Self::default() }
    }

    fn restored(&self, position: usize) -> Lane {
        let mut lane = Lane::new(self.key.unwrap_or(Self::key_before(position)), self.file, 0);
        lane.joiner.restore(self.emitted_until, self.cut_off, self.begun);
        lane
    }
}

impl Framer {
    /// What must survive a restart.
    #[must_use]
    pub fn state(&self) -> FramerState {
        let (offset, _) = self.safe_point();
        let (next, _) = self.reader.start_of_line();
        let (lanes, closed) = self.lanes.parts();
        let mut lanes: Vec<_> = lanes.iter().collect();
        lanes.sort_by_key(|lane| lane.used);
        let first = lanes.iter().find(|lane| lane.joiner.start().is_some_and(|(start, _)| start == offset));
        FramerState {
            offset,
            file: first.map_or(self.lanes.file, |lane| lane.file),
            lanes: lanes
                .iter()
                .map(|lane| LaneState::of(lane, next))
                .chain(
                    closed.iter().filter(|lane| lane.emitted_until > self.lanes.needed_from(offset)).map(LaneState::of_closed),
                )
                .collect(),
        }
    }

    /// Adds to the `state` of the predecessor what it must read again, so that this stream can continue its events.
    pub fn note_handover(&self, predecessor: StreamId, state: &mut FramerState) {
        for lane in self.lanes.parts().0 {
            let Some(handover) = lane.joiner.handover().filter(|row| row.predecessor == predecessor) else { continue };
            if handover.offset < state.offset {
                (state.offset, state.file) = (handover.offset, lane.file);
            }
            let saved = LaneState {
                key: Some(lane.key),
                file: lane.file,
                emitted_until: handover.offset,
                cut_off: handover.cut_off,
                begun: handover.begun,
                closed: false,
            };
            match state.lanes.iter_mut().find(|old| old.key == Some(lane.key)) {
                Some(old) => *old = saved,
                None => state.lanes.push(saved),
            }
        }
    }

    /// Continues from a saved state. Has no effect if this framer begins at another offset.
    pub fn restore(&mut self, state: &FramerState) {
        if self.reader.start_of_line().0 != state.offset {
            return;
        }
        let open = state.lanes.iter().enumerate().filter(|(_, saved)| !saved.closed);
        let lanes = open.map(|(position, saved)| saved.restored(position)).collect();
        let closed = state.lanes.iter().filter(|saved| saved.closed);
        let closed = closed.filter_map(|saved| Some(ClosedLane { key: saved.key?, emitted_until: saved.emitted_until }));
        self.lanes.restore(state.file, lanes, closed.collect());
    }
}
