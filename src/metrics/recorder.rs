//! The pipeline's side of the metrics: adds one tally per batch, through handles that it keeps. It has one owner and waits
//! for no lock that is held for long.

use super::admission::Admission;
use super::family::{self, all_tallied};
use super::labels::Key;
use super::names::Names;
use super::published::PublishedSnapshot;
use super::recent::RecentStorms;
use super::series::{HistogramSeries, Series};
use super::shared::Shared;
use super::tallied::Tallied;
use super::text::Exemplar;
use crate::alert::Transition;
use crate::framing::LossReason;
use crate::observation::{MAX_RETRY_AFTER_S, Name, SourceId};
use crate::pipeline::{ErrorKey, Snapshot, Tally};
use crate::taxonomy::{Category, Outcome, Provider};
use crate::time::Timestamp;
use prometheus::IntCounter;
use rustc_hash::FxHashSet;
use std::sync::Arc;

/// How many models of one provider have series of their own.
const MODELS_PER_PROVIDER: usize = 50;
/// How many services have series of their own.
const SERVICES: usize = 200;

/// How much the metrics may grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Series per family, in addition to those of known providers × usual statuses.
    pub series: usize,
}

impl Default for Limits {
    /// A family of this size takes about 1 MB here, which every Prometheus can handle.
    fn default() -> Self {
        Self { series: 2_000 }
    }
}

/// Adds tallies to the counters. Created by [`Metrics::new`](super::Metrics::new), owned by the pipeline thread.
#[derive(Debug)]
pub struct Recorder {
    shared: Arc<Shared>,
    names: Arc<Names>,
    /// The families that need nothing but addition.
    tallied: Vec<Box<dyn Tallied>>,
    /// A family with exemplars.
    errors: Series<ErrorKey>,
    /// Families of names that must be admitted first.
    model_requests: Series<(Provider, Name, Outcome)>,
    model_errors: Series<(Provider, Name, Category)>,
    service_requests: Series<(Name, Provider, Outcome)>,
    service_errors: Series<(Name, Provider, Category)>,
    models: Admission<Provider>,
    services: Admission<()>,
    partial_lines: Series<(SourceId, LossReason)>,
    durations: HistogramSeries<(Provider, Outcome)>,
    waits: HistogramSeries<Provider>,
    overflow: IntCounter,
    /// Providers whose series exist.
    providers: FxHashSet<Provider>,
    storms: RecentStorms,
}

impl Recorder {
    pub(super) fn new(shared: Arc<Shared>, names: Names, Limits { series: cap }: Limits) -> Self {
        let instruments = &shared.instruments;
        let mut this = Self {
            names: Arc::default(),
            tallied: all_tallied(instruments, cap),
            errors: Series::new(instruments.counter(&family::ERRORS), cap),
            model_requests: Series::new(instruments.counter(&family::MODEL_REQUESTS), cap),
            model_errors: Series::new(instruments.counter(&family::MODEL_ERRORS), cap),
            service_requests: Series::new(instruments.counter(&family::SERVICE_REQUESTS), cap),
            service_errors: Series::new(instruments.counter(&family::SERVICE_ERRORS), cap),
            models: Admission::new(MODELS_PER_PROVIDER),
            services: Admission::new(SERVICES),
            partial_lines: Series::new(instruments.counter(&family::PARTIAL_LINES), cap),
            durations: HistogramSeries::new(instruments.histogram(&family::REQUEST_DURATION)),
            waits: HistogramSeries::new(instruments.histogram(&family::RETRY_AFTER)),
            overflow: instruments.counter(&family::SERIES_OVERFLOW).with_label_values::<&str>(&[]),
            providers: FxHashSet::default(),
            storms: RecentStorms::default(),
            shared,
        };
        this.rename(names);
        this
    }

    /// Adds the tally of a batch. `now` is the time of the exemplars.
    pub fn add(&mut self, tally: &Tally, now: Timestamp) {
        self.meet(tally.calls.keys().chain(tally.attempts.keys()).map(|(provider, _)| *provider));
        let names = &*self.names;
        let mut overflow: u64 = tally.overflowed;
        overflow += self.tallied.iter_mut().map(|family| family.add(tally, names)).sum::<u64>();
        for (key, n) in &tally.errors {
            overflow += self.errors.add(*key, *n, names);
        }
        for (key, n) in &tally.partial_lines {
            overflow += self.partial_lines.add(*key, *n, names);
        }
        overflow += self.add_models(tally);
        overflow += self.add_services(tally);
        self.overflow.inc_by(overflow);
        self.observe(tally);
        self.keep_exemplars(tally, now);
    }

