//! Saves and restores the pipeline's state, and finds the offsets at which streams can resume.

use super::event::Output;
use super::handle::Pipeline;
use super::last_failures::LastFailures;
use super::state::{State, StreamState};
use super::stream::Stream;
use crate::alert::{AlertOptions, Alerts};
use crate::detect::UnknownGroups;
use crate::framing::StreamId;
use crate::window::RateTable;
use std::time::Duration;

/// How long the state of a stream is kept after the stream was last open; as long as its position in the file is kept.
const REMEMBERED_FOR: Duration = Duration::from_hours(24);

impl Pipeline {
    /// For each stream the offset at which it can resume without losing a line, and the number of the line that begins there.
    #[must_use]
    pub fn safe_offsets(&self) -> Vec<(StreamId, u64, u64)> {
        let safe_offset = |id: &StreamId, stream: &Stream| {
            let handed_over = self.successor(*id).and_then(|successor| successor.framer.handover_from(*id));
            let (offset, line) = handed_over.into_iter().fold(stream.framer.safe_point(), Ord::min);
            (*id, offset, line)
        };
        self.streams.iter().map(|(id, stream)| safe_offset(id, stream)).collect()
    }

    /// Everything that must survive a restart, except for the offsets.
    #[must_use]
    pub fn state(&self) -> State {
        let Self { rules, shared, .. } = self;
        let providers = rules.catalog().providers();
        State {
            now: shared.now,
            evaluated: shared.evaluated,
            windows: shared.windows.state(providers),
            alerts: shared.alerts.state(rules.names(), shared.now),
            unknown: shared.unknown.state(providers),
            duplicates: shared.duplicates.state(),
            last_failures: shared.last_failures.state(rules.table(), providers),
            streams: self.stream_states(),
        }
    }

    fn stream_states(&self) -> Vec<StreamState> {
        let now = self.shared.now;
        let open = self.streams.iter().map(|(id, stream)| {
            let mut state = stream.state(*id, now, self.rules.catalog());
            if let Some(successor) = self.successor(*id) {
                successor.framer.note_handover(*id, &mut state.framer);
            }
            state
        });
        let remembered = self.remembered.values().filter(|state| now.since(state.seen) < REMEMBERED_FOR).cloned();
        let mut all: Vec<StreamState> = open.chain(remembered).collect();
        all.sort_by_key(|state| state.stream);
        all
    }

    /// The stream that continues the open events of this one.
    fn successor(&self, id: StreamId) -> Option<&Stream> {
        self.successors.get(&id).and_then(|successor| self.streams.get(successor)).map(Box::as_ref)
    }

    /// Resumes from the state that an earlier process saved.
    pub fn restore(&mut self, state: State, options: AlertOptions, out: &mut Output) {
        let Self { rules, shared, .. } = self;
        let State { now, evaluated, windows, alerts, unknown, duplicates, last_failures, streams } = state;
        self.remembered = streams.into_iter().map(|state| (StreamId(state.stream), state)).collect();
        let providers = rules.catalog().providers();
        shared.now = shared.now.max(now);
        shared.evaluated = shared.evaluated.max(evaluated);
        shared.windows = RateTable::restore(shared.windows.options(), windows, providers);
        shared.unknown = UnknownGroups::restore(unknown, providers);
        shared.duplicates.restore(&duplicates);
        shared.last_failures = LastFailures::restore(last_failures, rules.table(), providers);
        shared.alerts =
            Alerts::restore(rules.table().clone(), options, alerts, rules.names(), shared.now, &mut out.transitions);
    }
}
