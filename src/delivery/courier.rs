//! The sending part: one task per outbox, each with its own connection and its own waits.

use super::message::Identity;
use super::options::{Filter, Receiver};
use super::outbox::{Dropped, Outbox, OutboxState, Post};
use super::post::{Failure, SendError};
use super::way::Way;
use crate::alert::{Alert, State, Transition};
use crate::metrics::{Metrics, ReceiverMetrics};
use crate::taxonomy::Severity;
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

/// How often a waiting task looks at the clock again, which may have been set.
const LONGEST_SLEEP: Duration = Duration::from_secs(15);

/// Where the time comes from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// All receivers of a process.
#[derive(Debug)]
pub struct Delivery {
    desks: Vec<Arc<Desk>>,
}

/// How a receiver does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverHealth {
    /// The value of the label `receiver`.
    pub receiver: String,
    /// Alerts whose news it has not taken.
    pub queue: usize,
    /// Failures since the last message that got through.
    pub failures: u32,
    /// Since when messages have failed.
    pub failing_since: Option<Timestamp>,
}

impl Delivery {
    /// Outboxes for all members of all receivers. Nothing is sent before [`Self::run`].
    pub fn new(receivers: &[Receiver], from: &Identity, metrics: &Metrics) -> Self {
        let seed = RandomState::new().hash_one(&from.instance);
        let members = receivers.iter().flat_map(|it| it.outboxes(from, seed).into_iter().zip(&it.members));
        Self {
            desks: members
                .map(|(outbox, (label, way))| {
                    Arc::new(Desk {
                        receiver: label.clone(),
                        way: way.clone(),
                        metrics: metrics.receiver(label),
                        wake: Notify::new(),
                        desk: Mutex::new((outbox, None)),
                    })
                })
                .collect(),
        }
    }

    /// Tells every receiver of a change. Takes microseconds and waits for nobody's network: the pipeline may call it.
    pub fn tell(&self, transition: &Transition, now: Timestamp) {
        for desk in &self.desks {
            desk.update(|outbox| outbox.on_transition(transition, now));
        }
    }

    /// Brings numbers and evidence of what fires up to date, for the next time it is told.
    pub fn refresh(&self, alerts: &[Alert], now: Timestamp) {
        for desk in &self.desks {
            desk.update(|outbox| outbox.refresh(alerts, now));
        }
    }

    /// What must survive a restart or a reload.
    pub fn state(&self) -> Vec<OutboxState> {
        self.desks.iter().map(|desk| desk.lock().0.state()).collect()
    }

    /// Takes up what [`Self::state`] gave, for the receivers that are still there.
    pub fn restore(&self, states: Vec<OutboxState>) {
        let mut by_name: BTreeMap<String, OutboxState> = states.into_iter().map(|it| (it.receiver().to_owned(), it)).collect();
        for desk in &self.desks {
            if let Some(state) = by_name.remove(&desk.receiver) {
                desk.update(|outbox| {
                    outbox.restore(state);
                    0
                });
            }
        }
    }

    /// How every receiver does.
    pub fn health(&self) -> Vec<ReceiverHealth> {
        self.desks
            .iter()
            .map(|desk| {
                let held = desk.lock();
                let (outbox, failing_since) = (&held.0, held.1);
                let (queue, failures) = (outbox.queue_len(), outbox.failures());
                ReceiverHealth { receiver: desk.receiver.clone(), queue, failures, failing_since }
            })
            .collect()
    }

    /// Sends until `shutdown`, and then for at most `grace` what is news still. What fires is not resolved by our going:
    /// an Alertmanager lets it lapse, or hears of it again from our successor.
    ///
    /// # Panics
    /// When one of the tasks did.
    pub async fn run(&self, clock: Clock, shutdown: impl Future<Output = ()>, grace: Duration) {
        let closing = CancellationToken::new();
        let mut tasks = JoinSet::new();
        for desk in &self.desks {
            tasks.spawn(Arc::clone(desk).serve(Arc::clone(&clock), closing.clone()));
        }
        tokio::pin!(shutdown);
        tokio::select! {
            () = &mut shutdown => {}
            // Tasks end before the shutdown only by a panic, or where there are none.
            () = join_all(&mut tasks) => shutdown.await,
        }
        closing.cancel();
        if timeout(grace, join_all(&mut tasks)).await.is_err() {
            let queue: usize = self.desks.iter().map(|it| it.lock().0.queue_len()).sum();
            warn!(queue, "receivers did not take all news in time; it is sent after the next start");
        }
    }
}

async fn join_all(tasks: &mut JoinSet<()>) {
    while let Some(end) = tasks.join_next().await {
        if let Err(error) = end
            && error.is_panic()
        {
            std::panic::resume_unwind(error.into_panic());
        }
    }
}

/// One outbox, with what is needed to send from it.
#[derive(Debug)]
struct Desk {
    receiver: String,
    way: Way,
    metrics: ReceiverMetrics,
    wake: Notify,
    /// The outbox, and since when messages fail.
    desk: Mutex<(Outbox, Option<Timestamp>)>,
}

