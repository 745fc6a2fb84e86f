//! The same way in three steps, for whoever has several cores: lines are framed in order, read and judged by anyone, and
//! counted in order. What comes out is the same to the byte.

use super::{Chunk, Event};
use super::{Judged, Output, Pipeline, Rules, Stream};
use crate::classify::{OwnedVerdict, Traffic, VerdictCache};
use crate::framing::{FramingStats, RawEvent, StreamId};
use crate::time::Timestamp;

/// Events that were framed one after the other and, once they are judged, what their records came to.
///
/// [`Pipeline::frame`] fills it, [`Batch::judge`] may run on any thread, and [`Pipeline::count`] empties it and keeps its room.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    events: Vec<Framed>,
    pieces: Vec<Piece>,
    names: String,
    records: Vec<Read>,
}

/// An event whose bytes lie in the batch, head before tail.
#[derive(Debug)]
struct Framed {
    event: RawEvent<'static>,
    start: usize,
    head: usize,
    tail: usize,
    traffic: Traffic,
}

/// A record that was read and judged.
#[derive(Debug)]
struct Read {
    /// Its event, by position.
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
    /// The first event behind it.
    end: usize,
    books: FramingStats,
}

impl Batch {
    /// How many bytes of events it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing was framed into it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// How many events it holds.
    #[must_use]
    pub fn events(&self) -> usize {
        self.events.len()
    }

    /// How many bytes it takes, for all that it holds or has held.
    #[must_use]
    pub fn room(&self) -> usize {
        let Self { bytes, events, pieces, names, records } = self;
        let of = |count: usize, each: usize| count.saturating_mul(each);
        bytes.capacity()
            + names.capacity()
            + of(events.capacity(), size_of::<Framed>())
            + of(pieces.capacity(), size_of::<Piece>())
            + of(records.capacity(), size_of::<Read>())
    }

    /// Reads and judges its events, by the rules of the pipeline that framed them; `memo` knows what those rules judged before.
    pub fn judge(&mut self, rules: &Rules, memo: &mut VerdictCache) {
        let Self { bytes, events, names, records, .. } = self;
        for (at, framed) in events.iter().enumerate() {
            rules.read(&framed.event(bytes), framed.traffic, memo, |verdict, broken| {
                records.push(Read { event: at, verdict: verdict.keep(names), broken });
            });
        }
    }

    fn push(&mut self, event: RawEvent<'_>, traffic: Traffic) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(event.bytes);
        self.bytes.extend_from_slice(event.tail);
        let (head, tail) = (event.bytes.len(), event.tail.len());
        self.events.push(Framed { event: RawEvent { bytes: &[], tail: &[], ..event }, start, head, tail, traffic });
    }

    fn end_piece(&mut self, stream: StreamId, arrived: Option<Timestamp>, books: FramingStats) {
        self.pieces.push(Piece { stream, arrived, end: self.events.len(), books });
    }
}

impl Framed {
    fn event<'b>(&self, bytes: &'b [u8]) -> RawEvent<'b> {
        let (bytes, tail) = bytes.get(self.start..).and_then(|it| it.split_at_checked(self.head)).unwrap_or_default();
        RawEvent { bytes, tail: tail.get(..self.tail).unwrap_or_default(), ..self.event }
    }
}

impl Pipeline {
    /// Frames a chunk. Its events are counted by [`Self::count`] alone, and before anything else is handled.
    pub fn frame(&mut self, chunk: &Chunk, batch: &mut Batch) {
        let Some(Stream { framer, about, .. }) = self.streams.get_mut(&chunk.stream) else { return };
        framer.push(&chunk.bytes, chunk.arrived, |event| batch.push(event, about.traffic));
        batch.end_piece(chunk.stream, Some(chunk.arrived), framer.take_stats());
    }

    /// Frames what is left of a stream that has ended; once that is counted, the stream is closed.
    pub fn frame_end(&mut self, stream: StreamId, batch: &mut Batch) {
        let Some(Stream { framer, about, .. }) = self.streams.get_mut(&stream) else { return };
        framer.finish(|event| batch.push(event, about.traffic));
        batch.end_piece(stream, None, framer.take_stats());
    }

    /// Takes what the records of a judged batch came to. Batches are taken in the order in which they were framed.
    pub fn count(&mut self, batch: &mut Batch, out: &mut Output) {
        let Batch { bytes, events, pieces, names, records } = batch;
        let mut records = records.drain(..).peekable();
        for piece in pieces.drain(..) {
            let Self { rules, streams, core, .. } = self;
            let mut next = || records.next_if(|it| it.event < piece.end);
            let Some(stream) = streams.get_mut(&piece.stream) else {
                while next().is_some() {}
                continue;
            };
            if let Some(arrived) = piece.arrived {
                core.arrive(arrived, rules, out);
                stream.last_read = arrived;
            }
            let Stream { about, calls, clock, last_read, .. } = stream;
            let unrecognised = core.unrecognised(about.source);
            while let Some(Read { event, verdict, broken }) = next() {
                let Some(framed) = events.get(event) else { continue };
                let judged = Judged { event: &framed.event(bytes), verdict: verdict.open(names), broken, arrived: *last_read };
                core.record(rules, about, calls, clock, judged, out);
            }
            if piece.arrived.is_some() {
                core.note_chunk(about.source, &piece.books, unrecognised);
            } else {
                core.add_books(about.source, &piece.books);
                self.handle(Event::Close(piece.stream), out);
            }
        }
        drop(records);
        bytes.clear();
        events.clear();
        names.clear();
    }
}
