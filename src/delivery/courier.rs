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
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::{JoinError, JoinSet};
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
    desks: Mutex<Vec<Arc<Desk>>>,
    /// There are others now.
    changed: Notify,
    seed: u64,
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
        let this = Self { desks: Mutex::default(), changed: Notify::new(), seed };
        this.replace(receivers, from, metrics);
        this
    }

    /// Tells these receivers from now on. One that stays under its name keeps what it was told and what it was not; what a
    /// receiver was not told that is there no more is given up, and counted.
    pub fn replace(&self, receivers: &[Receiver], from: &Identity, metrics: &Metrics) {
        let mut desks = self.desks();
        let mut old = std::mem::take(&mut *desks);
        for receiver in receivers {
            for (outbox, (label, way)) in receiver.outboxes(from, self.seed).into_iter().zip(&receiver.members) {
                let found = old.iter().position(|it| it.label == *label);
                desks.push(match found.map(|it| old.swap_remove(it)) {
                    Some(desk) => {
                        *desk.way() = way.clone();
                        desk.update(|held| held.become_like(outbox));
                        desk
                    }
                    None => Arc::new(Desk {
                        receiver: receiver.name.clone(),
                        label: label.clone(),
                        way: Mutex::new(way.clone()),
                        metrics: metrics.receiver(label),
                        wake: Notify::new(),
                        gone: CancellationToken::new(),
                        is_served: AtomicBool::new(false),
                        desk: Mutex::new((outbox, None)),
                    }),
                });
            }
        }
        for desk in old {
            let heirs: Vec<_> = desks.iter().filter(|it| it.receiver == desk.receiver).collect();
            desk.leave(&heirs);
        }
        drop(desks);
        self.changed.notify_one();
    }

    /// Tells every receiver of a change. Takes microseconds and waits for nobody's network: the pipeline may call it.
    pub fn notify(&self, transition: &Transition, now: Timestamp) {
        for desk in self.desks().iter() {
            desk.update(|outbox| outbox.on_transition(transition, now));
        }
    }

    /// Brings numbers and evidence of what fires up to date, for the next time it is told.
    pub fn refresh(&self, alerts: &[Alert], now: Timestamp) {
        for desk in self.desks().iter() {
            desk.update(|outbox| outbox.refresh(alerts, now));
        }
    }

    fn desks(&self) -> MutexGuard<'_, Vec<Arc<Desk>>> {
        // The sections are short and hold no invariant that a panic could break.
        self.desks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What must survive a restart or a reload.
    pub fn state(&self) -> Vec<OutboxState> {
        self.desks().iter().map(|desk| desk.lock().0.state()).collect()
    }

    /// Takes up what [`Self::state`] gave, for the receivers that are still there.
    pub fn restore(&self, states: Vec<OutboxState>) {
        let mut by_name: BTreeMap<String, OutboxState> = states.into_iter().map(|it| (it.receiver().to_owned(), it)).collect();
        for desk in self.desks().iter() {
            if let Some(state) = by_name.remove(&desk.label) {
                desk.update(|outbox| {
                    outbox.restore(state);
                    0
                });
            }
        }
    }

    /// How every receiver does.
    pub fn health(&self) -> Vec<ReceiverHealth> {
        self.desks()
            .iter()
            .map(|desk| {
                let held = desk.lock();
                let (outbox, failing_since) = (&held.0, held.1);
                let (queue, failures) = (outbox.queue_len(), outbox.failures());
                ReceiverHealth { receiver: desk.label.clone(), queue, failures, failing_since }
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
        tokio::pin!(shutdown);
        loop {
            let new: Vec<_> =
                self.desks().iter().filter(|it| !it.is_served.swap(true, Ordering::Relaxed)).map(Arc::clone).collect();
            for desk in new {
                tasks.spawn(desk.serve(Arc::clone(&clock), closing.clone()));
            }
            tokio::select! {
                () = &mut shutdown => break,
                () = self.changed.notified() => {}
                // Tasks end before the shutdown only by a panic, or because their receiver was taken out.
                Some(end) = tasks.join_next() => pass_on_panic(end),
            }
        }
        closing.cancel();
        if timeout(grace, join_all(&mut tasks)).await.is_err() {
            let queue: usize = self.desks().iter().map(|it| it.lock().0.queue_len()).sum();
            warn!(queue, "receivers did not take all news in time; it is sent after the next start");
        }
    }
}

async fn join_all(tasks: &mut JoinSet<()>) {
    while let Some(end) = tasks.join_next().await {
        pass_on_panic(end);
    }
}

fn pass_on_panic(end: Result<(), JoinError>) {
    if let Err(error) = end
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
}

/// One outbox, with what is needed to send from it.
#[derive(Debug)]
struct Desk {
    /// What the configuration calls it; the members of a cluster have it in common.
    receiver: String,
    /// The value of the label `receiver`.
    label: String,
    way: Mutex<Way>,
    metrics: ReceiverMetrics,
    wake: Notify,
    /// It was taken out.
    gone: CancellationToken,
    /// It has its task.
    is_served: AtomicBool,
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
                    let way = self.way().clone();
                    let Some(outcome) = self.gone.run_until_cancelled(way.send(post.body)).await else { return };
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
                () = self.gone.cancelled() => return,
            }
        }
    }

    /// The receiver is there no more. What it was not told goes to the members that have taken its place, if there are any.
    fn leave(&self, heirs: &[&Arc<Self>]) {
        self.gone.cancel();
        let (state, queue) = {
            let outbox = &self.lock().0;
            (outbox.state(), outbox.queue_len())
        };
        for heir in heirs {
            heir.update(|outbox| {
                outbox.inherit(state.clone());
                0
            });
        }
        if queue > 0 && heirs.is_empty() {
            (0..queue).for_each(|_| self.metrics.dropped());
            warn!(receiver = self.label, dropped = queue, "a receiver was taken out before it was told all news");
        }
        self.metrics.set_queue(0);
    }

    fn way(&self) -> MutexGuard<'_, Way> {
        self.way.lock().unwrap_or_else(PoisonError::into_inner)
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
            warn!(receiver = self.label, dropped, "gave up news of alerts, as there was no room for it");
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
        let receiver = &self.label;
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
                let cause = std::error::Error::source(error).map(tracing::field::display);
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
