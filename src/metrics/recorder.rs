//! The pipeline's end of the metrics: adds a tally per batch, through handles it keeps. It has one owner, so nothing here
//! waits for anybody.

use super::family;
use super::series::{Key, Series};
use super::text::Exemplar;
use super::{Instruments, Limits, Metrics, Names, PublishedSnapshot};
use crate::alert::{RowId, Transition};
use crate::framing::LossReason;
use crate::observation::{Name, PatternId, SourceId};
use crate::pipeline::{ErrorKey, Snapshot, SourceCounters, Tally};
use crate::taxonomy::{Category, Outcome, Provider, StatusLabel};
use crate::time::Timestamp;
use prometheus::{Histogram, HistogramVec, IntCounter};
use rustc_hash::{FxHashMap, FxHashSet};
use std::hash::Hash;
use std::sync::Arc;

/// Models with series of their own, per provider.
const MODELS_PER_PROVIDER: usize = 50;
/// Services with series of their own.
const SERVICES: usize = 200;
/// A longer wait is a date at which a limit refills, not a back-off.
const LONGEST_WAIT_S: f64 = 3_600.0;

/// Turns tallies into counters. Made by [`Metrics::new`], owned by the pipeline's thread.
#[derive(Debug)]
pub struct Recorder {
    metrics: Arc<Metrics>,
    names: Arc<Names>,
    requests: Series<(Provider, Outcome)>,
    errors: Series<ErrorKey>,
    row_errors: Series<(RowId, Provider)>,
    attempts: Series<(Provider, Outcome)>,
    attempt_errors: Series<(Provider, StatusLabel, Category)>,
    patterns: Series<(Provider, PatternId)>,
    model_requests: Series<(Provider, Name, Outcome)>,
    model_errors: Series<(Provider, Name, Category)>,
    service_requests: Series<(Name, Provider, Outcome)>,
    service_errors: Series<(Name, Provider, Category)>,
    durations: Observers<(Provider, Outcome)>,
    waits: Observers<(Provider,)>,
    unknown: Series<(Provider,)>,
    unrecognised: Series<(SourceId,)>,
    records: Series<(SourceId, Outcome)>,
    bytes: Series<(SourceId,)>,
    lines: Series<(SourceId,)>,
    events: Series<(SourceId,)>,
    lost_bytes: Series<(SourceId, LossReason)>,
    discarded: Series<(SourceId, LossReason)>,
    partial: Series<(SourceId, LossReason)>,
    models: Admission<Provider>,
    services: Admission<()>,
    late: IntCounter,
    skewed: IntCounter,
    redactions: IntCounter,
    overflow: IntCounter,
}

impl Recorder {
    pub(super) fn new(metrics: Arc<Metrics>, names: Names, Limits { series }: Limits) -> Self {
        let Instruments { counters, histograms } = &metrics.instruments;
        let single = |family: &family::Family| counters[family.name].with_label_values::<&str>(&[]);
        let mut this = Self {
            names: Arc::default(),
            requests: Series::new(&counters[family::REQUESTS.name], series),
            errors: Series::new(&counters[family::ERRORS.name], series),
            row_errors: Series::new(&counters[family::ROW_ERRORS.name], series),
            attempts: Series::new(&counters[family::ATTEMPTS.name], series),
            attempt_errors: Series::new(&counters[family::ATTEMPT_ERRORS.name], series),
            patterns: Series::new(&counters[family::PATTERN_MATCHES.name], series),
            model_requests: Series::new(&counters[family::MODEL_REQUESTS.name], series),
            model_errors: Series::new(&counters[family::MODEL_ERRORS.name], series),
            service_requests: Series::new(&counters[family::SERVICE_REQUESTS.name], series),
            service_errors: Series::new(&counters[family::SERVICE_ERRORS.name], series),
            durations: Observers::new(&histograms[family::REQUEST_DURATION.name]),
            waits: Observers::new(&histograms[family::RETRY_AFTER.name]),
            unknown: Series::new(&counters[family::UNKNOWN_ERRORS.name], series),
            unrecognised: Series::new(&counters[family::UNRECOGNISED_ERRORS.name], series),
            records: Series::new(&counters[family::RECORDS.name], series),
            bytes: Series::new(&counters[family::SOURCE_BYTES.name], series),
            lines: Series::new(&counters[family::SOURCE_LINES.name], series),
            events: Series::new(&counters[family::SOURCE_EVENTS.name], series),
            lost_bytes: Series::new(&counters[family::LOST_BYTES.name], series),
            discarded: Series::new(&counters[family::LINES_DISCARDED.name], series),
            partial: Series::new(&counters[family::PARTIAL_LINES.name], series),
            models: Admission::new(MODELS_PER_PROVIDER),
            services: Admission::new(SERVICES),
            late: single(&family::LATE_EVENTS),
            skewed: single(&family::CLOCK_SKEW),
            redactions: single(&family::REDACTIONS),
            overflow: single(&family::SERIES_OVERFLOW),
            metrics,
        };
        this.rename(names);
        this
    }

