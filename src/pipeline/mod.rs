//! From chunks of bytes to counts, transitions and a picture of the present: everything between the sources and the edge.

mod backlog;
mod batch;
mod clock;
mod event;
mod line;
mod place;
mod snapshot;
mod state;
mod tally;

pub use crate::detect::{Finding, UnknownView};
pub use crate::window::WindowView;
pub use batch::Batch;
pub use clock::Clock;
pub use event::{Chunk, Event, Output, Replacement, StreamInfo, Wanted};
pub use line::{NO_PATTERN, VERSION};
pub use snapshot::{Snapshot, SourceStats, SourceView};
pub use state::State;
use state::StreamState;
pub use tally::{ErrorKey, SourceCounters, Tally};

use crate::alert::{AlertOptions, Alerts, NameTable, RowError, RowId, RowSpec, SelfRow, Table};
use crate::classify::{Catalog, Classifier, Traffic, Verdict, VerdictCache};
use crate::correlate::{Duplicates, GrainRule, StreamCalls};
use crate::detect::UnknownGroups;
use crate::framing::{self, Framer, LossReason, RawEvent, StreamId};
use crate::observation::{Evidence, Name, Observation, SourceId};
use crate::record::Reader;
use crate::taxonomy::{Category, Grain, Outcome, Provider};
use crate::time::{Timestamp, Zone};
use crate::window::{RateOptions, RateTable};
use backlog::Backlog;
use clock::{LATE, StreamClock};
use line::Place;
use place::Pod;
use rustc_hash::FxHashMap;
use std::sync::Arc;
use std::time::Duration;

/// How records are read, judged and escalated; replaced whole on reload.
#[derive(Debug)]
pub struct Rules {
    framing: framing::Options,
    reader: Reader,
    classifier: Classifier,
    table: Table,
    sources: Vec<String>,
}

impl Rules {
    /// Puts rules together. `rows` are the user's own of the escalation table; `sources` the names of the sources, by
    /// [`SourceId`], which rows may ask for.
    ///
    /// # Errors
    /// With everything that is wrong with the rows.
    pub fn new(
        framing: framing::Options,
        reader: Reader,
        classifier: Classifier,
        rows: &[RowSpec],
        sources: Vec<String>,
    ) -> Result<Self, Vec<RowError>> {
        let catalog = classifier.catalog();
        let lexicon = NameTable { patterns: catalog.patterns(), providers: catalog.providers(), sources: &sources };
        let table = Table::build(rows, lexicon)?;
        Ok(Self { framing, reader, classifier, table, sources })
    }

    /// The patterns and providers.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        self.classifier.catalog()
    }

    /// The escalation table.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The names of the sources, by [`SourceId`].
    #[must_use]
    pub fn sources(&self) -> &[String] {
        &self.sources
    }

    fn lexicon(&self) -> NameTable<'_> {
        let catalog = self.classifier.catalog();
        NameTable { patterns: catalog.patterns(), providers: catalog.providers(), sources: &self.sources }
    }

    /// Gives out what each record of an event comes to, and whether it stops in the middle. Looks at nothing else: whoever has
    /// time may do it.
    fn read(&self, event: &RawEvent<'_>, traffic: Traffic, memo: &mut VerdictCache, mut out: impl FnMut(Verdict<'_>, bool)) {
        self.reader.read(event.bytes, event.tail, event.stamped, |record| {
            out(self.classifier.classify_again(record, traffic, memo), record.is_broken());
        });
    }
}

/// What a source's configuration says of its records.
#[derive(Clone, Debug)]
pub struct SourceOptions {
    /// The configured name: the metric label, and the service where nothing else tells.
    pub name: String,
    /// Calls or attempts, settled by hand.
    pub grain: GrainRule,
    /// Whether everything in it comes from LLM clients.
    pub traffic: Traffic,
    /// For stamps without a zone; learnt from arrival where it is not given.
    pub zone: Option<Zone>,
}

