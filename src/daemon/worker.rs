//! The pipeline's thread: handles messages in order, passes the results to the edge, and writes checkpoints, which are never
//! ahead of what was handled.

use super::verdicts::VerdictWriter;
use crate::alert::SelfRow;
use crate::checkpoint::{self, Checkpoint, Writer};
use crate::framing::StreamId;
use crate::pipeline::{self, Event, Pipeline, Rules, Snapshot, Tally, Wanted};
use crate::source::budget::Reservation;
use crate::source::file::Positions;
use crate::source::{ClockReading, SourceMessage};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tracing::error;

/// After a crash, at most the lines of this time are handled again.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(5);

/// The first checkpoint after a start comes sooner: it records that the backlog did not end the process.
const FIRST_AFTER: Duration = Duration::from_secs(1);

/// The results of at most this many messages are passed to the edge together.
const BATCH_MESSAGES: usize = 64;

/// What a checkpoint holds beside the positions in files.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PersistedState {
    /// The state of the edge: undelivered notifications.
    pub edge: serde_json::Value,
    /// Windows, storms, alerts.
    pub pipeline: pipeline::State,
}

/// Receives the results of each batch. Called on the pipeline thread; implementations must not block.
pub trait Edge: Send + 'static {
    /// A batch was handled. `tally` holds the increments of the counters and is cleared afterwards; `output` holds the changes
    /// of alerts.
    fn batch(&mut self, tally: &Tally, output: &pipeline::Output);

    /// A second passed.
    fn publish(&mut self, snapshot: Snapshot);

    /// The conditions of this process itself, row by row: what is wrong, or `None`.
    fn checks(&self, snapshot: &Snapshot) -> Vec<(SelfRow, Option<String>)>;

    /// New rules are in force: from now on, ids of rows, patterns and sources refer to them.
    fn reloaded(&mut self, rules: &Rules);

    /// What must survive a restart.
    fn state(&self) -> serde_json::Value;
}

#[derive(Debug)]
pub(super) struct Worker<E> {
    pub(super) pipeline: Pipeline,
    pub(super) positions: Positions,
    pub(super) writer: Writer,
    pub(super) edge: E,
    /// Names of the file sources.
    pub(super) file_sources: BTreeSet<String>,
    /// How many processes in a row, this one included, started from the same positions; 0 once this one made progress, or has
    /// run for [`FIRST_AFTER`].
    pub(super) starts: u32,
    /// Where verdicts go; those of a batch are one write.
    pub(super) output: Option<VerdictWriter>,
    /// Memory reservations of connections. They must know how many bytes the pipeline keeps.
    pub(super) reservations: HashMap<StreamId, Arc<Reservation>>,
}

