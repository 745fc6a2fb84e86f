//! Worker threads for one log: they read and judge batches that the calling thread frames and counts, in order.
//!
//! Framing and counting stay on the calling thread. It judges a batch itself when all workers are busy, so that the number
//! of busy threads is the number that was asked for.

use super::output;
use crate::framing::StreamId;
use crate::pipeline::{Batch, Chunk, Event, Output, Pipeline, RecordCache, Rules};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::thread::{self, Scope};

/// A batch is full at this many bytes or events: about one read of a file, which fits the caches of a core and takes much
/// longer to judge than to hand to another thread.
const BATCH_BYTES: usize = 48 << 10;
const BATCH_EVENTS: usize = 512;
/// Batches that wait for a worker: enough that it finds the next one while the calling thread judges a batch itself and then counts
/// those that are ready. `benches/threads` computes what other numbers would give.
const QUEUED_PER_WORKER: usize = 3;
/// The most batches in flight per thread. Beyond it, framing waits for the oldest batch.
const IN_FLIGHT_PER_THREAD: usize = QUEUED_PER_WORKER + 1;
/// A batch that uses more memory than this (many tiny lines, or a giant one) is not reused.
const REUSED_BYTES: usize = 512 << 10;

/// The worker threads, and the batches that are filled, judged and counted.
#[derive(Debug)]
pub(super) struct WorkerPool {
    rules: Arc<Rules>,
    workers: Vec<Worker>,
    filling: Batch,
    /// The oldest batch first.
    in_flight: VecDeque<InFlight>,
    spare: Vec<Batch>,
    next_worker: usize,
    /// For the batches that the calling thread judges.
    cache: RecordCache,
}

#[derive(Debug)]
struct Worker {
    /// Holds [`QUEUED_PER_WORKER`] batches. While it is full, batches go to other workers.
    batches: SyncSender<Batch>,
    /// Holds the batches in `batches` and the one in work, so that the worker never waits to return one.
    judged: Receiver<Batch>,
}

#[derive(Debug)]
enum InFlight {
    /// The calling thread judged this batch.
    Judged(Batch),
    /// The next batch that the worker with this index returns.
    AtWorker(usize),
}

impl WorkerPool {
    /// A pool of `threads` threads, including the calling one.
    pub(super) fn new<'s>(threads: usize, rules: &Arc<Rules>, scope: &'s Scope<'s, '_>) -> Self {
        let workers = (1..threads).map_while(|_| Worker::start(rules, scope));
        Self {
            rules: Arc::clone(rules),
            workers: workers.collect(),
            filling: Batch::default(),
            in_flight: VecDeque::new(),
            spare: Vec::new(),
            next_worker: 0,
            cache: RecordCache::default(),
        }
    }

    /// Takes the next bytes of a stream. `out` receives the results of batches that are ready, perhaps of earlier bytes.
    pub(super) fn chunk(&mut self, chunk: Chunk, pipeline: &mut Pipeline, out: &mut Output) {
        if self.workers.is_empty() {
            return pipeline.handle(Event::Chunk(chunk), out);
        }
        pipeline.frame(&chunk, &mut self.filling);
        if self.filling.len() >= BATCH_BYTES || self.filling.events() >= BATCH_EVENTS {
            self.submit();
            self.count_ready(pipeline, out);
        }
    }

    /// Ends a stream.
    pub(super) fn close(&mut self, stream: StreamId, pipeline: &mut Pipeline, out: &mut Output) {
        if self.workers.is_empty() {
            return pipeline.handle(Event::Close(stream), out);
        }
        pipeline.frame_end(stream, &mut self.filling);
    }

    /// Counts everything taken so far. Call it before any other event goes to the pipeline, and before waiting for input.
    pub(super) fn flush(&mut self, pipeline: &mut Pipeline, out: &mut Output) {
        if !self.filling.is_empty() {
            self.submit();
        }
        while let Some(batch) = self.in_flight.pop_front() {
            let batch = self.wait_for(batch);
            self.count(batch, pipeline, out);
        }
    }

    /// Sends the filled batch to a worker with room for it, or judges it here.
    fn submit(&mut self) {
        let mut batch = std::mem::replace(&mut self.filling, self.spare.pop().unwrap_or_default());
        for _ in 0..self.workers.len() {
            self.next_worker = (self.next_worker + 1) % self.workers.len();
            match self.workers[self.next_worker].batches.try_send(batch) {
                Ok(()) => return self.in_flight.push_back(InFlight::AtWorker(self.next_worker)),
                Err(TrySendError::Full(returned) | TrySendError::Disconnected(returned)) => batch = returned,
            }
        }
        batch.judge(&self.rules, &mut self.cache);
        self.in_flight.push_back(InFlight::Judged(batch));
    }

    /// Counts the batches that are judged, and waits for the oldest while too many are in flight.
    fn count_ready(&mut self, pipeline: &mut Pipeline, out: &mut Output) {
        while let Some(oldest) = self.in_flight.pop_front() {
            let batch = match oldest {
                InFlight::AtWorker(index) if self.in_flight.len() < IN_FLIGHT_PER_THREAD * (self.workers.len() + 1) => {
                    match self.workers[index].judged.try_recv() {
                        Ok(batch) => batch,
                        Err(TryRecvError::Empty | TryRecvError::Disconnected) => {
                            return self.in_flight.push_front(InFlight::AtWorker(index));
                        }
                    }
                }
                oldest => self.wait_for(oldest),
            };
            self.count(batch, pipeline, out);
        }
    }

    fn wait_for(&self, batch: InFlight) -> Batch {
        match batch {
            InFlight::Judged(batch) => batch,
            InFlight::AtWorker(index) => self.workers[index].judged.recv().expect("a worker ends early only by a panic"),
        }
    }

    fn count(&mut self, mut batch: Batch, pipeline: &mut Pipeline, out: &mut Output) {
        pipeline.count(&mut batch, out);
        if batch.room() <= REUSED_BYTES {
            self.spare.push(batch);
        }
    }
}

impl Worker {
    /// `None` if the system cannot start another thread.
    fn start<'s>(rules: &Arc<Rules>, scope: &'s Scope<'s, '_>) -> Option<Self> {
        let (batches, work) = sync_channel::<Batch>(QUEUED_PER_WORKER);
        let (done, judged) = sync_channel(QUEUED_PER_WORKER + 1);
        let rules = Arc::clone(rules);
        let started = thread::Builder::new().name("judge".to_owned()).spawn_scoped(scope, move || {
            let mut cache = RecordCache::default();
            for mut batch in work {
                batch.judge(&rules, &mut cache);
                if done.send(batch).is_err() {
                    return;
                }
            }
        });
        match started {
            Ok(_) => Some(Self { batches, judged }),
            Err(error) => {
                output::print_error(&format!("cannot start a thread, continuing with fewer: {error}"));
                None
            }
        }
    }
}
