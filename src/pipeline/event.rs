//! The input of the pipeline ([`Event`]) and its output ([`Output`]).

use super::options::SourceOptions;
use super::rules::Rules;
use crate::alert::{AlertOptions, RowId, Transition};
use crate::framing::{Encoding, LossReason, StreamId};
use crate::observation::{Observation, SourceId};
use crate::taxonomy::Outcome;
use crate::time::Timestamp;
use bytes::Bytes;
use std::sync::Arc;

/// Where a stream of bytes comes from.
#[derive(Clone, Debug)]
pub struct StreamInfo {
    /// The configured source.
    pub source: SourceId,
    /// Path of the file. Kubernetes paths name the service and the host; verdicts carry it as `source`.
    pub path: Option<String>,
    /// Offset of the first byte that will come.
    pub at_offset: u64,
    /// Number of the line that begins at `at_offset`, counted from 1.
    pub first_line: u64,
    /// How its characters are written, if it does not begin at its first byte.
    pub encoding: Encoding,
}

/// Bytes of one stream.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// The stream they belong to.
    pub stream: StreamId,
    /// Offset of `bytes[0]` in the stream. The pipeline does not need it; tests of the sources prove with it that no byte
    /// is skipped.
    pub offset: u64,
    /// At least one byte.
    pub bytes: Bytes,
    /// When they were read.
    pub arrived: Timestamp,
}

/// One input of the pipeline.
#[derive(Debug)]
pub enum Event {
    /// A stream begins, or resumes at an offset.
    Open(StreamId, StreamInfo),
    /// Bytes were read.
    Chunk(Chunk),
    /// The stream ended. Its last line is flushed.
    Close(StreamId),
    /// The file was truncated or rewritten: the stream restarts at offset 0, and its open events are dropped.
    Truncated {
        /// The stream that restarts.
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
    /// Bytes were lost: they will never be read.
    Lost {
        /// The source they belong to.
        source: SourceId,
        /// How many bytes.
        bytes: u64,
        /// Why they were lost.
        reason: LossReason,
    },
    /// One second passed. Open events of silent streams are closed, and calls that wait for further lines are counted. With
    /// [`Clock::Replay`](super::Clock::Replay) a tick does nothing else, because the records themselves carry the time.
    Tick(Timestamp),
    /// One second passed, and the wall clock jumped meanwhile: it was set, or the machine was suspended.
    ClockStep(Timestamp),
    /// These streams have a backlog from before the start. No alert transition is emitted before all of them caught up.
    CatchingUp(Vec<StreamId>),
    /// One of these streams reached the end that it had at the start, or is no longer waited for.
    CaughtUp(StreamId),
    /// A stream fell behind (it was not read to its end for too long), or caught up again.
    Behind {
        /// The stream.
        stream: StreamId,
        /// The source it belongs to.
        source: SourceId,
        /// True when it fell behind, false when it caught up.
        behind: bool,
    },
    /// New rules, options and limits, in force from the next event on.
    Reload(Box<Replacement>),
    /// The process ends: open events are closed, and every rule is evaluated once more.
    Drain,
}

/// What a reload puts in force.
#[derive(Debug)]
pub struct Replacement {
    /// Patterns, rows, fields, and the limit on line length.
    pub rules: Arc<Rules>,
    /// The sources. Known ones keep their index; new ones follow.
    pub sources: Vec<SourceOptions>,
    /// How alerts are grouped and written.
    pub alerts: AlertOptions,
    /// Maximum number of (provider, status) series of windows, beyond those of the shipped providers.
    pub series: usize,
}

/// What handling events produced. The caller keeps one and clears it, so that buffers are reused.
#[derive(Debug, Default)]
pub struct Output {
    /// Changes of alerts.
    pub transitions: Vec<Transition>,
    /// Verdicts, one JSON line each, as far as [`Output::wanted`] selects them.
    pub verdicts: Vec<u8>,
    /// Which verdicts are written.
    pub wanted: Wanted,
    /// Every counted call, with its row if it failed. Filled only if [`Output::keep_calls`] is set.
    pub calls: Vec<(Observation, Option<RowId>)>,
    /// Whether [`Output::calls`] is filled.
    pub keep_calls: bool,
}

/// Which verdicts are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// No verdict.
    #[default]
    Nothing,
    /// The verdict of every record.
    All,
    /// The verdicts with this outcome.
    Only(Outcome),
}

impl Wanted {
    pub(super) fn wants(self, outcome: Outcome) -> bool {
        match self {
            Self::Nothing => false,
            Self::All => true,
            Self::Only(wanted) => wanted == outcome,
        }
    }
}
