//! The pipeline in three steps, for callers with several cores: frame in order, read and judge in parallel, count in order.
//! The output is the same to the byte as that of [`Pipeline::handle`].

use super::counting::JudgedRecord;
use super::event::{Chunk, Event, Output};
use super::handle::Pipeline;
use super::rules::{RecordCache, Rules};
use super::stream::Stream;
use crate::classify::{OwnedVerdict, Traffic};
use crate::framing::{FramingStats, RawEvent, StreamId};
use crate::time::Timestamp;

/// Events that were framed one after the other and, once judged, the verdicts of their records.
///
/// [`Pipeline::frame`] fills it, [`Batch::judge`] may run on any thread, and [`Pipeline::count`] empties it. The buffers are
/// kept for the next round.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    events: Vec<FramedEvent>,
    pieces: Vec<Piece>,
    names: String,
    records: Vec<JudgedEntry>,
}

/// An event with its bytes in the batch: head, tail, service, host.
#[derive(Debug)]
struct FramedEvent {
    event: RawEvent<'static>,
    start: usize,
    head_bytes: usize,
    tail_bytes: usize,
    service_bytes: usize,
    host_bytes: usize,
    traffic: Traffic,
}

/// A record with its verdict.
#[derive(Debug)]
struct JudgedEntry {
    /// The index of its event.
    event: usize,
    verdict: OwnedVerdict,
    broken: bool,
}

/// A chunk, or the end of a stream.
#[derive(Debug)]
struct Piece {
    stream: StreamId,
    /// `None`: the stream has ended.
    arrived: Option<Timestamp>,
    /// The index of the first event after it.
    end: usize,
    stats: FramingStats,
}

impl Batch {
    /// Number of bytes in its events.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing was framed into it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Number of events.
    #[must_use]
    pub fn events(&self) -> usize {
        self.events.len()
    }

    /// Number of bytes that its buffers take in memory, used or not.
    #[must_use]
    pub fn room(&self) -> usize {
        let Self { bytes, events, pieces, names, records } = self;
        let size = |count: usize, each: usize| count.saturating_mul(each);
        bytes.capacity()
            + names.capacity()
            + size(events.capacity(), size_of::<FramedEvent>())
            + size(pieces.capacity(), size_of::<Piece>())
            + size(records.capacity(), size_of::<JudgedEntry>())
    }

    /// Reads and judges its events. `rules` are those of the pipeline that framed them; `cache` holds verdicts of the same
    /// rules.
    pub fn judge(&mut self, rules: &Rules, cache: &mut RecordCache) {
        let Self { bytes, events, names, records, .. } = self;
        for (index, framed) in events.iter().enumerate() {
            rules.read(&framed.event(bytes), framed.traffic, cache, |verdict, broken| {
                records.push(JudgedEntry { event: index, verdict: verdict.keep(names), broken });
            });
        }
    }

    fn push(&mut self, event: RawEvent<'_>, traffic: Traffic) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(event.bytes);
        self.bytes.extend_from_slice(event.tail);
        self.bytes.extend_from_slice(event.service.as_bytes());
        self.bytes.extend_from_slice(event.host.as_bytes());
        let (head_bytes, tail_bytes) = (event.bytes.len(), event.tail.len());
        let (service_bytes, host_bytes) = (event.service.len(), event.host.len());
        let event = RawEvent { bytes: &[], tail: &[], service: "", host: "", ..event };
        self.events.push(FramedEvent { event, start, head_bytes, tail_bytes, service_bytes, host_bytes, traffic });
    }

    fn end_piece(&mut self, stream: StreamId, arrived: Option<Timestamp>, stats: FramingStats) {
        self.pieces.push(Piece { stream, arrived, end: self.events.len(), stats });
    }
}

impl FramedEvent {
    fn event<'b>(&self, bytes: &'b [u8]) -> RawEvent<'b> {
        let mut rest = bytes.get(self.start..).unwrap_or_default();
        let mut take = |length: usize| {
            let (part, behind) = rest.split_at_checked(length).unwrap_or_default();
            rest = behind;
            part
        };
        let (bytes, tail) = (take(self.head_bytes), take(self.tail_bytes));
        let (service, host) = (take(self.service_bytes), take(self.host_bytes));
        let text = |bytes| std::str::from_utf8(bytes).unwrap_or_default();
        RawEvent { bytes, tail, service: text(service), host: text(host), ..self.event }
    }
}

impl Pipeline {
    /// Frames a chunk into a batch. Nothing else may be handled until [`Self::count`] has counted the batch.
    pub fn frame(&mut self, chunk: &Chunk, batch: &mut Batch) {
        let Some(stream) = self.streams.get_mut(&chunk.stream) else { return };
        let Stream { framer, context, .. } = &mut **stream;
        framer.push(&chunk.bytes, chunk.arrived, |event| batch.push(event, context.origin.traffic));
        batch.end_piece(chunk.stream, Some(chunk.arrived), framer.take_stats());
    }

    /// Frames the rest of a stream that has ended. Counting the batch closes the stream.
    pub fn frame_end(&mut self, stream: StreamId, batch: &mut Batch) {
        let Some(ended) = self.streams.get_mut(&stream) else { return };
        let Stream { framer, context, .. } = &mut **ended;
        framer.finish(|event| batch.push(event, context.origin.traffic));
        batch.end_piece(stream, None, framer.take_stats());
    }

    /// Counts the records of a judged batch. Batches are counted in the order in which they were framed.
    pub fn count(&mut self, batch: &mut Batch, out: &mut Output) {
        let Batch { bytes, events, pieces, names, records } = batch;
        let mut records = records.drain(..).peekable();
        for piece in pieces.drain(..) {
            let Self { rules, streams, shared, .. } = self;
            let mut next = || records.next_if(|record| record.event < piece.end);
            let Some(stream) = streams.get_mut(&piece.stream) else {
                while next().is_some() {}
                continue;
            };
            if let Some(arrived) = piece.arrived {
                shared.arrive(arrived, rules, out);
                stream.last_read = arrived;
            }
            let Stream { context, last_read, .. } = &mut **stream;
            let source = context.origin.source;
            while let Some(JudgedEntry { event, verdict, broken }) = next() {
                let Some(framed) = events.get(event) else { continue };
                let verdict = verdict.open(names);
                let judged = JudgedRecord { event: &framed.event(bytes), verdict, broken, arrived: *last_read };
                shared.record(rules, context, judged, out);
            }
            if piece.arrived.is_some() {
                shared.note_chunk(source, &piece.stats);
            } else {
                shared.add_stats(source, &piece.stats);
                self.handle(Event::Close(piece.stream), out);
            }
        }
        drop(records);
        bytes.clear();
        events.clear();
        names.clear();
    }
}
