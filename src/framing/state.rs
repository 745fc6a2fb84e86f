//! Where the lanes of a stream stand, as plain values. A reader begins again at the oldest event that was open; what other
//! lanes gave out behind it must not be given out twice.

use super::join::{Joiner, Shape};
use super::{Framer, StreamId};
use serde::{Deserialize, Serialize};

/// What must be known of a stream, beside its offset, to frame it on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FramerState {
    /// Where it has to be read on.
    offset: u64,
    lanes: [LaneState; 3],
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct LaneState {
    /// Lines before this offset were given out.
    next: u64,
    /// What the next line may go on from.
    cut_off: Option<Shape>,
    /// The next part belongs to a line whose first parts were given out.
    #[serde(default)]
    begun: bool,
}

impl Framer {
    /// What must survive a restart.
    #[must_use]
    pub fn state(&self) -> FramerState {
        let (offset, _) = self.safe_point();
        let (line, _) = self.reader.start_of_line();
        let lane = |it: &Joiner| LaneState {
            next: it.start().map_or(line, |(offset, _)| offset),
            cut_off: it.goes_on_from(),
            begun: it.goes_on_in_a_line(),
        };
        FramerState { offset, lanes: self.joiners.each_ref().map(lane) }
    }

    /// Adds to the state of the stream before this one what it must give again, so that this one can go on from it.
    pub fn note_handover(&self, by: StreamId, state: &mut FramerState) {
        for (joiner, lane) in self.joiners.iter().zip(&mut state.lanes) {
            if let Some(lent) = joiner.lent().filter(|it| it.by == by) {
                state.offset = state.offset.min(lent.offset);
                *lane = LaneState { next: lent.offset, cut_off: lent.cut_off, begun: lent.begun };
            }
        }
    }

    /// Goes on from a state, where this framer begins at the offset that it speaks of.
    pub fn restore(&mut self, state: &FramerState) {
        if self.reader.start_of_line().0 != state.offset {
            return;
        }
        for (joiner, lane) in self.joiners.iter_mut().zip(&state.lanes) {
            joiner.restore(lane.next, lane.cut_off, lane.begun);
        }
    }
}
