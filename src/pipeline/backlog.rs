//! Streams whose next bytes are older than the present: backlogs from before the start, and streams that fell behind. Alerts
//! are evaluated by the time that these streams have reached, so that late reading gives the same alerts as timely reading.

use super::snapshot::SourceView;
use crate::framing::StreamId;
use crate::observation::SourceId;
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// A source that read nothing for this long has no say in the time of evaluation.
const ACTIVE: Duration = Duration::from_mins(1);

/// Streams whose next bytes are older than the present, each with the time that it has reached.
#[derive(Clone, Debug, Default)]
pub(super) struct Backlog {
    catching_up: BTreeMap<StreamId, Option<Timestamp>>,
    behind: BTreeMap<StreamId, (SourceId, Option<Timestamp>)>,
}

impl Backlog {
    pub(super) fn begin(&mut self, streams: Vec<StreamId>) {
        self.catching_up.extend(streams.into_iter().map(|stream| (stream, None)));
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

    /// Whether any stream is behind.
    pub(super) fn is_behind(&self) -> bool {
        !self.behind.is_empty()
    }

    /// Whether records of this stream are older than their arrival.
    pub(super) fn holds(&self, stream: StreamId) -> bool {
        self.catching_up.contains_key(&stream) || self.behind.contains_key(&stream)
    }

    /// Notes the time that a stream has reached.
    pub(super) fn note(&mut self, stream: StreamId, at: Timestamp) {
        let catching_up = self.catching_up.get_mut(&stream);
        let behind = self.behind.get_mut(&stream).map(|(_, reached)| reached);
        for reached in catching_up.into_iter().chain(behind) {
            *reached = (*reached).max(Some(at));
        }
    }

    /// The time by which alerts are evaluated; `None` leaves it unchanged. One slow source does not delay the others: the
    /// time it has reached counts only if no active source is at the present.
    pub(super) fn clock(&self, now: Timestamp, sources: &[SourceView]) -> Option<Timestamp> {
        if self.is_catching_up() {
            return self.catching_up.values().flatten().min().copied();
        }
        let is_active = |view: &SourceView| view.last_read.is_some_and(|at| now.since(at) <= ACTIVE);
        let mut active = (0..).map(SourceId).zip(sources).filter(|(_, view)| is_active(view));
        let has_stream_behind = |source: SourceId| self.behind.values().any(|(behind, _)| *behind == source);
        if !self.is_behind() || active.any(|(source, _)| !has_stream_behind(source)) {
            return Some(now);
        }
        self.behind.values().filter_map(|(_, reached)| *reached).min()
    }
}
