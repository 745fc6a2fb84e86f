//! From chunks of bytes to counts, transitions and a picture of the present: everything between the sources and the edge.

mod clock;
mod event;
mod line;
mod place;
mod snapshot;
mod tally;

pub use clock::Clock;
pub use event::{Chunk, Event, Output, StreamInfo, Wanted};
pub use line::{NO_PATTERN, VERSION};
pub use snapshot::{Snapshot, SourceView, UnknownView, WindowView};
pub use tally::{Books, ErrorKey, Tally};

use crate::call::{Duplicates, GrainRule, StreamCalls};
use crate::classify::{Classifier, Evidence, Name, Observation, SourceId, Traffic, Verdict};
use crate::framing::{self, Framer, LossReason, RawEvent, StreamId};
use crate::record::Reader;
use crate::taxonomy::{Grain, Outcome};
use crate::time::{Timestamp, Zone};
use clock::{LATE, StreamClock};
use line::Place;
use place::Pod;
use rustc_hash::FxHashMap;
use std::time::Duration;

/// How records are read and judged; replaced whole on reload.
#[derive(Debug)]
pub struct Rules {
    /// Limits of lines and events.
    pub framing: framing::Options,
    /// Field names.
    pub reader: Reader,
    /// Patterns and providers.
    pub classifier: Classifier,
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

/// Owns everything between bytes and alerts. Told events, one after the other; never asks for the time.
#[derive(Debug)]
pub struct Pipeline {
    rules: Rules,
    streams: FxHashMap<StreamId, Stream>,
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
}

#[derive(Debug)]
struct About {
    source: SourceId,
    label: String,
    service: Option<String>,
    host: Option<String>,
    traffic: Traffic,
}

/// What all streams share.
#[derive(Debug)]
struct Core {
    clock: Clock,
    now: Timestamp,
    sources: Vec<SourceOptions>,
    duplicates: Duplicates,
    tally: Tally,
    catching_up: bool,
}

impl Pipeline {
    /// A pipeline over these sources; [`SourceId`] is the position in `sources`.
    pub fn new(rules: Rules, sources: Vec<SourceOptions>, clock: Clock) -> Self {
        let core = Core {
            clock,
            now: Timestamp::default(),
            sources,
            duplicates: Duplicates::default(),
            tally: Tally::default(),
            catching_up: false,
        };
        Self { rules, streams: FxHashMap::default(), core }
    }

    /// Takes one event.
    pub fn handle(&mut self, event: Event, out: &mut Output) {
        match event {
            Event::Open(id, info) => {
                let stream = Stream::new(&self.rules, &self.core, info);
                self.streams.insert(id, stream);
            }
            Event::Chunk(chunk) => self.chunk(&chunk, out),
            Event::Close(id) => {
                if let Some(mut stream) = self.streams.remove(&id) {
                    stream.finish(&self.rules, &mut self.core, out);
                }
            }
            Event::Truncated { stream: id } => {
                if let Some(stream) = self.streams.get_mut(&id) {
                    stream.finish(&self.rules, &mut self.core, out);
                    stream.framer = Framer::new(self.rules.framing, 0, 1);
                }
            }
            Event::Lost { source, bytes, reason } => *self.core.tally.lost_bytes.entry((source, reason)).or_default() += bytes,
            Event::Tick(now) => self.tick(now, out),
            Event::CatchingUp(flag) => self.core.catching_up = flag,
            Event::Reload(rules) => self.rules = *rules,
            Event::Drain => self.drain(out),
        }
    }

    fn chunk(&mut self, chunk: &Chunk, out: &mut Output) {
        let Self { rules, streams, core } = self;
        let Some(stream) = streams.get_mut(&chunk.stream) else { return };
        if core.clock == Clock::Live {
            core.now = core.now.max(chunk.arrived);
        }
        stream.last_read = chunk.arrived;
        let Stream { framer, about, calls, clock, .. } = stream;
        framer.push(&chunk.bytes, chunk.arrived, |event| core.event(rules, about, calls, clock, &event, chunk.arrived, out));
        core.add_books(about.source, &framer.take_books());
    }

    fn tick(&mut self, now: Timestamp, out: &mut Output) {
        let Self { rules, streams, core } = self;
        core.now = core.now.max(now);
        for stream in streams.values_mut() {
            let Stream { framer, about, calls, clock, .. } = stream;
            if !framer.is_idle() {
                framer.tick(now, |event| core.event(rules, about, calls, clock, &event, now, out));
                core.add_books(about.source, &framer.take_books());
            }
            calls.release(now, &mut |call| core.call(&call));
        }
    }