/// What a pipeline is built for.
#[derive(Debug)]
pub struct Options {
    /// The sources; [`SourceId`] is the position.
    pub sources: Vec<SourceOptions>,
    /// Where the present comes from.
    pub clock: Clock,
    /// How alerts are kept and written.
    pub alerts: AlertOptions,
    /// The most (provider, status) series of windows beyond the shipped ones.
    pub series: usize,
}

/// Between two parcels no more time goes by than this.
const LEAP: Duration = Duration::from_mins(1);

/// An event that is no older than this when it arrives has come in time, in seconds.
const CURRENT_S: f64 = 30.0;

/// What is known of a stream outlives it by as much as its place does.
const REMEMBERED_FOR: Duration = Duration::from_hours(24);

/// Owns everything between bytes and alerts. Told events, one after the other; never asks for the time.
#[derive(Debug)]
pub struct Pipeline {
    rules: Arc<Rules>,
    streams: FxHashMap<StreamId, Stream>,
    /// By streams that ended with something open, those that go on with it.
    heirs: FxHashMap<StreamId, StreamId>,
    /// What an earlier process knew of streams that were not opened yet.
    remembered: FxHashMap<StreamId, StreamState>,
    core: Core,
}

/// One stream: its framing, and what its earlier lines told.
#[derive(Debug)]
struct Stream {
    framer: Framer,
    about: About,
    calls: StreamCalls,
    clock: StreamClock,
    last_read: Timestamp,
    /// An earlier process has told of it.
    restored: bool,
}

#[derive(Debug)]
struct About {
    id: StreamId,
    source: SourceId,
    label: String,
    service: Option<String>,
    host: Option<String>,
    traffic: Traffic,
}

/// What one record came to, before its neighbours are asked.
struct Judged<'a> {
    event: &'a RawEvent<'a>,
    verdict: Verdict<'a>,
    broken: bool,
    arrived: Timestamp,
}

/// What all streams share.
#[derive(Debug)]
struct Core {
    clock: Clock,
    now: Timestamp,
    /// The time by which alerts are evaluated: the present, or what a backlog has come to.
    evaluated: Timestamp,
    sources: Vec<SourceOptions>,
    views: Vec<SourceView>,
    between: (Timestamp, Timestamp),
    duplicates: Duplicates,
    windows: RateTable,
    alerts: Alerts,
    unknown: UnknownGroups,
    tally: Tally,
    backlog: Backlog,
    /// What the rules in force judged lately.
    memo: VerdictCache,
}

impl Pipeline {
    /// A pipeline with these rules.
    #[must_use]
    pub fn new(rules: Rules, options: Options) -> Self {
        let Options { sources, clock, alerts, series } = options;
        let windows = RateOptions { shipped_providers: rules.catalog().providers().len(), series };
        let core = Core {
            clock,
            now: Timestamp::default(),
            evaluated: Timestamp::default(),
            views: sources.iter().map(|it| SourceView { name: it.name.clone(), ..SourceView::default() }).collect(),
            sources,
            between: (Timestamp::MIN, Timestamp::MAX),
            duplicates: Duplicates::default(),
            windows: RateTable::new(windows),
            alerts: Alerts::new(rules.table.clone(), alerts),
            unknown: UnknownGroups::default(),
            tally: Tally::default(),
            backlog: Backlog::default(),
            memo: VerdictCache::default(),
        };
        let rules = Arc::new(rules);
        Self { rules, streams: FxHashMap::default(), heirs: FxHashMap::default(), remembered: FxHashMap::default(), core }
    }

