//! One stream: its framer, and what its earlier lines said.

use super::context::StreamContext;
use super::counting::SharedState;
use super::event::{Output, StreamInfo};
use super::rules::Rules;
use super::state::StreamState;
use crate::classify::Catalog;
use crate::framing::{Framer, RawEvent, StreamId};
use crate::time::Timestamp;
use std::time::Duration;

/// One stream: its framer, and what its earlier lines said.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) framer: Framer,
    pub(super) context: StreamContext,
    pub(super) last_read: Timestamp,
    /// Whether its state was restored from a checkpoint.
    pub(super) restored: bool,
}

impl Stream {
    pub(super) fn new(rules: &Rules, shared: &SharedState, id: StreamId, info: StreamInfo) -> Self {
        let source = shared.sources.get(usize::from(info.source.0));
        Self {
            framer: Framer::new(rules.framing, info.at_offset, info.first_line).with_encoding(info.encoding),
            context: StreamContext::new(id, info, source),
            last_read: Timestamp::default(),
            restored: false,
        }
    }

    /// Bytes that it keeps for open lines and events, if it is a file. The memory of other streams is limited by their source.
    pub(super) fn budgeted_bytes(&self) -> usize {
        if self.context.origin.is_file { self.framer.kept_bytes() } else { 0 }
    }

    /// What a checkpoint keeps of it.
    pub(super) fn state(&self, id: StreamId, now: Timestamp, catalog: &Catalog) -> StreamState {
        let StreamContext { calls, clock, .. } = &self.context;
        StreamState { stream: id.0, seen: now, framer: self.framer.state(), calls: calls.state(catalog), clock: clock.state() }
    }

    /// Resumes from what an earlier process kept.
    pub(super) fn restore(&mut self, state: StreamState, catalog: &Catalog) {
        let StreamContext { origin, calls, clock } = &mut self.context;
        self.framer.restore(&state.framer);
        calls.restore(state.calls, catalog, origin.source);
        clock.restore(state.clock);
        self.restored = true;
    }

    /// Flushes everything that is open: events, and calls that wait for further records.
    pub(super) fn finish(&mut self, rules: &Rules, shared: &mut SharedState, out: &mut Output) {
        self.finish_framing(rules, shared, out);
        self.context.calls.finish(&mut |call| shared.call(call, rules, out));
    }

    pub(super) fn finish_framing(&mut self, rules: &Rules, shared: &mut SharedState, out: &mut Output) {
        self.frame(rules, shared, out, |framer, emit| framer.finish(emit));
    }

    /// Changes the framer, and counts the events that it emits meanwhile.
    pub(super) fn frame(
        &mut self,
        rules: &Rules,
        shared: &mut SharedState,
        out: &mut Output,
        change: impl FnOnce(&mut Framer, &mut dyn FnMut(RawEvent<'_>)),
    ) {
        let Self { framer, context, last_read, .. } = self;
        change(framer, &mut |event| shared.event(rules, context, &event, *last_read, out));
        shared.add_stats(context.origin.source, &framer.take_stats());
    }

    /// How long no byte came.
    pub(super) fn silence(&self, now: Timestamp) -> Duration {
        now.since(self.last_read)
    }
}
