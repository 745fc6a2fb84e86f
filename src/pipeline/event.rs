//! What the pipeline is told, and what it answers.

use super::{Rules, SourceOptions};
use crate::alert::{AlertOptions, RowId, Transition};
use crate::framing::{LossReason, StreamId};
use crate::observation::{Observation, SourceId};
use crate::time::Timestamp;
use bytes::Bytes;

/// Where a stream of bytes comes from.
#[derive(Clone, Debug)]
pub struct StreamInfo {
    /// The configured source.
    pub source: SourceId,
    /// For namespace and container, and for `source` in verdicts.
    pub path: Option<String>,
    /// The offset of the first byte that will come.
    pub at_offset: u64,
    /// The number of the line that begins there, from 1.
    pub first_line: u64,
}

/// Bytes of one stream.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// Whose.
    pub stream: StreamId,
    /// Offset of `bytes[0]` in the stream. The pipeline does not need it; it proves that a source leaves no gap.
    pub offset: u64,
    /// At least one.
    pub bytes: Bytes,
    /// When they were read.
    pub arrived: Timestamp,
}

/// What the pipeline is told.
#[derive(Debug)]
pub enum Event {
    /// A stream begins, or goes on where it was left.
    Open(StreamId, StreamInfo),
    /// Bytes came.
    Chunk(Chunk),
    /// The stream ended; its last line is flushed.
    Close(StreamId),
    /// What was read before is void: the file was truncated or rewritten. The stream begins anew at offset 0.
    Truncated {
        /// Whose.
        stream: StreamId,
    },
    /// A file was rotated: the stream `to` continues where the stream `from` ended, and takes over the events that `from`
    /// left open. Comes before the first bytes of `to`.
    Rotated {
        /// The stream of the rotated file, read to its end.
        from: StreamId,
        /// The stream of the file that took its place.
        to: StreamId,
    },
    /// Bytes that nobody will read.
    Lost {
        /// Whose.
        source: SourceId,
        /// How many.
        bytes: u64,
        /// Why.
        reason: LossReason,
    },
    /// A second went by: events that waited for more lines of a silent stream are closed. In a replay, which takes the time
    /// from the records, that is all.
    Tick(Timestamp),
    /// A second went by, and somebody has set the clock.
    ClockStep(Timestamp),
    /// These streams have a backlog from before the start: until all of them have come to where they ended then, nothing is
    /// told of alerts.
    CatchingUp(Vec<StreamId>),
    /// One of them has, or is not waited for any longer.
    CaughtUp(StreamId),
    /// A stream has not been read to its end for too long, or is again.
    Behind {
        /// Which.
        stream: StreamId,
        /// Whose.
        source: SourceId,
        /// Whether it is.
        behind: bool,
    },
    /// Other rules, options and limits, from the next event on.
    Reload(Box<Replacement>),
    /// The end: open events are closed, and everything is evaluated once more.
    Drain,
}

/// What a reload puts in force.
#[derive(Debug)]
pub struct Replacement {
    /// Patterns, rows, fields, the length limit.
    pub rules: Rules,
    /// The sources keep their place; new ones come behind them.
    pub sources: Vec<SourceOptions>,
    /// How alerts are kept and written.
    pub alerts: AlertOptions,
    /// The most (provider, status) series of windows beyond the shipped ones.
    pub series: usize,
}

/// What handling an event gave. Kept and cleared by the caller.
#[derive(Debug, Default)]
pub struct Output {
    /// Changes of alerts.
    pub transitions: Vec<Transition>,
    /// Verdicts, one JSON line each, where [`Output::wanted`] asks for them.
    pub verdicts: Vec<u8>,
    /// Which records' verdicts are written.
    pub wanted: Wanted,
    /// Every call that was counted, with the row of a failed one, where [`Output::keep_calls`] asks for them.
    pub calls: Vec<(Observation, Option<RowId>)>,
    /// Whether calls are kept.
    pub keep_calls: bool,
}

/// Which verdicts are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// None.
    #[default]
    Nothing,
    /// Of every record.
    All,
    /// Of records with this outcome.
    Only(crate::taxonomy::Outcome),
}

impl Wanted {
    pub(super) fn wants(self, outcome: crate::taxonomy::Outcome) -> bool {
        match self {
            Self::Nothing => false,
            Self::All => true,
            Self::Only(wanted) => wanted == outcome,
        }
    }
}