    /// Takes one event.
    pub fn handle(&mut self, event: Event, out: &mut Output) {
        match event {
            Event::Open(id, info) => {
                let mut stream = Stream::new(&self.rules, &self.core, id, info);
                if let Some(mut before) = self.streams.remove(&id) {
                    // A hole was skipped: what was open before it has ended, and the stream is still the same.
                    before.finish_framing(&self.rules, &mut self.core, out);
                    (stream.calls, stream.clock) = (before.calls, before.clock);
                } else if let Some(state) = self.remembered.remove(&id) {
                    stream.restore(state, self.rules.catalog());
                }
                self.streams.insert(id, stream);
            }
            Event::Chunk(chunk) => self.chunk(&chunk, out),
            Event::Close(id) => {
                self.let_go(id, out);
                if let Some(mut stream) = self.streams.remove(&id) {
                    stream.finish(&self.rules, &mut self.core, out);
                }
                self.caught_up(|backlog| backlog.close(id), out);
            }
            Event::Truncated { stream: id } => {
                if let Some(stream) = self.streams.get_mut(&id) {
                    stream.frame(&self.rules, &mut self.core, out, |framer, each| framer.restart(each));
                }
            }
            Event::Succeeds { stream, before } => self.succeed(stream, before, out),
            Event::Lost { source, bytes, reason } => self.core.lose(source, reason, bytes),
            Event::Tick(now) => self.tick(now, out),
            Event::ClockStep(now) => self.step_clock(now, out),
            Event::CatchingUp(streams) => {
                let Self { rules, core, .. } = self;
                core.backlog.begin(streams);
                core.alerts.set_catching_up(true, core.evaluated, rules.lexicon(), &mut out.transitions);
            }
            Event::CaughtUp(id) => self.caught_up(|backlog| backlog.end(id), out),
            Event::Behind { stream, source, behind } => {
                self.core.backlog.set_behind(stream, source, behind);
                self.core.alerts.set_behind(self.core.backlog.is_behind());
            }
            Event::Reload(replacement) => {
                let Replacement { rules, sources, alerts, series } = *replacement;
                self.rules = Arc::new(rules);
                self.core.memo = VerdictCache::default();
                self.set_sources(sources);
                let Self { rules, core, .. } = self;
                core.windows.set_series(series);
                core.alerts.reload(rules.table.clone(), alerts, rules.lexicon(), core.now, &mut out.transitions);
            }
            Event::Drain => self.drain(out),
        }
    }

    /// What one stream has left open goes on in the next; so does what its lines have told.
    fn succeed(&mut self, stream: StreamId, before: StreamId, out: &mut Output) {
        let Self { rules, streams, heirs, core, .. } = self;
        let Some(mut old) = streams.remove(&before) else { return };
        if let Some(new) = streams.get_mut(&stream) {
            new.frame(rules, core, out, |framer, each| framer.take_over(&mut old.framer, before, each));
            core.add_books(old.about.source, &old.framer.take_stats());
            if !new.restored {
                let rule = core.sources.get(usize::from(old.about.source.0)).map_or(GrainRule::Auto, |it| it.grain);
                new.calls = std::mem::replace(&mut old.calls, StreamCalls::new(rule));
                new.clock = old.clock;
            }
            heirs.insert(before, stream);
        }
        streams.insert(before, old);
    }

    /// A stream that is let go cannot be read again: what it has left open is given out.
    fn let_go(&mut self, id: StreamId, out: &mut Output) {
        let Self { rules, streams, heirs, core, .. } = self;
        if let Some(stream) = heirs.remove(&id).and_then(|it| streams.get_mut(&it)) {
            stream.frame(rules, core, out, |framer, each| framer.release_predecessor(id, each));
        }
        heirs.retain(|_, heir| *heir != id);
    }

    /// Bytes of a stream that are kept for what is not finished yet.
    #[must_use]
    pub fn kept_bytes(&self, stream: StreamId) -> usize {
        self.streams.get(&stream).map_or(0, |it| it.framer.kept_bytes())
    }

    fn set_sources(&mut self, sources: Vec<SourceOptions>) {
        let Self { rules, streams, core, .. } = self;
        for it in sources.iter().skip(core.views.len()) {
            core.views.push(SourceView { name: it.name.clone(), ..SourceView::default() });
        }
        core.sources = sources;
        for stream in streams.values_mut() {
            stream.framer.set_options(rules.framing);
            if let Some(options) = core.sources.get(usize::from(stream.about.source.0)) {
                stream.about.traffic = options.traffic;
                stream.calls.set_rule(options.grain);
                stream.clock.set_zone(options.zone);
            }
        }
    }

