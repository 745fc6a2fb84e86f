//! The pipeline itself: takes one event after another.

use super::backlog::Backlog;
use super::clock::Clock;
use super::counting::SharedState;
use super::event::{Chunk, Event, Output, Replacement, StreamInfo};
use super::last_failures::LastFailures;
use super::open_bytes::OpenBytes;
use super::options::{Options, SourceOptions};
use super::rules::Rules;
use super::snapshot::{Snapshot, SourceView};
use super::state::StreamState;
use super::stream::Stream;
use super::tally::Tally;
use crate::alert::{Alerts, RowId, SelfRow, Table};
use crate::classify::Catalog;
use crate::correlate::{Duplicates, GrainRule, Instances};
use crate::detect::{UnknownGroups, Unread};
use crate::framing::StreamId;
use crate::time::Timestamp;
use crate::window::{RateOptions, RateTable};
use rustc_hash::FxHashMap;
use std::sync::Arc;
use std::time::Duration;

/// Seconds are evaluated only when they can no longer get late events; at the end nothing comes any more, so this much time
/// is added to evaluate the last of them.
const LAST_SECONDS: Duration = Duration::from_secs(6);

/// Owns all state between raw bytes and alerts. Driven by [`Event`]s; takes the time as input and never reads a clock.
#[derive(Debug)]
pub struct Pipeline {
    pub(super) rules: Arc<Rules>,
    /// Boxed, so that the free places of the table cost little: thousands of streams may be open.
    pub(super) streams: FxHashMap<StreamId, Box<Stream>>,
    /// For a stream that ended with open events: the stream that continues them.
    pub(super) successors: FxHashMap<StreamId, StreamId>,
    /// Restored state of streams that were not opened yet.
    pub(super) remembered: FxHashMap<StreamId, StreamState>,
    pub(super) shared: SharedState,
    open_bytes: OpenBytes,
}

impl Pipeline {
    /// Builds a pipeline with these rules and no streams.
    #[must_use]
    pub fn new(rules: impl Into<Arc<Rules>>, options: Options) -> Self {
        let rules = rules.into();
        let Options { sources, clock, alerts, series } = options;
        let windows = RateOptions { shipped_providers: rules.catalog().providers().len(), series };
        let shared = SharedState {
            clock,
            now: Timestamp::default(),
            evaluated: Timestamp::default(),
            views: sources.iter().map(view_of).collect(),
            sources,
            between: (Timestamp::MIN, Timestamp::MAX),
            duplicates: Duplicates::default(),
            windows: RateTable::new(windows),
            alerts: Alerts::new(rules.table().clone(), alerts),
            unknown: UnknownGroups::default(),
            unread: Unread::default(),
            tally: Tally::default(),
            last_failures: LastFailures::default(),
            backlog: Backlog::default(),
            cache: None,
        };
        let (streams, successors, remembered) = Default::default();
        Self { rules, streams, successors, remembered, shared, open_bytes: OpenBytes::default() }
    }

    /// Handles one event and appends what changed to `out`.
    pub fn handle(&mut self, event: Event, out: &mut Output) {
        match event {
            Event::Open(id, info) => self.open(id, info, out),
            Event::Chunk(chunk) => self.chunk(&chunk, out),
            Event::Close(id) => self.close(id, out),
            Event::Truncated { stream: id } => {
                if let Some(stream) = self.streams.get_mut(&id) {
                    stream.frame(&self.rules, &mut self.shared, out, |framer, emit| framer.restart(emit));
                }
            }
            Event::Rotated { from, to } => self.rotated(from, to, out),
            Event::Lost { source, bytes, reason } => self.shared.lose(source, reason, bytes),
            Event::Tick(now) => self.tick(now, out),
            Event::ClockStep(now) => self.step_clock(now, out),
            Event::CatchingUp(streams) => {
                let Self { rules, shared, .. } = self;
                shared.backlog.begin(streams);
                shared.alerts.set_catching_up(true, shared.evaluated, rules.names(), &mut out.transitions);
            }
            Event::CaughtUp(id) => self.change_backlog(|backlog| backlog.end(id), out),
            Event::Behind { stream, source, behind } => {
                self.shared.backlog.set_behind(stream, source, behind);
                self.shared.alerts.set_behind(self.shared.backlog.is_behind());
            }
            Event::Reload(replacement) => self.reload(*replacement, out),
            Event::Drain => self.drain(out),
        }
    }

    fn open(&mut self, id: StreamId, info: StreamInfo, out: &mut Output) {
        let mut stream = Box::new(Stream::new(&self.rules, &self.shared, id, info));
        if let Some(mut before) = self.streams.remove(&id) {
            // The file has a hole that was skipped: open events before it end, but the stream is still the same.
            before.finish_framing(&self.rules, &mut self.shared, out);
            (stream.context.calls, stream.context.clock) = (before.context.calls, before.context.clock);
        } else if let Some(state) = self.remembered.remove(&id) {
            stream.restore(state, self.rules.catalog());
        }
        self.streams.insert(id, stream);
    }