impl<E: Edge> Worker<E> {
    /// Handles messages until [`Event::Drain`], or until every sender is gone.
    pub(super) fn run(mut self, mut from: mpsc::Receiver<SourceMessage>) {
        let wanted = if self.output.is_some() { Wanted::All } else { Wanted::Nothing };
        let mut out = pipeline::Output { wanted, ..pipeline::Output::default() };
        let mut read_any = false;
        let mut before = Vec::new();
        let mut due = Instant::now() + FIRST_AFTER;
        'all: while let Some(mut message) = from.blocking_recv() {
            // Every received message is handled: the next one is received only if this batch has room for it.
            for room in (0..BATCH_MESSAGES).rev() {
                if !read_any && matches!(message.event, Event::Chunk(_)) {
                    read_any = true;
                    // If this chunk ends the process, the next process must know that it was tried.
                    self.checkpoint(true);
                    before = self.file_offsets();
                }
                let last = matches!(message.event, Event::Drain);
                self.handle(message, &mut out);
                if last {
                    self.pass_on(&mut out);
                    break 'all;
                }
                if room == 0 {
                    break;
                }
                match from.try_recv() {
                    Ok(next) => message = next,
                    Err(_) => break,
                }
            }
            self.pass_on(&mut out);
            if self.starts > 0 && self.has_progress(&before) {
                // If the process is killed now, its backlog did not end it. The next process starts after this batch.
                self.starts = 0;
                self.checkpoint(true);
            }
            if Instant::now() >= due {
                self.starts = 0;
                due = Instant::now() + CHECKPOINT_EVERY;
                self.checkpoint(false);
            }
        }
        self.starts = 0;
        self.checkpoint(true);
        if self.writer.finish().is_err() {
            error!("the thread that writes checkpoints panicked");
        }
    }

    /// The offset in each open file up to which everything is handled.
    fn file_offsets(&self) -> Vec<(StreamId, u64)> {
        let offsets = self.pipeline.safe_offsets().into_iter().map(|(stream, offset, _)| (stream, offset));
        offsets.filter(|(stream, _)| self.positions.is_open(*stream)).collect()
    }

    /// Whether the offset in a file is greater than it was `before`.
    fn has_progress(&self, before: &[(StreamId, u64)]) -> bool {
        if before.is_empty() {
            return false;
        }
        let now: HashMap<StreamId, u64> = self.file_offsets().into_iter().collect();
        before.iter().any(|(stream, offset)| now.get(stream).is_some_and(|now| now > offset))
    }

    fn handle(&mut self, message: SourceMessage, out: &mut pipeline::Output) {
        self.positions.note(&message, ClockReading::now().wall);
        let SourceMessage { event, reservation, .. } = message;
        let is_tick = matches!(event, Event::Tick(_) | Event::ClockStep(_));
        let is_reload = matches!(event, Event::Reload(..));
        if is_reload {
            // The counts so far belong to the old names.
            self.pass_on(out);
        }
        let chunk_of = match &event {
            Event::Open(stream, _) => {
                self.reservations.extend(reservation.map(|reservation| (*stream, reservation)));
                None
            }
            Event::Chunk(chunk) => Some(chunk.stream),
            Event::Close(stream) => {
                self.reservations.remove(stream);
                None
            }
            _ => None,
        };
        self.pipeline.handle(event, out);
        if let Some((stream, reservation)) = chunk_of.and_then(|stream| self.reservations.get_key_value(&stream)) {
            reservation.set_kept(self.pipeline.kept_bytes(*stream));
        }
        if is_reload {
            self.after_reload();
        }
        if is_tick {
            self.after_tick();
        }
    }

    fn after_reload(&mut self) {
        if let Some(output) = &mut self.output {
            output.reopen();
        }
        self.edge.reloaded(self.pipeline.rules());
        self.file_sources.extend(self.pipeline.rules().sources().iter().cloned());
    }

    fn after_tick(&mut self) {
        // A tick closes open events, so the pipeline keeps fewer bytes.
        for (stream, reservation) in &self.reservations {
            reservation.set_kept(self.pipeline.kept_bytes(*stream));
        }
        let snapshot = self.pipeline.snapshot();
        for (row, detail) in self.edge.checks(&snapshot) {
            self.pipeline.set_self(row, detail.as_deref());
        }
        self.edge.publish(snapshot);
    }

    /// Passes the results of a batch to the edge and clears them.
    fn pass_on(&mut self, out: &mut pipeline::Output) {
        self.edge.batch(self.pipeline.tally(), out);
        self.pipeline.tally().clear();
        out.transitions.clear();
        if let Some(output) = &mut self.output {
            output.write(&out.verdicts);
        }
        out.verdicts.clear();
    }

    fn checkpoint(&mut self, wait: bool) {
        let now = ClockReading::now().wall;
        let checkpoint = Checkpoint {
            written: now,
            starts: self.starts,
            restoring: false,
            sources: self.file_sources.clone(),
            positions: self.positions.positions(&self.pipeline.safe_offsets(), now),
            state: Some(PersistedState { edge: self.edge.state(), pipeline: self.pipeline.state() }),
        };
        match checkpoint::encode(&checkpoint) {
            Ok(bytes) if wait => self.writer.write(bytes),
            // If the disk is still busy with the last one, this one is skipped.
            Ok(bytes) => drop(self.writer.offer(bytes)),
            Err(error) => error!(%error, "cannot encode the checkpoint as JSON; this is a bug in llm-triage"),
        }
    }
}