    /// When nothing is left of the backlog, all is evaluated once, and only what is still true is told.
    fn caught_up(&mut self, change: impl FnOnce(&mut Backlog), out: &mut Output) {
        let Self { rules, core, .. } = self;
        let before = core.backlog.is_catching_up();
        change(&mut core.backlog);
        core.alerts.set_behind(core.backlog.is_behind());
        if before && !core.backlog.is_catching_up() {
            core.set_evaluated();
            core.alerts.set_catching_up(false, core.evaluated, rules.lexicon(), &mut out.transitions);
        }
    }

    /// Only records of this time from now on; others are as if they had not been written.
    pub fn only_between(&mut self, since: Option<Timestamp>, until: Option<Timestamp>) {
        self.core.between = (since.unwrap_or(Timestamp::MIN), until.unwrap_or(Timestamp::MAX));
    }

    fn chunk(&mut self, chunk: &Chunk, out: &mut Output) {
        let Self { rules, streams, core, .. } = self;
        let Some(stream) = streams.get_mut(&chunk.stream) else { return };
        core.arrive(chunk.arrived, rules, out);
        stream.last_read = chunk.arrived;
        let Stream { framer, about, calls, clock, .. } = stream;
        let unrecognised = core.unrecognised(about.source);
        framer.push(&chunk.bytes, chunk.arrived, |event| core.event(rules, about, calls, clock, &event, chunk.arrived, out));
        core.note_chunk(about.source, &framer.take_stats(), unrecognised);
    }

    fn tick(&mut self, now: Timestamp, out: &mut Output) {
        let Self { rules, streams, core, .. } = self;
        for stream in streams.values_mut() {
            let Stream { framer, about, calls, clock, .. } = stream;
            if !framer.is_idle() {
                framer.tick(now, |event| core.event(rules, about, calls, clock, &event, now, out));
                core.add_books(about.source, &framer.take_stats());
            }
            let present = if core.clock == Clock::Live { now } else { core.now };
            calls.release(present, &mut |call| core.call(call, rules, out));
        }
        if core.clock == Clock::Live {
            core.advance(now, rules, out);
        }
    }

    /// Somebody has set the clock. Forward: nobody was silent in the time that never was. Back: windows hold counts of a
    /// future that is none, and all goes on from now.
    fn step_clock(&mut self, now: Timestamp, out: &mut Output) {
        let core = &mut self.core;
        if now < core.now {
            core.tally.skewed += 1;
            (core.now, core.evaluated) = (now, now);
            core.windows = RateTable::new(core.windows.options());
            core.alerts.set_clock_back(now);
        }
        core.alerts.set_silence_asleep(true);
        self.tick(now, out);
        self.core.alerts.set_silence_asleep(false);
    }

    fn drain(&mut self, out: &mut Output) {
        let Self { rules, streams, core, .. } = self;
        for stream in streams.values_mut() {
            stream.finish(rules, core, out);
        }
        // Seconds wait for late events; at the end none will come.
        core.alerts.set_silence_asleep(true);
        let end = core.evaluated.plus(Duration::from_secs(6));
        core.alerts.tick(end, rules.lexicon(), &mut out.transitions);
    }

    /// Where each stream could be taken up without losing anything: offset, and number of the line there.
    #[must_use]
    pub fn safe_offsets(&self) -> Vec<(StreamId, u64, u64)> {
        let point = |(id, stream): (&StreamId, &Stream)| {
            let heir = self.heirs.get(id).and_then(|it| self.streams.get(it));
            let lent = heir.and_then(|it| it.framer.handover_from(*id));
            let (offset, line) = lent.into_iter().fold(stream.framer.safe_point(), Ord::min);
            (*id, offset, line)
        };
        self.streams.iter().map(point).collect()
    }

    /// Increments since the last [`Tally::clear`].
    pub fn tally(&mut self) -> &mut Tally {
        &mut self.core.tally
    }