    fn chunk(&mut self, chunk: &Chunk, out: &mut Output) {
        let Self { rules, streams, shared, open_bytes, .. } = self;
        let Some(stream) = streams.get_mut(&chunk.stream) else { return };
        let before = stream.budgeted_bytes();
        shared.arrive(chunk.arrived, rules, out);
        stream.last_read = chunk.arrived;
        let Stream { framer, context, .. } = &mut **stream;
        let source = context.origin.source;
        framer.push(&chunk.bytes, chunk.arrived, |event| shared.event(rules, context, &event, chunk.arrived, out));
        shared.note_chunk(source, &framer.take_stats());
        if open_bytes.change(before, stream.budgeted_bytes(), rules) {
            open_bytes.shrink(streams, rules, shared, out);
        }
    }

    fn close(&mut self, id: StreamId, out: &mut Output) {
        self.release(id, out);
        if let Some(mut stream) = self.streams.remove(&id) {
            stream.finish(&self.rules, &mut self.shared, out);
        }
        self.change_backlog(|backlog| backlog.close(id), out);
    }

    /// Hands over from a rotated file to its successor: open events, and what earlier lines said.
    fn rotated(&mut self, from: StreamId, to: StreamId, out: &mut Output) {
        let Self { rules, streams, successors, shared, .. } = self;
        let Some(mut old) = streams.remove(&from) else { return };
        if let Some(new) = streams.get_mut(&to) {
            new.frame(rules, shared, out, |framer, emit| framer.take_over(&mut old.framer, from, emit));
            let source = old.context.origin.source;
            shared.add_stats(source, &old.framer.take_stats());
            if !new.restored {
                let grain = shared.sources.get(usize::from(source.0)).map_or(GrainRule::Auto, |source| source.grain);
                new.context.calls = std::mem::replace(&mut old.context.calls, Instances::new(grain));
                new.context.clock = old.context.clock;
            }
            successors.insert(from, to);
        }
        streams.insert(from, old);
    }

    /// A closed stream cannot be read again, so its successor emits the events that the stream left open.
    fn release(&mut self, id: StreamId, out: &mut Output) {
        let Self { rules, streams, successors, shared, .. } = self;
        if let Some(stream) = successors.remove(&id).and_then(|successor| streams.get_mut(&successor)) {
            stream.frame(rules, shared, out, |framer, emit| framer.release_predecessor(id, emit));
        }
        successors.retain(|_, successor| *successor != id);
    }

    fn tick(&mut self, now: Timestamp, out: &mut Output) {
        let Self { rules, streams, shared, .. } = self;
        for stream in streams.values_mut() {
            let silence = stream.silence(now);
            let Stream { framer, context, .. } = &mut **stream;
            if framer.is_idle() {
                framer.rest(now);
            } else {
                framer.tick(now, |event| shared.event(rules, context, &event, now, out));
                shared.add_stats(context.origin.source, &framer.take_stats());
            }
            let present = if shared.clock == Clock::Live { now } else { shared.now.plus(silence) };
            context.calls.release_attempts(present, &mut |call| shared.call(call, rules, out));
        }
        if shared.clock == Clock::Live {
            shared.advance(now, rules, out);
        }
        for stream in streams.values_mut() {
            // The time of a log that is replayed passes while no line comes.
            let present = if shared.clock == Clock::Live { shared.now } else { shared.now.plus(stream.silence(now)) };
            stream.context.calls.release_failures(present, &mut |call| shared.call(call, rules, out));
        }
    }

    /// The wall clock was set, or the machine was suspended. Forward: the time that was skipped is not silence. Backward:
    /// windows hold counts of a time that has not come yet, so they restart at the current time.
    fn step_clock(&mut self, now: Timestamp, out: &mut Output) {
        let shared = &mut self.shared;
        if now < shared.now {
            shared.tally.skewed += 1;
            (shared.now, shared.evaluated) = (now, now);
            shared.windows = RateTable::new(shared.windows.options());
            shared.alerts.set_clock_back(now);
        }
        shared.alerts.set_silence_asleep(true);
        self.tick(now, out);
        self.shared.alerts.set_silence_asleep(false);
    }

    /// When the backlog is drained, evaluates all rules once and notifies only alerts that still fire.
    fn change_backlog(&mut self, change: impl FnOnce(&mut Backlog), out: &mut Output) {
        let Self { rules, shared, .. } = self;
        let was_catching_up = shared.backlog.is_catching_up();
        change(&mut shared.backlog);
        shared.alerts.set_behind(shared.backlog.is_behind());
        if was_catching_up && !shared.backlog.is_catching_up() {
            shared.set_evaluated();
            shared.alerts.set_catching_up(false, shared.evaluated, rules.names(), &mut out.transitions);
        }
    }