    /// Counts a state change of an alert.
    pub fn transition(&mut self, Transition { to, alert, .. }: &Transition) {
        let transitions = self.shared.instruments.counter(&family::ALERT_TRANSITIONS);
        transitions.with_label_values(&[&alert.row, &alert.provider, to.as_str()]).inc();
    }

    /// Replaces the snapshot that pages show.
    pub fn publish(&mut self, snapshot: Arc<Snapshot>) {
        // Providers that are known from before a restart.
        let failed = snapshot.last_failures.iter().map(|(_, provider, _)| *provider);
        self.meet(snapshot.windows.iter().map(|view| view.provider).chain(failed));
        let storms = self.storms.update(&snapshot, &self.names);
        self.shared.publish(PublishedSnapshot { snapshot, names: Arc::clone(&self.names), storms });
    }

    /// Creates the series that every provider has, when it is first seen.
    fn meet(&mut self, providers: impl Iterator<Item = Provider>) {
        for provider in providers {
            if self.providers.insert(provider) {
                for family in &mut self.tallied {
                    family.meet(provider, &self.names);
                }
            }
        }
    }

    /// Takes over the names of ids, at the start and after a reload. Counters keep their values.
    pub fn rename(&mut self, names: Names) {
        self.names = Arc::new(names);
        let names = &*self.names;
        for family in &mut self.tallied {
            family.rename(names);
        }
        // Neither models nor services have ids that a reload changes; sources have.
        self.partial_lines.forget_handles();
    }

    /// Changes the caps. Existing series stay, so that no counter decreases.
    pub fn set_limits(&mut self, Limits { series: cap }: Limits) {
        for family in &mut self.tallied {
            family.set_cap(cap);
        }
        self.errors.set_cap(cap);
        self.model_requests.set_cap(cap);
        self.model_errors.set_cap(cap);
        self.service_requests.set_cap(cap);
        self.service_errors.set_cap(cap);
    }

    /// A model gets its own series with its first success: models that never worked are misspelt or invented names.
    fn add_models(&mut self, tally: &Tally) -> u64 {
        let names = &*self.names;
        for (provider, model, outcome) in tally.model_calls.keys() {
            if *outcome == Outcome::Success {
                self.models.admit(*provider, *model);
            }
        }
        let mut overflow = 0;
        for (key @ (provider, model, _), n) in &tally.model_calls {
            overflow += add_if(self.models.contains(*provider, *model), &mut self.model_requests, *key, *n, names);
        }
        for (key @ (provider, model, _), n) in &tally.model_errors {
            overflow += add_if(self.models.contains(*provider, *model), &mut self.model_errors, *key, *n, names);
        }
        overflow
    }

    fn add_services(&mut self, tally: &Tally) -> u64 {
        let names = &*self.names;
        let mut overflow = 0;
        for (key @ (service, ..), n) in &tally.service_calls {
            overflow += add_if(self.services.admit((), *service), &mut self.service_requests, *key, *n, names);
        }
        for (key @ (service, ..), n) in &tally.service_errors {
            overflow += add_if(self.services.admit((), *service), &mut self.service_errors, *key, *n, names);
        }
        overflow
    }

    fn observe(&mut self, tally: &Tally) {
        for (provider, outcome, seconds) in &tally.durations_s {
            self.durations.observe((*provider, *outcome), *seconds, &self.names);
        }
        for (provider, seconds) in tally.waits_s.iter().filter(|(_, seconds)| *seconds <= MAX_RETRY_AFTER_S) {
            self.waits.observe(*provider, *seconds, &self.names);
        }
    }

    /// Keeps the latest exemplar of each series. Keys without a series of their own have none, so that there are never more
    /// exemplars than series.
    fn keep_exemplars(&self, tally: &Tally, now: Timestamp) {
        if tally.exemplars.is_empty() {
            return;
        }
        let mut kept = self.shared.exemplars();
        for (key, request_id) in tally.exemplars.iter().filter(|(key, _)| self.errors.contains(key)) {
            if let Some(exemplar) = Exemplar::new(request_id, now) {
                kept.insert(*key, exemplar);
            }
        }
    }
}

/// Adds to the series of the key, or to the overflow series if its name is not admitted.
fn add_if<K: Key>(is_admitted: bool, series: &mut Series<K>, key: K, n: u64, names: &Names) -> u64 {
    if is_admitted { series.add(key, n, names) } else { series.add_folded(key, n, names) }
}
