//! The state of a framer as plain values, for the checkpoint. After a restart the stream is read again from its oldest open
//! event; lines after it that other lanes have emitted already must not be emitted twice.

use super::continuation::Continuation;
use super::event::StreamId;
use super::framer::Framer;
use super::joiner::Joiner;
use serde::{Deserialize, Serialize};

/// What is needed, beside the offset of a stream, to continue framing after a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FramerState {
    /// The offset at which reading resumes.
    offset: u64,
    lanes: [LaneState; 3],
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct LaneState {
    /// Lines before this offset were emitted.
    #[serde(rename = "next")]
    emitted_until: u64,
    /// The event that the next line may continue.
    cut_off: Option<Continuation>,
    /// The next part belongs to a line of which the first parts were emitted.
    #[serde(default)]
    begun: bool,
}

impl Framer {
    /// What must survive a restart.
    #[must_use]
    #[expect(clippy::similar_names, reason = "a lane has lines: both are words of the domain")]
    pub fn state(&self) -> FramerState {
        let (offset, _) = self.safe_point();
        let (line, _) = self.reader.start_of_line();
        let lane = |joiner: &Joiner| LaneState {
            emitted_until: joiner.start().map_or(line, |(offset, _)| offset),
            cut_off: joiner.continues(),
            begun: joiner.is_within_line(),
        };
        FramerState { offset, lanes: self.joiners.each_ref().map(lane) }
    }

    /// Adds to the `state` of the predecessor what it must read again, so that this stream can continue its events.
    pub fn note_handover(&self, predecessor: StreamId, state: &mut FramerState) {
        for (joiner, lane) in self.joiners.iter().zip(&mut state.lanes) {
            if let Some(handover) = joiner.handover().filter(|row| row.predecessor == predecessor) {
                state.offset = state.offset.min(handover.offset);
                *lane = LaneState { emitted_until: handover.offset, cut_off: handover.cut_off, begun: handover.begun };
            }
        }
    }

    /// Continues from a saved state. Has no effect if this framer begins at another offset.
    pub fn restore(&mut self, state: &FramerState) {
        if self.reader.start_of_line().0 != state.offset {
            return;
        }
        for (joiner, lane) in self.joiners.iter_mut().zip(&state.lanes) {
            joiner.restore(lane.emitted_until, lane.cut_off, lane.begun);
        }
    }
}