/// What a desk does next.
enum Step {
    Send(Post),
    Wait(Duration),
    /// Nothing is news; during a shutdown: done.
    Rest(Duration),
}

impl Desk {
    async fn serve(self: Arc<Self>, clock: Clock, closing: CancellationToken) {
        loop {
            let wait = match self.next(clock()) {
                Step::Send(post) => {
                    let alerts = post.alerts;
                    let outcome = self.way.send(post.body).await;
                    self.settle(outcome, alerts, clock());
                    continue;
                }
                Step::Rest(_) if closing.is_cancelled() => return,
                Step::Wait(wait) | Step::Rest(wait) => wait.min(LONGEST_SLEEP),
            };
            tokio::select! {
                () = sleep(wait) => {}
                () = self.wake.notified() => {}
                () = closing.cancelled(), if !closing.is_cancelled() => {}
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, (Outbox, Option<Timestamp>)> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn update(&self, change: impl FnOnce(&mut Outbox) -> Dropped) {
        let (dropped, queue) = {
            let outbox = &mut self.lock().0;
            (change(outbox), outbox.queue_len())
        };
        self.metrics.set_queue(queue);
        if dropped > 0 {
            (0..dropped).for_each(|_| self.metrics.dropped());
            warn!(receiver = self.receiver, dropped, "gave up news of alerts, as there was no room for it");
        }
        self.wake.notify_one();
    }

    fn next(&self, now: Timestamp) -> Step {
        let outbox = &mut self.lock().0;
        match outbox.due(now) {
            Some(post) => Step::Send(post),
            None => {
                let wait = outbox.next_due(now).unwrap_or(LONGEST_SLEEP);
                if outbox.queue_len() == 0 { Step::Rest(wait) } else { Step::Wait(wait) }
            }
        }
    }

    fn settle(&self, outcome: Result<(), Failure>, alerts: usize, now: Timestamp) {
        let receiver = &self.receiver;
        let mut held = self.lock();
        let (outbox, failing_since) = &mut *held;
        match &outcome {
            Ok(()) => {
                outbox.sent(now);
                self.metrics.sent();
                debug!(receiver, alerts, "sent");
                if failing_since.take().is_some() {
                    info!(receiver, "the receiver takes messages again");
                }
            }
            Err(failure) => {
                outbox.failed(failure, now);
                failing_since.get_or_insert(now);
                let error = failure.error();
                let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
                match failure {
                    Failure::Rejected(_) => {
                        self.metrics.rejected();
                        warn!(receiver, alerts, %error, "the receiver refused a message; it is not sent again");
                    }
                    Failure::Retry { .. } => {
                        self.metrics.failed();
                        let again = outbox.next_due(now).unwrap_or_default();
                        warn!(receiver, alerts, %error, cause, ?again, "could not deliver a message");
                    }
                }
            }
        }
        self.metrics.set_queue(outbox.queue_len());
    }
}

/// Sends one alert, marked as a test, to every member of a receiver, and returns what each made of it. The receiver's
/// filter does not apply. It is never resolved: whoever asked for it closes it.
///
/// # Errors
/// Per member, when it was not taken.
pub async fn notify_test(receiver: &Receiver, from: &Identity, now: Timestamp) -> Vec<(String, Result<(), SendError>)> {
    let Receiver { shape, repeat, members, .. } = receiver;
    let mut results = Vec::new();
    for (label, way) in members {
        let mut outbox = Outbox::new(label, shape.clone(), Filter::ALL, *repeat, from.clone(), 0);
        // A dead man's switch has no message: it is asked for.
        outbox.refresh(&[], now);
        outbox.on_transition(&test_transition(from, now), now);
        let post = outbox.due(now).expect("an outbox with news and without a pause has a message");
        let outcome = way.send(post.body).await.map_err(|failure| match failure {
            Failure::Retry { error, .. } | Failure::Rejected(error) => error,
        });
        results.push((label.clone(), outcome));
    }
    results
}

/// Looks whether every member of a receiver can be reached, and sends nothing.
pub async fn probe(receiver: &Receiver, limit: Duration) -> Vec<(String, SendError)> {
    let mut missing = Vec::new();
    for (label, way) in &receiver.members {
        if let Err(error) = way.probe(limit).await {
            missing.push((label.clone(), error));
        }
    }
    missing
}

fn test_transition(from: &Identity, now: Timestamp) -> Transition {
    let alert = Alert {
        name: "LLMTriageTest".to_owned(),
        row: "test".to_owned(),
        provider: "llm-triage".to_owned(),
        service: None,
        severity: Severity::Info,
        state: State::Firing,
        since: now,
        fired_at: Some(now),
        resolved_at: None,
        reason: None,
        failures: 0,
        per_minute: 0.0,
        share: None,
        summary: "TEST: llm-triage can reach this receiver".to_owned(),
        description: format!("Somebody ran `llm-triage notify-test` on {}. Nothing is wrong.", from.instance),
        next_step: "Nothing to do: this is a test".to_owned(),
        fix: "None needed".to_owned(),
        evidence: String::new(),
        runbook_url: String::new(),
    };
    Transition { at: now, from: State::Pending, to: State::Firing, alert }
}
