//! Takes the lines of a stream: their prefixes off, and each into its lane.

use super::event::{Line, RawEvent};
use super::lane_key::LaneKey;
use super::lanes::Lanes;
use super::line_reader::Piece;
use super::options::Options;
use super::prefix::{self, Content, Envelope, Share};
use super::stats::FramingStats;
use super::written_colours;
use crate::line::Level;

/// Some editors and Windows programs put this before the first line.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What takes the lines of a stream.
pub(super) struct Intake<'s, O> {
    pub(super) options: &'s Options,
    pub(super) lanes: &'s mut Lanes,
    pub(super) stats: &'s mut FramingStats,
    pub(super) out: O,
}

impl<O: FnMut(RawEvent<'_>)> Intake<'_, O> {
    /// Takes one line.
    pub(super) fn take(&mut self, piece: Piece<'_>) {
        let head = without_stray_bytes(piece.head);
        let (number, offset) = (piece.number, piece.offset);
        let whole = Line { bytes: head, tail: piece.tail, number, offset, stamped: None, level: Level::Unknown };
        let envelope = Envelope { lane: self.lanes.file, ..Envelope::default() };
        // Most lines are JSON objects: they skip the test for binary data.
        if head.first() == Some(&b'{') && !prefix::may_be_export(head) {
            self.line(&piece, whole, &envelope);
        } else if is_binary(head) {
            if self.enter(&piece, &envelope) {
                self.stats.binary_lines += 1;
                self.stats.binary_bytes += head.len() as u64;
            }
        } else {
            let mut batch = None;
            prefix::read(head, envelope, &mut |content| match content {
                Content::Line(bytes, told, Share::Whole) => self.line(&piece, Line { bytes, ..whole }, &told),
                Content::Line(bytes, told, Share::Part) => {
                    let batch = batch.get_or_insert_with(|| Batch::new(self.enter(&piece, &envelope)));
                    batch.add(Line { bytes, ..whole }, &told, self.options, &mut self.out);
                }
                Content::Own => self.own(&piece, whole),
                Content::File(path) => {
                    self.own(&piece, whole);
                    self.lanes.file = LaneKey::default().within(path);
                }
            });
            if let Some(batch) = batch {
                batch.end(self.options, self.stats, &mut self.out);
            }
        }
    }

    /// Takes a line without its prefix.
    fn line(&mut self, piece: &Piece<'_>, line: Line<'_>, envelope: &Envelope<'_>) {
        let Self { options, lanes, stats, out } = self;
        let bytes = written_colours::strip(line.bytes);
        let line = Line { bytes: &bytes, stamped: envelope.stamp, level: envelope.level, ..line };
        if let Some(lane) = lanes.enter(envelope, (piece.offset, piece.number), options, stats, out) {
            count(stats, piece);
            lane.take(options, line, envelope.partial, stats, out);
        }
    }

    /// Takes a line that the carrier wrote itself: an event without text, which joins nothing.
    fn own(&mut self, piece: &Piece<'_>, line: Line<'_>) {
        let envelope = Envelope { lane: LaneKey::default().within(b"own lines"), ..Envelope::default() };
        if self.enter(piece, &envelope) {
            self.stats.emit(Line { bytes: &[], tail: &[], ..line }.event(), &mut self.out);
        }
    }

    /// Counts a line that joins nothing, and closes the open event of its lane. False if it was emitted before a restart.
    fn enter(&mut self, piece: &Piece<'_>, envelope: &Envelope<'_>) -> bool {
        let Self { options, lanes, stats, out } = self;
        let Some(lane) = lanes.enter(envelope, (piece.offset, piece.number), options, stats, out) else { return false };
        lane.join(out, |joiner, mut out| joiner.close(false, stats, &mut out));
        count(stats, piece);
        true
    }
}

/// What an editor or a logger wrote in place of a stray byte.
const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

/// The most stray bytes before a line that are skipped if the line is not ASCII.
const MAX_STRAY: usize = 16;

/// The line without what a truncated file or an editor put before it. What follows a few stray bytes is text; a longer run
/// is for the test of binary data.
fn without_stray_bytes(line: &[u8]) -> &[u8] {
    let mut rest = line;
    while let [0 | 0x80.., ..] = rest {
        let behind = rest.strip_prefix(BYTE_ORDER_MARK).or(rest.strip_prefix(REPLACEMENT)).or(match rest {
            [0 | 0x80..=0xc1 | 0xf8.., behind @ ..] => Some(behind),
            _ => None,
        });
        match behind {
            // A line of nothing else is binary data.
            Some([]) => return line,
            Some(behind) => rest = behind,
            None => break,
        }
    }
    if line.len() - rest.len() <= MAX_STRAY || rest.is_ascii() { rest } else { line }
}

/// The lines that one line brings. They are joined with each other only, so that nothing of them is open afterwards.
struct Batch {
    lanes: Lanes,
    stats: FramingStats,
    /// The line was emitted before a restart.
    emitted: bool,
}

impl Batch {
    fn new(is_new: bool) -> Self {
        Self { lanes: Lanes::default(), stats: FramingStats::default(), emitted: !is_new }
    }

    fn add(&mut self, line: Line<'_>, envelope: &Envelope<'_>, options: &Options, mut out: impl FnMut(RawEvent<'_>)) {
        let Self { lanes, stats, emitted } = self;
        if *emitted {
            return;
        }
        let line = Line { tail: &[], stamped: envelope.stamp, level: envelope.level, ..line };
        let mut out = |event: RawEvent<'_>| out(RawEvent { lines: 1, ..event });
        if let Some(lane) = lanes.enter(envelope, (line.offset, 1), options, stats, &mut out) {
            lane.take(options, line, envelope.partial, stats, &mut out);
        }
    }

    fn end(mut self, options: &Options, stats: &mut FramingStats, mut out: impl FnMut(RawEvent<'_>)) {
        if self.emitted {
            return;
        }
        self.lanes.finish(options, &mut self.stats, &mut |event: RawEvent<'_>| out(RawEvent { lines: 1, ..event }));
        stats.events += self.stats.events;
        // The batch is one line, whatever it brings.
        let counter = if self.stats.events > 0 { &mut stats.event_lines } else { &mut stats.blank_lines };
        *counter += 1;
    }
}

/// Counts a line that comes in.
fn count(stats: &mut FramingStats, piece: &Piece<'_>) {
    stats.lines += 1;
    if piece.skipped > 0 {
        stats.long_lines += 1;
        stats.long_bytes += piece.skipped;
    }
}

/// Whether a line is not text: it has NUL bytes, or is mostly control characters. NUL runs follow a copytruncate; other
/// examples are compressed files and images.
fn is_binary(line: &[u8]) -> bool {
    let probe = &line[..line.len().min(512)];
    match probe.iter().copied().fold(u8::MAX, u8::min) {
        0 => return true,
        // Nearly all lines.
        b' '.. => return false,
        _ => {}
    }
    let control = probe.iter().filter(|b| **b < 0x20 && !matches!(**b, b'\t' | b'\r' | b'\n' | 0x1b | 0x08)).count();
    control * 10 > probe.len() * 3
}
