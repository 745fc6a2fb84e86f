//! All cores for one log: others read and judge what is framed and counted here, in order.
//!
//! Whoever frames and counts does a batch himself when nobody else has time, so as many threads work as were asked for.

use super::style;
use crate::classify::VerdictCache;
use crate::framing::StreamId;
use crate::pipeline::{Batch, Chunk, Event, Output, Pipeline, Rules};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::thread::{self, Scope};

/// A batch is handed on with so many bytes or events: what one read of a file gives, which is little enough for the caches and
/// much more work than handing it on.
const FULL_BYTES: usize = 48 << 10;
const FULL_EVENTS: usize = 512;
/// Batches on their way per thread, at most. Then framing waits for the oldest.
const ON_THEIR_WAY: usize = 2;
/// A batch that took more room than this (many tiny lines, a giant one) gives it back.
const KEPT_BYTES: usize = 512 << 10;

/// Threads that read and judge.
#[derive(Debug)]
pub(super) struct Crew {
    rules: Arc<Rules>,
    others: Vec<Other>,
    filling: Batch,
    /// From the oldest on.
    on_their_way: VecDeque<Due>,
    spare: Vec<Batch>,
    next: usize,
    /// For the batches that are judged here.
    memo: VerdictCache,
}

#[derive(Debug)]
struct Other {
    /// Holds one batch. When it is full, the batch goes to somebody else.
    to: SyncSender<Batch>,
    /// Holds what was sent and what is worked on, so that its thread never waits.
    from: Receiver<Batch>,
}

#[derive(Debug)]
enum Due {
    /// It is judged already.
    Here(Batch),
    /// The next one that this thread gives back.
    From(usize),
}

impl Crew {
    /// So many threads, this one included.
    pub(super) fn new<'s>(threads: usize, rules: &Arc<Rules>, scope: &'s Scope<'s, '_>) -> Self {
        let others = (1..threads).map_while(|_| Other::start(rules, scope));
        Self {
            rules: Arc::clone(rules),
            others: others.collect(),
            filling: Batch::default(),
            on_their_way: VecDeque::new(),
            spare: Vec::new(),
            next: 0,
            memo: VerdictCache::default(),
        }
    }

    /// Takes bytes along. What came of them, or of others before, is in `out`.
    pub(super) fn chunk(&mut self, chunk: Chunk, pipeline: &mut Pipeline, out: &mut Output) {
        if self.others.is_empty() {
            return pipeline.handle(Event::Chunk(chunk), out);
        }
        pipeline.frame(&chunk, &mut self.filling);
        if self.filling.len() >= FULL_BYTES || self.filling.events() >= FULL_EVENTS {
            self.hand_on();
            self.count_some(pipeline, out);
        }
    }

    /// A stream has ended.
    pub(super) fn close(&mut self, stream: StreamId, pipeline: &mut Pipeline, out: &mut Output) {
        if self.others.is_empty() {
            return pipeline.handle(Event::Close(stream), out);
        }
        pipeline.frame_end(stream, &mut self.filling);
    }

    /// Counts all that was taken along: before anything else is told to the pipeline, and before waiting for more.
    pub(super) fn settle(&mut self, pipeline: &mut Pipeline, out: &mut Output) {
        if !self.filling.is_empty() {
            self.hand_on();
        }
        while let Some(due) = self.on_their_way.pop_front() {
            let batch = self.wait_for(due);
            self.count(batch, pipeline, out);
        }
    }

    /// Gives the filled batch to whoever has room for it, or does it here.
    fn hand_on(&mut self) {
        let mut batch = std::mem::replace(&mut self.filling, self.spare.pop().unwrap_or_default());
        for _ in 0..self.others.len() {
            self.next = (self.next + 1) % self.others.len();
            match self.others[self.next].to.try_send(batch) {
                Ok(()) => return self.on_their_way.push_back(Due::From(self.next)),
                Err(TrySendError::Full(back) | TrySendError::Disconnected(back)) => batch = back,
            }
        }
        batch.judge(&self.rules, &mut self.memo);
        self.on_their_way.push_back(Due::Here(batch));
    }

    /// Counts what is judged, and waits where too much is on its way.
    fn count_some(&mut self, pipeline: &mut Pipeline, out: &mut Output) {
        while let Some(due) = self.on_their_way.pop_front() {
            let batch = match due {
                Due::From(other) if self.on_their_way.len() < ON_THEIR_WAY * (self.others.len() + 1) => {
                    match self.others[other].from.try_recv() {
                        Ok(batch) => batch,
                        Err(TryRecvError::Empty | TryRecvError::Disconnected) => {
                            return self.on_their_way.push_front(Due::From(other));
                        }
                    }
                }
                due => self.wait_for(due),
            };
            self.count(batch, pipeline, out);
        }
    }

    fn wait_for(&self, due: Due) -> Batch {
        match due {
            Due::Here(batch) => batch,
            Due::From(other) => self.others[other].from.recv().expect("a thread of the crew ends by a panic only"),
        }
    }

    fn count(&mut self, mut batch: Batch, pipeline: &mut Pipeline, out: &mut Output) {
        pipeline.count(&mut batch, out);
        if batch.room() <= KEPT_BYTES {
            self.spare.push(batch);
        }
    }
}

impl Other {
    /// `None` where the system gives no more threads.
    fn start<'s>(rules: &Arc<Rules>, scope: &'s Scope<'s, '_>) -> Option<Self> {
        let (to, work) = sync_channel::<Batch>(1);
        let (done, from) = sync_channel(2);
        let rules = Arc::clone(rules);
        let started = thread::Builder::new().name("judge".to_owned()).spawn_scoped(scope, move || {
            let mut memo = VerdictCache::default();
            for mut batch in work {
                batch.judge(&rules, &mut memo);
                if done.send(batch).is_err() {
                    return;
                }
            }
        });
        match started {
            Ok(_) => Some(Self { to, from }),
            Err(error) => {
                style::complain(&format!("goes on with fewer threads: {error}"));
                None
            }
        }
    }
}