    fn drain(&mut self, out: &mut Output) {
        let Self { rules, streams, core } = self;
        for stream in streams.values_mut() {
            stream.finish(rules, core, out);
        }
    }

    /// Where each stream could be taken up without losing anything: offset, and number of the line there.
    pub fn safe_offsets(&self) -> Vec<(StreamId, u64, u64)> {
        let points = self.streams.iter().map(|(id, stream)| (*id, stream.framer.safe_point()));
        points.map(|(id, (offset, line))| (id, offset, line)).collect()
    }

    /// Increments since the last [`Tally::clear`].
    pub fn tally(&mut self) -> &mut Tally {
        &mut self.core.tally
    }

    /// A picture of the present.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { at: self.core.now, ..Snapshot::default() }
    }
}

impl Stream {
    fn new(rules: &Rules, core: &Core, info: StreamInfo) -> Self {
        let source = core.sources.get(usize::from(info.source.0));
        let name = source.map_or("", |it| it.name.as_str());
        let pod = info.path.as_deref().and_then(Pod::of_path);
        let about = About {
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
        }
    }

    fn finish(&mut self, rules: &Rules, core: &mut Core, out: &mut Output) {
        let Self { framer, about, calls, clock, last_read } = self;
        framer.finish(|event| core.event(rules, about, calls, clock, &event, *last_read, out));
        core.add_books(about.source, &framer.take_books());
        calls.finish(&mut |call| core.call(&call));
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
        rules.reader.read(event.bytes, event.tail, event.stamped, |record| {
            if record.is_broken() {
                *self.tally.discarded_lines.entry((about.source, LossReason::Malformed)).or_default() += 1;
            }
            let mut verdict = rules.classifier.classify(record, about.traffic);
            if event.continued && verdict.outcome == Outcome::Error {
                verdict.grain = Grain::Detail;
            }
            let resolved = clock.resolve(verdict.stamp, self.clock, self.arrival(arrived), !self.catching_up);
            if resolved.skewed {
                self.tally.skewed += 1;
            }
            calls.complete(&mut verdict, resolved.at, about.traffic, &mut self.duplicates);
            *self.tally.records.entry((about.source, verdict.outcome)).or_default() += 1;
            if verdict.unrecognised && verdict.outcome == Outcome::Other {
                *self.tally.unrecognised.entry(about.source).or_default() += 1;
            }
            if out.wanted.wants(verdict.outcome) {
                let place = Place {
                    source: &about.label,
                    event,
                    at: resolved.own.then_some(resolved.at),
                    service: verdict.service.as_deref().or(about.service.as_deref()),
                    host: verdict.host.as_deref().or(about.host.as_deref()),
                    row: None,
                };
                line::write(&mut out.verdicts, &verdict, &place, rules.classifier.catalog());
            }
            if verdict.outcome == Outcome::Other {
                return;
            }
            let observation = observe(verdict, resolved.at, about);
            calls.count(observation, &mut |call| self.call(&call));
        });
    }

    /// In a replay nothing arrives: the latest time seen stands for it.
    fn arrival(&self, arrived: Timestamp) -> Timestamp {
        match self.clock {
            Clock::Live => arrived,
            Clock::Replay => self.now,
        }
    }

    /// Counts one call.
    fn call(&mut self, call: &Observation) {
        *self.tally.calls.entry((call.provider, call.outcome)).or_default() += 1;
    }

    fn add_books(&mut self, source: SourceId, books: &framing::Books) {
        let total = self.tally.books.entry(source).or_default();
        total.bytes += books.bytes;
        total.lines += books.lines;
        total.events += books.events;
        total.blank_lines += books.blank_lines;
    }
}

fn observe(verdict: Verdict<'_>, at: Timestamp, about: &About) -> Observation {
    let name = |text: Option<&str>, otherwise: Option<&String>| text.or(otherwise.map(String::as_str)).map(Name::new).unwrap_or_default();
    let evidence = (verdict.outcome == Outcome::Error).then(|| {
        Box::new(Evidence {
            message: verdict.message.unwrap_or_default(),
            request_id: verdict.request_id.map(|it| it.into_owned()),
            host: verdict.host.map(|it| it.into_owned()).or_else(|| about.host.clone()),
            key_hint: verdict.key_hint,
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
        model: name(verdict.model.as_deref(), None),
        service: name(verdict.service.as_deref(), about.service.as_ref()),
        source: about.source,
        evidence,
    }
}