    fn reload(&mut self, replacement: Replacement, out: &mut Output) {
        let Replacement { rules, sources, alerts, series } = replacement;
        rules.catalog().providers().unlisted().adopt(self.catalog().providers().unlisted());
        // Saved by name before, and restored after: a reload changes the ids of rows.
        let saved = self.shared.last_failures.state(self.table(), self.catalog().providers());
        self.shared.last_failures = LastFailures::restore(saved, rules.table(), rules.catalog().providers());
        self.rules = rules;
        self.shared.cache = None;
        self.set_sources(sources);
        let Self { rules, shared, .. } = self;
        shared.windows.set_series(series);
        shared.alerts.reload(rules.table().clone(), alerts, rules.names(), shared.now, &mut out.transitions);
    }

    fn set_sources(&mut self, sources: Vec<SourceOptions>) {
        let Self { rules, streams, shared, .. } = self;
        shared.views.extend(sources.iter().skip(shared.views.len()).map(view_of));
        shared.sources = sources;
        for stream in streams.values_mut() {
            stream.framer.set_options(rules.framing);
            if let Some(options) = shared.sources.get(usize::from(stream.context.origin.source.0)) {
                stream.context.set_options(options);
            }
        }
    }

    fn drain(&mut self, out: &mut Output) {
        let Self { rules, streams, shared, .. } = self;
        for stream in streams.values_mut() {
            stream.finish(rules, shared, out);
        }
        shared.alerts.set_silence_asleep(true);
        let end = shared.evaluated.plus(LAST_SECONDS);
        shared.alerts.tick(end, rules.names(), &mut out.transitions);
    }

    /// From now on, counts only records from `since` (inclusive) to `until` (exclusive) and ignores all others.
    pub fn only_between(&mut self, since: Option<Timestamp>, until: Option<Timestamp>) {
        self.shared.between = (since.unwrap_or(Timestamp::MIN), until.unwrap_or(Timestamp::MAX));
    }

    /// Sets the state of a condition of this process itself: `detail` says what is wrong, `None` that nothing is.
    pub fn set_self(&mut self, row: SelfRow, detail: Option<&str>) {
        let now = self.shared.evaluated;
        self.shared.alerts.set_self(row, detail.is_some(), detail.unwrap_or_default(), now);
    }

    /// Number of bytes of a stream that are kept in memory for events that are not complete.
    #[must_use]
    pub fn kept_bytes(&self, stream: StreamId) -> usize {
        self.streams.get(&stream).map_or(0, |stream| stream.framer.kept_bytes())
    }

    /// Increments since the last [`Tally::clear`].
    pub fn tally(&mut self) -> &mut Tally {
        &mut self.shared.tally
    }

    /// Everything that pages and metrics show, at the pipeline's current time.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let Self { rules, shared, .. } = self;
        Snapshot {
            at: shared.now,
            windows: shared.windows.views(shared.now),
            trends: shared.windows.trends(shared.now),
            alerts: shared.alerts.alerts(shared.now, rules.names()),
            findings: shared.alerts.findings(),
            storms: shared.alerts.storms(),
            last_failures: shared.last_failures.all(),
            unknown: shared.unknown.views(),
            unread_records: shared.unread.count(),
            unread: shared.unread.views(),
            sources: self.source_views(),
        }
    }

    fn source_views(&self) -> Vec<SourceView> {
        let mut views = self.shared.views.clone();
        for stream in self.streams.values() {
            if let Some(view) = views.get_mut(usize::from(stream.context.origin.source.0)) {
                view.stats.open_lines += stream.framer.open_lines();
            }
        }
        views
    }

    /// The rules in force.
    #[must_use]
    pub fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// The patterns and providers in force.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        self.rules.catalog()
    }

    /// The escalation table in force.
    #[must_use]
    pub fn table(&self) -> &Table {
        self.shared.alerts.table()
    }

    /// The id of a row.
    #[must_use]
    pub fn row_name(&self, row: RowId) -> Option<&str> {
        self.table().row(row).map(|row| row.id.as_str())
    }

    /// The next step that a row recommends, and who takes it.
    #[must_use]
    #[expect(clippy::redundant_closure_for_method_calls, reason = "the path of the method needs an import of its own")]
    pub fn next_step(&self, row: RowId) -> Option<String> {
        self.table().row(row).map(|row| row.next_step())
    }
}

fn view_of(source: &SourceOptions) -> SourceView {
    SourceView { name: source.name.clone(), ..SourceView::default() }
}
