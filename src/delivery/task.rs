//! The task that serves one outbox: it sends what is due, waits, and reports the outcome to the outbox, the metrics and the log.

use super::entry::OutboxState;
use super::error::Failure;
use super::message::Message;
use super::outbox::{Dropped, Outbox};
use super::transport::Transport;
use crate::metrics::ReceiverMetrics;
use crate::time::Timestamp;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

/// How often a waiting task reads the clock again, in case the clock was changed.
const MAX_SLEEP: Duration = Duration::from_secs(15);

/// Where the time comes from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The state of one receiver, or of one member of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverHealth {
    /// The value of the label `receiver`.
    pub receiver: String,
    /// Alerts with a change that the receiver has not been notified of.
    pub queue: usize,
    /// Failures since the last message that was delivered.
    pub failures: u32,
    /// Since when messages have failed.
    pub failing_since: Option<Timestamp>,
}

/// One outbox, with all that is needed to send from it.
#[derive(Debug)]
pub(super) struct ReceiverTask {
    /// The name in the configuration, which the members of a cluster share.
    receiver: String,
    /// The value of the label `receiver`.
    label: String,
    transport: Mutex<Transport>,
    metrics: ReceiverMetrics,
    wake: Notify,
    /// Cancelled when the receiver is removed from the configuration.
    removed: CancellationToken,
    is_started: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    outbox: Outbox,
    failing_since: Option<Timestamp>,
}

/// What a task does next.
enum Step {
    Send(Message),
    Wait(Duration),
    /// Like `Wait`, but nothing is pending: during a shutdown the task is done.
    Idle(Duration),
}

impl ReceiverTask {
    pub(super) fn new(receiver: &str, label: &str, transport: Transport, metrics: ReceiverMetrics, outbox: Outbox) -> Self {
        Self {
            receiver: receiver.to_owned(),
            label: label.to_owned(),
            transport: Mutex::new(transport),
            metrics,
            wake: Notify::new(),
            removed: CancellationToken::new(),
            is_started: AtomicBool::new(false),
            state: Mutex::new(State { outbox, failing_since: None }),
        }
    }

    pub(super) fn receiver(&self) -> &str {
        &self.receiver
    }

    pub(super) fn label(&self) -> &str {
        &self.label
    }

    /// Marks the task as started. Returns whether it was not started before.
    pub(super) fn claim_start(&self) -> bool {
        !self.is_started.swap(true, Ordering::Relaxed)
    }

    /// Sends what is due until the receiver is removed, or, after `closing`, until nothing is pending.
    pub(super) async fn serve(self: Arc<Self>, clock: Clock, closing: CancellationToken) {
        loop {
            let wait = match self.next_step(clock()) {
                Step::Send(Message { body, alerts }) => {
                    let transport = self.transport().clone();
                    let Some(outcome) = self.removed.run_until_cancelled(transport.send(body)).await else { return };
                    self.settle(&outcome, alerts, clock());
                    continue;
                }
                Step::Idle(_) if closing.is_cancelled() => return,
                Step::Wait(wait) | Step::Idle(wait) => wait.min(MAX_SLEEP),
            };
            tokio::select! {
                () = sleep(wait) => {}
                () = self.wake.notified() => {}
                () = closing.cancelled(), if !closing.is_cancelled() => {}
                () = self.removed.cancelled() => return,
            }
        }
    }

    /// Applies a new configuration.
    pub(super) fn reconfigure(&self, transport: Transport, outbox: Outbox) {
        *self.transport() = transport;
        self.update(|current| current.reconfigure(outbox));
    }

    /// Ends the task of a removed receiver. Its pending notifications go to the `successors`, members of the same receiver, if
    /// there are any.
    pub(super) fn remove(&self, successors: &[&Arc<Self>]) {
        self.removed.cancel();
        let (state, queue) = {
            let outbox = &self.lock().outbox;
            (outbox.state(), outbox.queue_len())
        };
        for successor in successors {
            successor.update(|outbox| {
                outbox.inherit(state.clone());
                0
            });
        }
        if queue > 0 && successors.is_empty() {
            self.count_dropped(queue as Dropped);
            warn!(receiver = self.label, dropped = queue, "receiver removed with pending notifications, dropping them");
        }
        self.metrics.set_queue(0);
    }

    /// Changes the outbox and wakes the task.
    pub(super) fn update(&self, change: impl FnOnce(&mut Outbox) -> Dropped) {
        let (dropped, queue) = {
            let outbox = &mut self.lock().outbox;
            (change(outbox), outbox.queue_len())
        };
        self.metrics.set_queue(queue);
        if dropped > 0 {
            self.count_dropped(dropped);
            warn!(receiver = self.label, dropped, "outbox is full, notifications dropped");
        }
        self.wake.notify_one();
    }

    pub(super) fn outbox_state(&self) -> OutboxState {
        self.lock().outbox.state()
    }

    pub(super) fn queue_len(&self) -> usize {
        self.lock().outbox.queue_len()
    }

    pub(super) fn health(&self) -> ReceiverHealth {
        let State { outbox, failing_since } = &*self.lock();
        let (queue, failures) = (outbox.queue_len(), outbox.failures());
        ReceiverHealth { receiver: self.label.clone(), queue, failures, failing_since: *failing_since }
    }

    fn transport(&self) -> MutexGuard<'_, Transport> {
        self.transport.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count_dropped(&self, dropped: Dropped) {
        (0..dropped).for_each(|_| self.metrics.dropped());
    }

    fn next_step(&self, now: Timestamp) -> Step {
        let outbox = &mut self.lock().outbox;
        if let Some(message) = outbox.due(now) {
            return Step::Send(message);
        }
        let wait = outbox.next_due(now).unwrap_or(MAX_SLEEP);
        if outbox.queue_len() == 0 { Step::Idle(wait) } else { Step::Wait(wait) }
    }

    /// Reports the outcome of a message that contained this many alerts.
    fn settle(&self, outcome: &Result<(), Failure>, alerts: usize, now: Timestamp) {
        let receiver = &self.label;
        let mut state = self.lock();
        let State { outbox, failing_since } = &mut *state;
        match outcome {
            Ok(()) => {
                outbox.sent(now);
                self.metrics.sent();
                debug!(receiver, alerts, "message delivered");
                if failing_since.take().is_some() {
                    info!(receiver, "receiver accepts messages again");
                }
            }
            Err(failure) => {
                outbox.failed(failure, now);
                failing_since.get_or_insert(now);
                let error = failure.error();
                let cause = std::error::Error::source(error).map(tracing::field::display);
                match failure {
                    Failure::Rejected(_) => {
                        self.metrics.rejected();
                        warn!(receiver, alerts, %error, "receiver rejected a message, it is not sent again");
                    }
                    Failure::Retry { .. } => {
                        self.metrics.failed();
                        let retry_in = outbox.next_due(now).unwrap_or_default();
                        warn!(receiver, alerts, %error, cause, ?retry_in, "cannot deliver a message, retrying later");
                    }
                }
            }
        }
        self.metrics.set_queue(outbox.queue_len());
    }
}