    /// A picture of the present.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let Self { rules, core, .. } = self;
        Snapshot {
            at: core.now,
            windows: core.windows.views(core.now),
            alerts: core.alerts.alerts(core.now, rules.lexicon()),
            findings: core.alerts.findings(),
            storms: core.alerts.storms(),
            unknown: core.unknown.views(),
            sources: self.source_views(),
        }
    }

    fn source_views(&self) -> Vec<SourceView> {
        let mut views = self.core.views.clone();
        for stream in self.streams.values() {
            if let Some(view) = views.get_mut(usize::from(stream.about.source.0)) {
                view.books.open_lines += stream.framer.open_lines();
            }
        }
        views
    }

    /// The patterns and providers in force.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        self.rules.catalog()
    }

    /// The escalation table in force.
    #[must_use]
    pub fn table(&self) -> &Table {
        self.core.alerts.table()
    }

    /// The id of a row.
    #[must_use]
    pub fn row_name(&self, row: RowId) -> Option<&str> {
        self.table().row(row).map(|it| it.id.as_str())
    }

    /// What a row says is to be done next, and by whom.
    #[must_use]
    pub fn next_step(&self, row: RowId) -> Option<String> {
        self.table().row(row).map(|it| it.next_step())
    }

    /// Says what is wrong with this process itself; `None` where that is well.
    pub fn set_self(&mut self, row: SelfRow, detail: Option<&str>) {
        let now = self.core.evaluated;
        self.core.alerts.set_self(row, detail.is_some(), detail.unwrap_or_default(), now);
    }

    /// The rules in force.
    #[must_use]
    pub fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// Everything that must survive a restart, but for the offsets.
    #[must_use]
    pub fn state(&self) -> State {
        let Self { rules, core, .. } = self;
        let providers = rules.catalog().providers();
        State {
            now: core.now,
            evaluated: core.evaluated,
            windows: core.windows.state(providers),
            alerts: core.alerts.state(rules.lexicon(), core.now),
            unknown: core.unknown.state(providers),
            duplicates: core.duplicates.state(),
            streams: self.stream_states(),
        }
    }

    fn stream_states(&self) -> Vec<StreamState> {
        let now = self.core.now;
        let open = self.streams.iter().map(|(id, it)| {
            let mut state = it.state(*id, now, self.rules.catalog());
            if let Some(heir) = self.heirs.get(id).and_then(|it| self.streams.get(it)) {
                heir.framer.note_handover(*id, &mut state.framer);
            }
            state
        });
        let remembered = self.remembered.values().filter(|it| now.since(it.seen) < REMEMBERED_FOR).cloned();
        let mut all: Vec<StreamState> = open.chain(remembered).collect();
        all.sort_by_key(|it| it.stream);
        all
    }

    /// Goes on from a state that an earlier process left.
    pub fn restore(&mut self, state: State, options: AlertOptions, out: &mut Output) {
        let Self { rules, core, .. } = self;
        let State { now, evaluated, windows, alerts, unknown, duplicates, streams } = state;
        self.remembered = streams.into_iter().map(|it| (StreamId(it.stream), it)).collect();
        let providers = rules.catalog().providers();
        core.now = core.now.max(now);
        core.evaluated = core.evaluated.max(evaluated);
        core.windows = RateTable::restore(core.windows.options(), windows, providers);
        core.unknown = UnknownGroups::restore(unknown, providers);
        core.duplicates.restore(&duplicates);
        core.alerts = Alerts::restore(rules.table.clone(), options, alerts, rules.lexicon(), core.now, &mut out.transitions);
    }
}

impl Stream {
    fn new(rules: &Rules, core: &Core, id: StreamId, info: StreamInfo) -> Self {
        let source = core.sources.get(usize::from(info.source.0));
        let name = source.map_or("", |it| it.name.as_str());
        let pod = info.path.as_deref().and_then(Pod::of_path);
        let about = About {
            id,
            source: info.source,
            label: info.path.unwrap_or_else(|| name.to_owned()),
            service: pod.as_ref().map(|it| it.service.clone()).or_else(|| (!name.is_empty()).then(|| name.to_owned())),
            host: pod.map(|it| it.pod),
            traffic: source.map_or(Traffic::Llm, |it| it.traffic),
        };
        Self {
            framer: Framer::new(rules.framing, info.at_offset, info.first_line),
            about,
            calls: StreamCalls::new(source.map_or(GrainRule::Auto, |it| it.grain)),
            clock: StreamClock::new(source.and_then(|it| it.zone)),
            last_read: Timestamp::default(),
            restored: false,
        }
    }

