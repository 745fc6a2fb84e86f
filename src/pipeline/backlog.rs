//! What is not the present yet: backlogs from before the start, and streams that are behind. Alerts are evaluated by the
//! time that these have come to, so that what is read late comes out as if it had been read in time.

use super::SourceView;
use crate::framing::StreamId;
use crate::observation::SourceId;
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// A source that gave nothing for this long does not tell the time.
const ACTIVE: Duration = Duration::from_mins(1);

/// Streams whose next bytes are older than the present, each with the time that it has come to.
#[derive(Clone, Debug, Default)]
pub(super) struct Backlog {
    catching_up: BTreeMap<StreamId, Option<Timestamp>>,
    behind: BTreeMap<StreamId, (SourceId, Option<Timestamp>)>,
}

impl Backlog {
    pub(super) fn begin(&mut self, streams: Vec<StreamId>) {
        self.catching_up.extend(streams.into_iter().map(|it| (it, None)));
    }

    pub(super) fn end(&mut self, stream: StreamId) {
        self.catching_up.remove(&stream);
    }

    pub(super) fn set_behind(&mut self, stream: StreamId, source: SourceId, behind: bool) {
        if behind {
            self.behind.insert(stream, (source, None));
        } else {
            self.behind.remove(&stream);
        }
    }

    pub(super) fn close(&mut self, stream: StreamId) {
        self.catching_up.remove(&stream);
        self.behind.remove(&stream);
    }

    /// Whether a backlog from before the start is being read.
    pub(super) fn is_catching_up(&self) -> bool {
        !self.catching_up.is_empty()
    }

    /// Whether some stream is behind.
    pub(super) fn is_behind(&self) -> bool {
        !self.behind.is_empty()
    }

    /// Whether what comes from this stream is older than its arrival.
    pub(super) fn holds(&self, stream: StreamId) -> bool {
        self.catching_up.contains_key(&stream) || self.behind.contains_key(&stream)
    }

    /// A stream has come to this time.
    pub(super) fn note(&mut self, stream: StreamId, at: Timestamp) {
        let caught = self.catching_up.get_mut(&stream);
        for time in caught.into_iter().chain(self.behind.get_mut(&stream).map(|it| &mut it.1)) {
            *time = (*time).max(Some(at));
        }
    }

    /// The time by which alerts are evaluated; `None`: as it was. One slow source does not hold up the others: its time
    /// counts only where none is at the present.
    pub(super) fn clock(&self, now: Timestamp, sources: &[SourceView]) -> Option<Timestamp> {
        if self.is_catching_up() {
            return self.catching_up.values().flatten().min().copied();
        }
        let mut active = (0..).zip(sources).filter(|(_, it)| it.last_read.is_some_and(|at| now.since(at) <= ACTIVE));
        let is_behind = |source: u16| self.behind.values().any(|(it, _)| it.0 == source);
        if !self.is_behind() || active.any(|(source, _)| !is_behind(source)) {
            return Some(now);
        }
        self.behind.values().filter_map(|it| it.1).min()
    }
}
