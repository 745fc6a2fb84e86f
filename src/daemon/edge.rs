//! Passes the results of the pipeline on to metrics, receivers and the service manager.

use super::reread::EdgeConfig;
use super::service_manager::ServiceManager;
use super::sources::SourceList;
use super::start::Bound;
use super::worker::{Edge, PersistedState};
use crate::alert::{AlertOptions, SelfRow, State, Transition};
use crate::checkpoint::Health;
use crate::delivery::Delivery;
use crate::metrics::{Metrics, Names, Recorder, SourceGauges, SourceValues};
use crate::observation::SourceId;
use crate::pipeline::{self, Options, Pipeline, Rules, Snapshot, SourceView, Tally};
use crate::source::file::Hints;
use crate::source::{ClockReading, Gauges};
use crate::time::Timestamp;
use std::collections::{BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tracing::{info, warn};

/// A source that lags by more than this is reported as behind, in seconds.
const BEHIND_S: f64 = 300.0;
/// A pipe that was read within this time is active.
const ACTIVE: Duration = Duration::from_mins(1);
/// How long a loss of bytes is reported.
const LOSS_REPORTED: Duration = Duration::from_mins(5);
/// The status line of the service manager names at most this many alerts.
const NAMED_ALERTS: usize = 5;

/// Where the results of the pipeline go.
pub(super) struct Outputs {
    pub(super) recorder: Recorder,
    pub(super) metrics: Arc<Metrics>,
    pub(super) delivery: Arc<Delivery>,
    pub(super) manager: Arc<ServiceManager>,
    pub(super) next: NextEdgeConfig,
}

/// One entry for each reload that the pipeline has not applied yet.
pub(super) type NextEdgeConfig = Arc<Mutex<VecDeque<EdgeConfig>>>;

/// Builds the pipeline and the edge, and restores what the last process saved.
pub(super) fn build(
    rules: Arc<Rules>,
    options: Options,
    alerts: AlertOptions,
    bound: Bound,
    outputs: Outputs,
) -> (Pipeline, DaemonEdge) {
    let Bound { persisted, sources, health, lost_verdicts, hints } = bound;
    let mut pipeline = Pipeline::new(rules, options);
    let mut out = pipeline::Output::default();
    if let Some(PersistedState { edge, pipeline: state }) = persisted {
        pipeline.restore(state, alerts, &mut out);
        match serde_json::from_value(edge) {
            Ok(outboxes) => outputs.delivery.restore(outboxes),
            Err(error) => warn!(%error, "cannot read the notifications that the last process left undelivered; dropping them"),
        }
    }
    let mut edge = DaemonEdge {
        outputs,
        gauges: Vec::new(),
        sources,
        health,
        lost_verdicts,
        hints,
        skewed: BTreeSet::new(),
        counted_failures: 0,
        last_loss: None,
    };
    edge.take_gauges();
    edge.notify(&out.transitions);
    // Without this, a scrape before the first tick would see restored alerts disappear and come back.
    edge.outputs.recorder.publish(Arc::new(pipeline.snapshot()));
    (pipeline, edge)
}

/// Passes the results of the pipeline on. Runs on the pipeline's thread.
pub(super) struct DaemonEdge {
    outputs: Outputs,
    gauges: Vec<(Arc<SourceGauges>, String, Arc<Gauges>)>,
    sources: SourceList,
    health: Arc<Health>,
    lost_verdicts: Arc<AtomicU64>,
    hints: Arc<Hints>,
    /// Sources with implausible time stamps that were logged.
    skewed: BTreeSet<SourceId>,
    /// Number of failed checkpoints that the metrics contain.
    counted_failures: u64,
    /// When bytes were last lost.
    last_loss: Option<Timestamp>,
}

impl DaemonEdge {
    fn notify(&mut self, transitions: &[Transition]) {
        let now = ClockReading::now().wall;
        for transition in transitions {
            let Transition { alert, from, to, .. } = transition;
            info!(row = alert.row, provider = alert.provider, %from, %to, summary = alert.summary, "alert");
            self.outputs.recorder.transition(transition);
            self.outputs.delivery.notify(transition, now);
        }
    }

    /// Adds the gauges of new sources.
    fn take_gauges(&mut self) {
        for (name, from) in self.sources.all().into_iter().skip(self.gauges.len()) {
            self.gauges.push((self.outputs.metrics.source(&name), name, from));
        }
    }

    /// Copies the gauges of the sources and of the checkpoint writer to the metrics.
    fn copy_gauges(&mut self) {
        for (to, _, from) in &self.gauges {
            to.set(SourceValues {
                lag_bytes: from.lag_bytes.load(Ordering::Relaxed),
                files: from.files.load(Ordering::Relaxed),
                polled: from.polled.load(Ordering::Relaxed),
                buffered_bytes: from.buffered_bytes.load(Ordering::Relaxed),
                throttled: from.waits.load(Ordering::Relaxed),
                seen_bytes: from.seen_bytes.load(Ordering::Relaxed),
                skipped_bytes: from.skipped_bytes.load(Ordering::Relaxed),
            });
        }
        let metrics = &self.outputs.metrics;
        metrics.set_totals(self.hints.overflows(), self.lost_verdicts.load(Ordering::Relaxed));
        let written = self.health.written_micros.load(Ordering::Relaxed);
        if written != 0 {
            metrics.checkpoint_written(Timestamp::from_micros(written));
        }
        let failures = self.health.failures.load(Ordering::Relaxed);
        for _ in self.counted_failures..failures {
            metrics.checkpoint_failed();
        }
        self.counted_failures = failures;
    }

    /// One line for `systemctl status`.
    fn status(&self, snapshot: &Snapshot) -> String {
        let files: u64 = self.gauges.iter().map(|(.., gauges)| gauges.files.load(Ordering::Relaxed)).sum();
        let mut text = format!("{} sources, {files} files or connections; ", self.gauges.len());
        let firing: Vec<_> = snapshot.alerts.iter().filter(|alert| alert.state == State::Firing).collect();
        if firing.is_empty() {
            text.push_str("no alert is firing");
        } else {
            let named = firing.iter().take(NAMED_ALERTS);
            let named: Vec<_> = named.map(|alert| format!("{} of {}", alert.row, alert.provider)).collect();
            let more = if firing.len() > named.len() { ", …" } else { "" };
            write!(text, "{} firing: {}{more}", firing.len(), named.join(", ")).ok();
        }
        text
    }
}

impl Edge for DaemonEdge {
    fn batch(&mut self, tally: &Tally, output: &pipeline::Output) {
        let now = ClockReading::now().wall;
        if let Some(source) = tally.skewed_source.filter(|source| self.skewed.insert(*source)) {
            let source = self.gauges.get(usize::from(source.0)).map_or("", |(_, name, _)| name);
            warn!(source, "time stamps are hours off or in the future; using arrival times, or the time zone that they imply");
        }
        if !tally.lost_bytes.is_empty() {
            self.last_loss = Some(now);
        }
        self.outputs.recorder.add(tally, now);
        self.notify(&output.transitions);
    }

    fn publish(&mut self, snapshot: Snapshot) {
        self.copy_gauges();
        self.outputs.delivery.refresh(&snapshot.alerts, ClockReading::now().wall);
        self.outputs.manager.progress(&self.status(&snapshot));
        self.outputs.recorder.publish(Arc::new(snapshot));
    }

    fn checks(&self, snapshot: &Snapshot) -> Vec<(SelfRow, Option<String>)> {
        let now = snapshot.at;
        let gauges = || self.gauges.iter().map(|(_, name, gauges)| (name, gauges));
        let is_unreadable = |gauges: &Gauges| gauges.unreadable.load(Ordering::Relaxed) > 0;
        let unreadable = gauges().filter(|(_, gauges)| is_unreadable(gauges)).map(|(name, _)| name.clone());
        let behind = gauges().zip(&snapshot.sources).filter_map(|((_, gauges), view)| behind(gauges, view, now));
        let health = self.outputs.delivery.health().into_iter();
        let failing = health.filter(|receiver| receiver.failing_since.is_some()).map(|receiver| receiver.receiver);
        let is_losing = self.last_loss.is_some_and(|at| now.since(at) < LOSS_REPORTED);
        vec![
            (SelfRow::Behind, listed("sources", &behind.collect::<Vec<_>>())),
            (SelfRow::Unreadable, listed("sources", &unreadable.collect::<Vec<_>>())),
            (SelfRow::Losing, is_losing.then(|| "bytes were lost".to_owned())),
            (SelfRow::Receiver, listed("receivers", &failing.collect::<Vec<_>>())),
        ]
    }

    fn reloaded(&mut self, rules: &Rules) {
        self.outputs.recorder.rename(metric_names(rules));
        self.take_gauges();
        let Outputs { recorder, metrics, delivery, manager, next } = &mut self.outputs;
        let edge_config = next.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        if let Some(EdgeConfig { receivers, identity, limits }) = edge_config {
            recorder.set_limits(limits);
            delivery.replace(&receivers, &identity, metrics);
        }
        manager.ready();
    }

    fn state(&self) -> serde_json::Value {
        serde_json::to_value(self.outputs.delivery.state()).unwrap_or_default()
    }
}

/// `sources: a, b`; `None` without names.
fn listed(what: &str, names: &[String]) -> Option<String> {
    (!names.is_empty()).then(|| format!("{what}: {}", names.join(", ")))
}

/// How far a source is behind, if that is worth reporting.
#[expect(clippy::cast_precision_loss, reason = "a gauge needs no exact seconds above 2^53")]
fn behind(gauges: &Gauges, view: &SourceView, now: Timestamp) -> Option<String> {
    let seconds = if gauges.piped.load(Ordering::Relaxed) {
        // How much a pipe still holds is unknown, so the age of its records must do. A pipe that was never current has an old
        // log in it.
        let fell_back = view.was_current && view.last_read.is_some_and(|read| now.since(read) < ACTIVE);
        if fell_back { view.event_lag_s } else { 0.0 }
    } else {
        gauges.behind_seconds.load(Ordering::Relaxed) as f64
    };
    (seconds > BEHIND_S).then(|| format!("{} by {seconds:.0} s", view.name))
}

/// The names that metrics use as labels.
pub(super) fn metric_names(rules: &Rules) -> Names {
    let catalog = rules.catalog();
    Names::new(
        catalog.providers(),
        catalog.patterns().iter().map(|pattern| pattern.id.clone()),
        rules.table().rows().iter().map(|row| row.id.clone()),
        rules.sources().iter().cloned(),
    )
    .with_keep_firing(rules.table().rows().iter().map(|row| row.keep_firing))
}