    fn state(&self, id: StreamId, now: Timestamp, catalog: &Catalog) -> StreamState {
        let Self { framer, calls, clock, .. } = self;
        StreamState { stream: id.0, seen: now, framer: framer.state(), calls: calls.state(catalog), clock: clock.state() }
    }

    fn restore(&mut self, state: StreamState, catalog: &Catalog) {
        self.framer.restore(&state.framer);
        self.calls.restore(state.calls, catalog, self.about.source);
        self.clock.restore(state.clock);
        self.restored = true;
    }

    fn finish(&mut self, rules: &Rules, core: &mut Core, out: &mut Output) {
        self.finish_framing(rules, core, out);
        self.calls.finish(&mut |call| core.call(call, rules, out));
    }

    fn finish_framing(&mut self, rules: &Rules, core: &mut Core, out: &mut Output) {
        self.frame(rules, core, out, |framer, each| framer.finish(each));
    }

    /// Does something to the framing that may give out events.
    fn frame(
        &mut self,
        rules: &Rules,
        core: &mut Core,
        out: &mut Output,
        change: impl FnOnce(&mut Framer, &mut dyn FnMut(RawEvent<'_>)),
    ) {
        let Self { framer, about, calls, clock, last_read, .. } = self;
        change(framer, &mut |event| core.event(rules, about, calls, clock, &event, *last_read, out));
        core.add_books(about.source, &framer.take_stats());
    }
}

impl Core {
    #[expect(clippy::too_many_arguments, reason = "the parts of one stream, taken apart so that its framer can lend the event")]
    fn event(
        &mut self,
        rules: &Rules,
        about: &About,
        calls: &mut StreamCalls,
        clock: &mut StreamClock,
        event: &RawEvent<'_>,
        arrived: Timestamp,
        out: &mut Output,
    ) {
        // Lent for as long as the event is read: its records need the rest.
        let mut memo = std::mem::take(&mut self.memo);
        rules.read(event, about.traffic, &mut memo, |verdict, broken| {
            self.record(rules, about, calls, clock, Judged { event, verdict, broken, arrived }, out);
        });
        self.memo = memo;
    }

    /// Takes what one record came to.
    fn record(
        &mut self,
        rules: &Rules,
        about: &About,
        calls: &mut StreamCalls,
        clock: &mut StreamClock,
        judged: Judged<'_>,
        out: &mut Output,
    ) {
        let Judged { event, mut verdict, broken, arrived } = judged;
        let behind = self.backlog.holds(about.id);
        let resolved = clock.resolve(verdict.stamp, self.clock, self.arrival(arrived), !behind);
        if resolved.at < self.between.0 || resolved.at >= self.between.1 {
            return;
        }
        if resolved.skewed {
            self.tally.skewed += 1;
            self.tally.skewed_source = Some(about.source);
        }
        if behind {
            self.backlog.note(about.id, resolved.at);
            self.set_evaluated();
        }
        if self.clock == Clock::Replay {
            self.advance(resolved.at, rules, out);
        }
        if event.continued && verdict.outcome == Outcome::Error {
            verdict.grain = Grain::Detail;
        }
        calls.complete(&mut verdict, resolved.at, about.traffic, &mut self.duplicates);
        self.count_record(about.source, &verdict, resolved.at, arrived);
        if verdict.outcome == Outcome::Other {
            if broken {
                *self.tally.discarded_lines.entry((about.source, LossReason::Malformed)).or_default() += 1;
            }
            if out.wanted.wants(Outcome::Other) {
                write_line(out, rules, about, event, &verdict, resolved, None);
            }
            return;
        }
        // The line is written from the verdict, so it comes first; the row needs the observation.
        let observation = observe(&verdict, resolved.at, about);
        if out.wanted.wants(verdict.outcome) {
            let row = (verdict.outcome == Outcome::Error).then(|| self.alerts.table().row_of(&observation));
            let row = row.and_then(|it| self.alerts.table().row(it)).map(|it| it.id.as_str());
            write_line(out, rules, about, event, &verdict, resolved, row);
        }
        if observation.grain == Grain::Attempt {
            self.attempt(&observation, rules, out);
        }
        calls.count(observation, &mut |call| self.call(call, rules, out));
    }

    fn count_record(&mut self, source: SourceId, verdict: &Verdict<'_>, at: Timestamp, arrived: Timestamp) {
        *self.tally.records.entry((source, verdict.outcome)).or_default() += 1;
        if verdict.unrecognised && verdict.outcome == Outcome::Other {
            *self.tally.unrecognised.entry(source).or_default() += 1;
        }
        self.tally.redactions += verdict.redactions;
        if let Some(view) = self.views.get_mut(usize::from(source.0)) {
            view.last_event = Some(view.last_event.map_or(at, |last| last.max(at)));
            view.event_lag_s = arrived.since(at).as_secs_f64();
            view.was_current |= view.event_lag_s < CURRENT_S;
        }
    }

    /// Bytes have come. A clock that leaps is for a tick to tell of.
    fn arrive(&mut self, at: Timestamp, rules: &Rules, out: &mut Output) {
        if self.clock == Clock::Live && (self.now == Timestamp::default() || at.since(self.now) < LEAP) {
            self.advance(at, rules, out);
        }
    }

    /// Time goes on; it never goes back.
    fn advance(&mut self, now: Timestamp, rules: &Rules, out: &mut Output) {
        let passed = now.second() > self.now.second();
        self.now = self.now.max(now);
        if passed {
            self.windows.tick(self.now);
        }
        if self.set_evaluated() {
            self.alerts.tick(self.evaluated, rules.lexicon(), &mut out.transitions);
        }
    }

    /// Moves on the time by which alerts are evaluated. True when a second went by.
    fn set_evaluated(&mut self) -> bool {
        let before = self.evaluated;
        let clock = self.backlog.clock(self.now, &self.views).map_or(before, |it| it.min(self.now));
        self.evaluated = before.max(clock);
        self.evaluated.second() > before.second()
    }

    /// Whether it says nothing of the time that is evaluated.
    fn is_late(&self, at: Timestamp) -> bool {
        self.evaluated.since(at) > LATE
    }

    /// Counts one try inside a call.
    fn attempt(&mut self, attempt: &Observation, rules: &Rules, out: &mut Output) {
        *self.tally.attempts.entry((attempt.provider, attempt.outcome)).or_default() += 1;
        if attempt.outcome == Outcome::Error {
            *self.tally.attempt_errors.entry((attempt.provider, attempt.status_label(), attempt.category)).or_default() += 1;
        }
        // A server's access lines name no provider; whose failures they are, their callers' lines say.
        if attempt.provider != Provider::UNKNOWN && !self.is_late(attempt.at) {
            self.alerts.observe(attempt, rules.lexicon(), self.evaluated, &mut out.transitions);
        }
    }

    /// Counts one call.
    fn call(&mut self, call: &mut Observation, rules: &Rules, out: &mut Output) {
        self.alerts.attribute(call, rules.lexicon());
        let call = &*call;
        self.tally.call(call);
        let late = self.now.since(call.at) > LATE;
        self.tally.late += u64::from(late);
        if !late {
            self.windows.observe(call);
        }
        let mut row = None;
        if !self.is_late(call.at) {
            row = self.alerts.observe(call, rules.lexicon(), self.evaluated, &mut out.transitions);
        }
        if call.outcome == Outcome::Error {
            let row = *row.get_or_insert_with(|| self.alerts.table().row_of(call));
            self.tally.failure(call, row, self.now);
            if call.category == Category::Unknown {
                self.unknown.observe(call);
            }
        }
        if out.keep_calls {
            out.calls.push((call.clone(), row));
        }
    }

    /// In a replay nothing arrives: the latest time seen stands for it.
    fn arrival(&self, arrived: Timestamp) -> Timestamp {
        match self.clock {
            Clock::Live => arrived,
            Clock::Replay => self.now,
        }
    }

    fn unrecognised(&self, source: SourceId) -> u64 {
        self.tally.unrecognised.get(&source).copied().unwrap_or(0)
    }

    /// A chunk has been taken; `unrecognised` is what the source's count was before it.
    fn note_chunk(&mut self, source: SourceId, books: &framing::FramingStats, unrecognised: u64) {
        self.add_books(source, books);
        let unrecognised = self.unrecognised(source).saturating_sub(unrecognised);
        let few = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        self.alerts.note_lines(self.evaluated, few(books.lines), few(unrecognised));
        if let Some(view) = self.views.get_mut(usize::from(source.0)) {
            view.last_read = Some(self.now);
        }
    }

    fn add_books(&mut self, source: SourceId, books: &framing::FramingStats) {
        let total = self.tally.books.entry(source).or_default();
        total.bytes += books.bytes;
        total.lines += books.lines;
        total.events += books.events;
        total.blank_lines += books.blank_lines;
        if books.binary_lines > 0 {
            *self.tally.discarded_lines.entry((source, LossReason::Binary)).or_default() += books.binary_lines;
            *self.tally.lost_bytes.entry((source, LossReason::Binary)).or_default() += books.binary_bytes;
        }
        if books.long_bytes > 0 {
            *self.tally.lost_bytes.entry((source, LossReason::TooLong)).or_default() += books.long_bytes;
        }
        for (reason, lines) in [(LossReason::TooLong, books.long_lines), (LossReason::Incomplete, books.incomplete_lines)] {
            if lines > 0 {
                *self.tally.partial_lines.entry((source, reason)).or_default() += lines;
            }
        }
        if let Some(view) = self.views.get_mut(usize::from(source.0)) {
            view.books.add(books);
        }
    }

    /// Bytes that nobody will read.
    fn lose(&mut self, source: SourceId, reason: LossReason, bytes: u64) {
        *self.tally.lost_bytes.entry((source, reason)).or_default() += bytes;
        if let Some(view) = self.views.get_mut(usize::from(source.0)) {
            *view.books.lost_bytes.entry(reason).or_default() += bytes;
        }
    }
}

fn write_line(
    out: &mut Output,
    rules: &Rules,
    about: &About,
    event: &RawEvent<'_>,
    verdict: &Verdict<'_>,
    resolved: clock::Resolved,
    row: Option<&str>,
) {
    let place = Place {
        source: &about.label,
        event,
        at: resolved.own.then_some(resolved.at),
        service: verdict.service.as_deref().or(about.service.as_deref()),
        host: verdict.host.as_deref().or(about.host.as_deref()),
        row,
    };
    line::write(&mut out.verdicts, verdict, &place, rules.catalog());
}

fn observe(verdict: &Verdict<'_>, at: Timestamp, about: &About) -> Observation {
    let service = verdict.service.as_deref().or(about.service.as_deref());
    let evidence = (verdict.outcome == Outcome::Error).then(|| {
        Box::new(Evidence {
            message: verdict.message.clone().unwrap_or_default(),
            request_id: verdict.request_id.as_deref().map(str::to_owned),
            host: verdict.host.as_deref().or(about.host.as_deref()).map(str::to_owned),
            key_hint: verdict.key_hint.clone(),
            resets_at: verdict.resets_at,
        })
    });
    Observation {
        at,
        outcome: verdict.outcome,
        grain: verdict.grain,
        provider: verdict.provider,
        gateway: verdict.gateway,
        status: verdict.status,
        upstream_status: verdict.upstream_status,
        pattern: verdict.pattern,
        category: verdict.category,
        owner: verdict.owner,
        retry: verdict.retry,
        confidence: verdict.confidence,
        retry_after_s: verdict.retry_after_s,
        latency_s: verdict.latency_s,
        input_tokens: verdict.input_tokens,
        model: Name::new(verdict.model_text()),
        service: service.map(Name::new).unwrap_or_default(),
        source: about.source,
        evidence,
    }
}
