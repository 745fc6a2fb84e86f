//! All receivers of a process: passes every change of an alert to every outbox, and runs one task per outbox.

use super::entry::OutboxState;
use super::message::Identity;
use super::receiver::Receiver;
use super::task::{Clock, ReceiverHealth, ReceiverTask};
use crate::alert::{Alert, Transition};
use crate::metrics::Metrics;
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// All receivers of a process.
#[derive(Debug)]
pub struct Delivery {
    tasks: Mutex<Vec<Arc<ReceiverTask>>>,
    /// Signals that there are tasks to start.
    changed: Notify,
    seed: u64,
}

impl Delivery {
    /// Creates an outbox for every member of every receiver. Nothing is sent before [`Self::run`].
    pub fn new(receivers: &[Receiver], from: &Identity, metrics: &Metrics) -> Self {
        let seed = RandomState::new().hash_one(&from.instance);
        let this = Self { tasks: Mutex::default(), changed: Notify::new(), seed };
        this.replace(receivers, from, metrics);
        this
    }

    /// Replaces the receivers, as after a reload. A receiver that keeps its name keeps its state. The pending notifications of
    /// a removed receiver are dropped and counted.
    pub fn replace(&self, receivers: &[Receiver], from: &Identity, metrics: &Metrics) {
        let mut tasks = self.tasks();
        let mut old = std::mem::take(&mut *tasks);
        for receiver in receivers {
            for (outbox, (label, transport)) in receiver.outboxes(from, self.seed).into_iter().zip(&receiver.members) {
                let transport = transport.clone();
                if let Some(index) = old.iter().position(|task| task.label() == label) {
                    let task = old.swap_remove(index);
                    task.reconfigure(transport, outbox);
                    tasks.push(task);
                } else {
                    let metrics = metrics.receiver(label);
                    tasks.push(Arc::new(ReceiverTask::new(&receiver.name, label, transport, metrics, outbox)));
                }
            }
        }
        for removed in old {
            let successors: Vec<_> = tasks.iter().filter(|task| task.receiver() == removed.receiver()).collect();
            removed.remove(&successors);
        }
        drop(tasks);
        self.changed.notify_one();
    }

    /// Notifies every receiver of a change. It only updates the outboxes, which takes microseconds and does not wait for the
    /// network, so the pipeline may call it.
    pub fn notify(&self, transition: &Transition, now: Timestamp) {
        for task in self.tasks().iter() {
            task.update(|outbox| outbox.on_transition(transition, now));
        }
    }

    /// Updates the numbers and evidence of firing alerts, for the next message about them.
    pub fn refresh(&self, alerts: &[Alert], now: Timestamp) {
        for task in self.tasks().iter() {
            task.update(|outbox| outbox.refresh(alerts, now));
        }
    }

    /// The state that is kept over a restart.
    pub fn state(&self) -> Vec<OutboxState> {
        self.tasks().iter().map(|task| task.outbox_state()).collect()
    }

    /// Restores what [`Self::state`] returned, for the receivers that still exist.
    pub fn restore(&self, states: Vec<OutboxState>) {
        let mut by_label: BTreeMap<String, OutboxState> =
            states.into_iter().map(|state| (state.receiver().to_owned(), state)).collect();
        for task in self.tasks().iter() {
            if let Some(state) = by_label.remove(task.label()) {
                task.update(|outbox| {
                    outbox.restore(state);
                    0
                });
            }
        }
    }

    /// The health of every receiver.
    pub fn health(&self) -> Vec<ReceiverHealth> {
        self.tasks().iter().map(|task| task.health()).collect()
    }

    /// Sends until `shutdown`, and after that for at most `grace` what is still pending. The end of this process resolves no
    /// alert: an Alertmanager lets it expire, or gets it again from the next process.
    ///
    /// # Panics
    /// When one of the tasks panicked.
    pub async fn run(&self, clock: Clock, shutdown: impl Future<Output = ()>, grace: Duration) {
        let closing = CancellationToken::new();
        let mut running = JoinSet::new();
        tokio::pin!(shutdown);
        loop {
            let new: Vec<_> = self.tasks().iter().filter(|task| task.claim_start()).map(Arc::clone).collect();
            for task in new {
                running.spawn(task.serve(Arc::clone(&clock), closing.clone()));
            }
            tokio::select! {
                () = &mut shutdown => break,
                () = self.changed.notified() => {}
                // Before the shutdown a task ends only by a panic, or because its receiver was removed.
                Some(end) = running.join_next() => propagate_panic(end),
            }
        }
        closing.cancel();
        if timeout(grace, join_all(&mut running)).await.is_err() {
            let queue: usize = self.tasks().iter().map(|task| task.queue_len()).sum();
            warn!(queue, "receivers did not take all notifications in time, the rest is sent after the next start");
        }
    }

    fn tasks(&self) -> MutexGuard<'_, Vec<Arc<ReceiverTask>>> {
        // The critical sections are short and have no invariant that a panic could break.
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn join_all(running: &mut JoinSet<()>) {
    while let Some(end) = running.join_next().await {
        propagate_panic(end);
    }
}

fn propagate_panic(end: Result<(), JoinError>) {
    if let Err(error) = end
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
}
