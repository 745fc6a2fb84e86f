//! The pipeline's thread: takes parcels in order, tells the edge what came of them, and writes checkpoints that are never
//! ahead of what was handled.

use super::verdicts::Verdicts;
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

/// What is repeated after a crash is at most what came in this time.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(5);

/// The first one after a start comes sooner: it tells that the backlog did not end the process.
const FIRST_AFTER: Duration = Duration::from_secs(1);

/// Parcels between two looks at the edge.
const BATCH: usize = 64;

/// What is kept beside the places in files.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PersistedState {
    /// The state of the edge: what was not delivered yet.
    pub edge: serde_json::Value,
    /// Windows, storms, alerts.
    pub pipeline: pipeline::State,
}

/// Whoever is told what came of the lines. Called on the pipeline's thread: it may not wait for anyone.
pub trait Edge: Send + 'static {
    /// A batch was handled: its increments, and what changed about alerts. The tally is cleared afterwards.
    fn batch(&mut self, tally: &Tally, output: &pipeline::Output);

    /// A second went by.
    fn publish(&mut self, snapshot: Snapshot);

    /// What is wrong with this process itself, row by row.
    fn checks(&self, snapshot: &Snapshot) -> Vec<(SelfRow, Option<String>)>;

    /// New rules are in force: ids of rows, patterns and sources mean what they say.
    fn reloaded(&mut self, rules: &Rules);

    /// What must outlive the process.
    fn state(&self) -> serde_json::Value;
}

#[derive(Debug)]
pub(super) struct Worker<E> {
    pub(super) pipeline: Pipeline,
    pub(super) ledger: Positions,
    pub(super) writer: Writer,
    pub(super) edge: E,
    /// Names of the file sources.
    pub(super) followed: BTreeSet<String>,
    /// How often one has begun from the same checkpoint.
    pub(super) starts: u32,
    /// Where verdicts go; a batch of them is one write.
    pub(super) output: Option<Verdicts>,
    /// Connections that want to know what is kept of them.
    pub(super) holds: HashMap<StreamId, Arc<Reservation>>,
}

impl<E: Edge> Worker<E> {
    /// Handles parcels until one says that it is the last, or nobody sends any more.
    pub(super) fn run(mut self, mut from: mpsc::Receiver<SourceMessage>) {
        let mut out = pipeline::Output { wanted: self.wanted(), ..pipeline::Output::default() };
        let mut read_any = false;
        let mut due = Instant::now() + FIRST_AFTER;
        'all: while let Some(mut parcel) = from.blocking_recv() {
            // What is received is handled: the next one is taken only where there is room for it in this batch.
            for room in (0..BATCH).rev() {
                if !read_any && matches!(parcel.event, Event::Chunk(_)) {
                    read_any = true;
                    // If this byte ends the process, the next one must know that it was tried.
                    self.checkpoint(true);
                }
                let last = matches!(parcel.event, Event::Drain);
                self.handle(parcel, &mut out);
                if last {
                    self.pass_on(&mut out);
                    break 'all;
                }
                if room == 0 {
                    break;
                }
                match from.try_recv() {
                    Ok(next) => parcel = next,
                    Err(_) => break,
                }
            }
            self.pass_on(&mut out);
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

    fn wanted(&self) -> Wanted {
        if self.output.is_some() { Wanted::All } else { Wanted::Nothing }
    }

    fn handle(&mut self, parcel: SourceMessage, out: &mut pipeline::Output) {
        let now = ClockReading::now().wall;
        self.ledger.note(&parcel, now);
        let tick = matches!(parcel.event, Event::Tick(_) | Event::ClockStep(_));
        let reload = matches!(parcel.event, Event::Reload(..));
        if reload {
            // What was counted so far is counted under the old names.
            self.pass_on(out);
        }
        let stream = match &parcel.event {
            Event::Open(stream, _) => {
                self.holds.extend(parcel.reservation.map(|it| (*stream, it)));
                None
            }
            Event::Chunk(chunk) => Some(chunk.stream),
            Event::Close(stream) => {
                self.holds.remove(stream);
                None
            }
            _ => None,
        };
        self.pipeline.handle(parcel.event, out);
        if let Some((stream, hold)) = stream.and_then(|it| self.holds.get_key_value(&it)) {
            hold.set_kept(self.pipeline.kept_bytes(*stream));
        }
        if reload {
            if let Some(output) = &mut self.output {
                output.reopen();
            }
            self.edge.reloaded(self.pipeline.rules());
            self.followed.extend(self.pipeline.rules().sources().iter().cloned());
        }
        if tick {
            // Time has closed what was open.
            self.holds.iter().for_each(|(stream, hold)| hold.set_kept(self.pipeline.kept_bytes(*stream)));
            let snapshot = self.pipeline.snapshot();
            for (row, detail) in self.edge.checks(&snapshot) {
                self.pipeline.set_self(row, detail.as_deref());
            }
            self.edge.publish(snapshot);
        }
    }

    /// Tells the edge what a batch came to, and forgets it.
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
            sources: self.followed.clone(),
            positions: self.ledger.positions(&self.pipeline.safe_offsets(), now),
            state: Some(PersistedState { edge: self.edge.state(), pipeline: self.pipeline.state() }),
        };
        match checkpoint::encode(&checkpoint) {
            Ok(bytes) if wait => self.writer.write(bytes),
            // Where the disk is busy still, the next one will do.
            Ok(bytes) => drop(self.writer.offer(bytes)),
            Err(error) => error!(%error, "the state cannot be written as JSON; this is a fault of llm-triage"),
        }
    }
}