    /// Adds what a batch came to. `now` is the time of the exemplars.
    pub fn add(&mut self, tally: &Tally, now: Timestamp) {
        let names = &*self.names;
        let mut overflow = 0;
        overflow += add_all(&mut self.requests, &tally.calls, names);
        overflow += add_all(&mut self.errors, &tally.errors, names);
        overflow += add_all(&mut self.row_errors, &tally.rows, names);
        overflow += add_all(&mut self.attempts, &tally.attempts, names);
        overflow += add_all(&mut self.attempt_errors, &tally.attempt_errors, names);
        overflow += add_all(&mut self.patterns, &tally.patterns, names);
        overflow += self.add_models(tally);
        overflow += self.add_services(tally);
        self.overflow.inc_by(overflow);
        self.add_sources(tally);
        self.observe(tally);
        self.late.inc_by(tally.late);
        self.skewed.inc_by(tally.skewed);
        self.redactions.inc_by(tally.redactions);
        self.keep_exemplars(tally, now);
    }

    /// Counts a change of an alert.
    pub fn transition(&mut self, Transition { to, alert, .. }: &Transition) {
        let transitions = &self.metrics.instruments.counters[family::ALERT_TRANSITIONS.name];
        transitions.with_label_values(&[&alert.row, &alert.provider, to.as_str()]).inc();
    }

    /// Shows a snapshot to everybody who asks from now on.
    pub fn publish(&mut self, snapshot: Arc<Snapshot>) {
        self.metrics.publish(PublishedSnapshot { snapshot, names: Arc::clone(&self.names) });
    }

    /// Takes over what ids stand for, at the start and after a reload. Counters keep their values.
    pub fn rename(&mut self, names: Names) {
        self.names = Arc::new(names);
        self.row_errors.forget_keys();
        self.patterns.forget_keys();
        self.unrecognised.forget_keys();
        self.records.forget_keys();
        self.bytes.forget_keys();
        self.lines.forget_keys();
        self.events.forget_keys();
        self.lost_bytes.forget_keys();
        self.discarded.forget_keys();
        self.partial.forget_keys();
        self.bear_series();
    }

    /// Other caps. Series that are there stay, so that no counter falls back.
    pub fn set_limits(&mut self, Limits { series }: Limits) {
        self.requests.set_cap(series);
        self.errors.set_cap(series);
        self.row_errors.set_cap(series);
        self.attempts.set_cap(series);
        self.attempt_errors.set_cap(series);
        self.patterns.set_cap(series);
        self.model_requests.set_cap(series);
        self.model_errors.set_cap(series);
        self.service_requests.set_cap(series);
        self.service_errors.set_cap(series);
        self.unknown.set_cap(series);
    }

    /// Makes series at 0, as a counter born at 1 is invisible to `increase()`.
    fn bear_series(&mut self) {
        let names = &*self.names;
        for (provider, _) in names.known_providers() {
            let provider = *provider;
            for outcome in [Outcome::Success, Outcome::Error] {
                self.requests.add((provider, outcome), 0, names);
                self.attempts.add((provider, outcome), 0, names);
            }
            self.unknown.add((provider,), 0, names);
            for row in (0u16..).map(RowId).take(names.rows().len()) {
                self.row_errors.add((row, provider), 0, names);
            }
        }
        for source in (0u16..).map(SourceId).take(names.sources().len()) {
            for series in [&mut self.unrecognised, &mut self.bytes, &mut self.lines, &mut self.events] {
                series.add((source,), 0, names);
            }
            for outcome in Outcome::ALL {
                self.records.add((source, *outcome), 0, names);
            }
            for reason in LossReason::ALL {
                self.lost_bytes.add((source, *reason), 0, names);
                self.discarded.add((source, *reason), 0, names);
            }
            for reason in [LossReason::TooLong, LossReason::Incomplete] {
                self.partial.add((source, reason), 0, names);
            }
        }
    }

