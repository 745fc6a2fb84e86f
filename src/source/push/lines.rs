//! The lines that a request becomes: records in the JSON of OTLP, streams in the JSON of Loki, or lines as they are.
//!
//! A batch becomes many lines of moderate length, each with what is around its records (a resource, labels), because a line
//! that is too long is not kept whole. A record that is a line of text has a line of its own, so that the framing joins it with
//! those of other requests.

use super::memory::Memory;
use super::refusal::Refusal;
use crate::framing::OtlpLines;
use crate::source::CHUNK_BYTES;
use crate::source::budget::ReservedBytes;
use bytes::Bytes;
use std::io;

/// A line with at least this many bytes takes no further record.
const LINE_BYTES: usize = 32 * 1024;
/// The most streams of one request. What is beyond goes to one stream together.
const STREAMS: usize = 1_000;

/// Whole lines of one stream.
#[derive(Debug)]
pub(super) struct Part {
    /// Tells the streams of one peer apart; 0 for the peer itself.
    pub(super) stream: u64,
    pub(super) bytes: ReservedBytes,
}

/// What is around the records of a line.
#[derive(Clone, Debug, Default)]
pub(super) struct Frame {
    pub(super) stream: u64,
    pub(super) head: Vec<u8>,
    pub(super) tail: &'static [u8],
    /// The most records of a line.
    pub(super) records: usize,
    /// Which records are lines of text, and what is before those in place of the head.
    pub(super) apart: Option<(OtlpLines, Bytes)>,
}

/// Collects the lines of a request.
#[derive(Debug)]
pub(super) struct Lines<'m> {
    memory: &'m Memory,
    parts: Vec<Part>,
    /// The bytes of the parts.
    finished: usize,
    streams: usize,
    frame: Frame,
    open: Sink,
    line_begin: usize,
    line_records: usize,
}

impl<'m> Lines<'m> {
    pub(super) fn new(memory: &'m Memory) -> Self {
        let open = Sink { bytes: Vec::new(), most: memory.lines };
        let frame = Frame::default();
        Self { memory, parts: Vec::new(), finished: 0, streams: 0, frame, open, line_begin: 0, line_records: 0 }
    }

    /// The records from now on are within `frame`.
    pub(super) fn begin(&mut self, mut frame: Frame) -> Result<(), Refusal> {
        self.end_line()?;
        self.streams += usize::from(frame.stream != self.frame.stream);
        if self.streams > STREAMS {
            frame.stream = 0;
        }
        if frame.stream != self.frame.stream {
            self.end_part()?;
        }
        self.frame = frame;
        Ok(())
    }

    /// Adds the record that `write` writes.
    pub(super) fn record(&mut self, write: impl FnOnce(&mut Sink) -> Result<(), Refusal>) -> Result<(), Refusal> {
        self.open.most = self.memory.lines.saturating_sub(self.finished);
        let end_before = self.open.bytes.len();
        let before: &[u8] = if self.line_records == 0 { &self.frame.head } else { b"," };
        self.open.put(before)?;
        let begin = self.open.bytes.len();
        write(&mut self.open)?;
        if let Some((lines, head)) = &self.frame.apart
            && lines.is_line(self.open.bytes.get(begin..).unwrap_or_default())
        {
            let (head, record) = (head.clone(), self.open.bytes.split_off(begin));
            self.open.bytes.truncate(end_before);
            return self.line_of_text(&head, &record);
        }
        self.line_records += 1;
        if self.line_records >= self.frame.records || self.open.bytes.len() - self.line_begin >= LINE_BYTES {
            self.end_line()?;
        }
        Ok(())
    }

    fn line_of_text(&mut self, head: &[u8], record: &[u8]) -> Result<(), Refusal> {
        self.end_line()?;
        self.open.put(head)?;
        self.open.put(record)?;
        self.line_records = 1;
        self.end_line()
    }

    /// Adds text that is lines already, of the peer itself.
    pub(super) fn text(&mut self, text: &[u8]) -> Result<(), Refusal> {
        self.begin(Frame::default())?;
        for piece in text.chunks(CHUNK_BYTES) {
            self.open.most = self.memory.lines.saturating_sub(self.finished);
            self.open.put(piece)?;
            self.line_begin = self.open.bytes.len();
            if piece.len() == CHUNK_BYTES {
                self.end_part()?;
            }
        }
        if text.last().is_some_and(|last| *last != b'\n') {
            self.open.put(b"\n")?;
        }
        self.line_begin = self.open.bytes.len();
        Ok(())
    }

    /// Adds a line of the peer itself, given as JSON that may stand on several lines.
    pub(super) fn item(&mut self, json: &str) -> Result<(), Refusal> {
        self.record(|out| out.json(json))?;
        self.end_line()
    }

    pub(super) fn finish(mut self) -> Result<Vec<Part>, Refusal> {
        self.end_line()?;
        self.end_part()?;
        Ok(self.parts)
    }

    fn end_line(&mut self) -> Result<(), Refusal> {
        if self.line_records > 0 {
            self.open.put(self.frame.tail)?;
            self.open.put(b"\n")?;
            (self.line_begin, self.line_records) = (self.open.bytes.len(), 0);
            if self.line_begin >= CHUNK_BYTES {
                self.end_part()?;
            }
        }
        Ok(())
    }

    fn end_part(&mut self) -> Result<(), Refusal> {
        self.line_begin = 0;
        let bytes = std::mem::take(&mut self.open.bytes);
        if !bytes.is_empty() {
            self.finished += bytes.len();
            self.parts.push(Part { stream: self.frame.stream, bytes: self.memory.hold(bytes)? });
        }
        Ok(())
    }
}

/// Takes bytes up to a limit.
#[derive(Debug)]
pub(super) struct Sink {
    bytes: Vec<u8>,
    most: usize,
}

impl Sink {
    pub(super) fn new(most: usize) -> Self {
        Self { bytes: Vec::new(), most }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        if bytes.len() > self.most.saturating_sub(self.bytes.len()) {
            return Err(Refusal::TooLarge(self.most));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// A text in quotes. Bytes that are not UTF-8 become U+FFFD.
    pub(super) fn text(&mut self, text: &[u8]) -> Result<(), Refusal> {
        let most = self.most;
        serde_json::to_writer(self, &String::from_utf8_lossy(text)).map_err(|_| Refusal::TooLarge(most))
    }

    /// JSON on one line. A newline in JSON is always between two tokens.
    pub(super) fn json(&mut self, json: &str) -> Result<(), Refusal> {
        for (index, piece) in json.split(['\n', '\r']).enumerate() {
            if index > 0 {
                self.put(b" ")?;
            }
            self.put(piece.as_bytes())?;
        }
        Ok(())
    }
}

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.put(bytes).map(|()| bytes.len()).map_err(|_| io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