    /// A model must earn its series with a success: names that never worked are typed by people and made up by clients.
    fn add_models(&mut self, tally: &Tally) -> u64 {
        let names = &*self.names;
        for (provider, model, outcome) in tally.model_calls.keys() {
            if *outcome == Outcome::Success {
                self.models.admit(*provider, *model);
            }
        }
        let mut overflow = 0;
        for (key @ (provider, model, _), n) in &tally.model_calls {
            overflow += add_if(self.models.has(*provider, *model), &mut self.model_requests, *key, *n, names);
        }
        for (key @ (provider, model, _), n) in &tally.model_errors {
            overflow += add_if(self.models.has(*provider, *model), &mut self.model_errors, *key, *n, names);
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

    fn add_sources(&mut self, tally: &Tally) {
        let names = &*self.names;
        let mut overflow = 0;
        for (provider, n) in &tally.unknown {
            overflow += self.unknown.add((*provider,), *n, names);
        }
        for (source, n) in &tally.unrecognised {
            overflow += self.unrecognised.add((*source,), *n, names);
        }
        overflow += add_all(&mut self.records, &tally.records, names);
        for (source, books) in &tally.sources {
            // Blank lines are among the lines; they matter to the balance of the books only.
            let SourceCounters { bytes, lines, events, blank_lines: _ } = *books;
            overflow += self.bytes.add((*source,), bytes, names);
            overflow += self.lines.add((*source,), lines, names);
            overflow += self.events.add((*source,), events, names);
        }
        overflow += add_all(&mut self.lost_bytes, &tally.lost_bytes, names);
        overflow += add_all(&mut self.discarded, &tally.discarded_lines, names);
        overflow += add_all(&mut self.partial, &tally.partial_lines, names);
        self.overflow.inc_by(overflow);
    }

    fn observe(&mut self, tally: &Tally) {
        for (provider, outcome, seconds) in &tally.durations_s {
            self.durations.observe((*provider, *outcome), *seconds, &self.names);
        }
        for (provider, seconds) in tally.waits_s.iter().filter(|(_, it)| *it <= LONGEST_WAIT_S) {
            self.waits.observe((*provider,), *seconds, &self.names);
        }
    }

    /// Only series of their own have exemplars, so there are never more of them than series.
    fn keep_exemplars(&self, tally: &Tally, now: Timestamp) {
        if tally.exemplars.is_empty() {
            return;
        }
        let mut kept = self.metrics.exemplars();
        for (key, request_id) in tally.exemplars.iter().filter(|(key, _)| self.errors.holds(key)) {
            if let Some(exemplar) = Exemplar::new(request_id, now) {
                kept.insert(*key, exemplar);
            }
        }
    }
}

fn add_all<K: Key>(series: &mut Series<K>, counts: &FxHashMap<K, u64>, names: &Names) -> u64 {
    counts.iter().map(|(key, n)| series.add(*key, *n, names)).sum()
}

fn add_if<K: Key>(admitted: bool, series: &mut Series<K>, key: K, n: u64, names: &Names) -> u64 {
    if admitted { series.add(key, n, names) } else { series.add_folded(key, n, names) }
}

/// Which names have series of their own: the first so many in each group.
#[derive(Debug)]
struct Admission<G> {
    admitted: FxHashSet<(G, Name)>,
    sizes: FxHashMap<G, usize>,
    cap: usize,
}

impl<G: Copy + Eq + Hash> Admission<G> {
    fn new(cap: usize) -> Self {
        Self { admitted: FxHashSet::default(), sizes: FxHashMap::default(), cap }
    }

    /// Takes the name in if there is room; says whether it is in.
    fn admit(&mut self, group: G, name: Name) -> bool {
        if self.has(group, name) {
            return true;
        }
        let size = self.sizes.entry(group).or_default();
        if *size == self.cap {
            return false;
        }
        *size += 1;
        self.admitted.insert((group, name))
    }

    /// Whether the name is in. No name at all is one value, and always is.
    fn has(&self, group: G, name: Name) -> bool {
        name.is_empty() || self.admitted.contains(&(group, name))
    }
}

/// A histogram family and the handles to its series. Its labels are closed sets, so it needs no cap.
#[derive(Debug)]
struct Observers<K> {
    vec: HistogramVec,
    handles: FxHashMap<K, Histogram>,
}

impl<K: Key> Observers<K> {
    fn new(vec: &HistogramVec) -> Self {
        Self { vec: vec.clone(), handles: FxHashMap::default() }
    }

    /// Not finite or negative is a fault of the log's writer, and would spoil the sum for ever.
    fn observe(&mut self, key: K, seconds: f64, names: &Names) {
        if !seconds.is_finite() || seconds < 0.0 {
            return;
        }
        let make = || self.vec.with_label_values(&key.labels(names, super::series::Spelling::Own));
        self.handles.entry(key).or_insert_with(make).observe(seconds);
    }
}
