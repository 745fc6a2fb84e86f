//! Increments of the counters. The pipeline adds to them per record; the caller adds them to the metrics once per batch and
//! clears them.

use crate::alert::RowId;
use crate::framing::LossReason;
use crate::observation::{MAX_RETRY_AFTER_S, Name, Observation, PatternId, SourceId};
use crate::taxonomy::{Category, Ending, Outcome, Owner, Provider, Retry, StatusLabel};
use crate::time::Timestamp;
use rustc_hash::FxHashMap;
use std::time::Duration;

/// The labels of `errors_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ErrorKey {
    /// The provider that failed.
    pub provider: Provider,
    /// The effective status.
    pub status: StatusLabel,
    /// The kind of error.
    pub category: Category,
    /// Who can fix it.
    pub owner: Owner,
    /// Whether a retry helps.
    pub retry: Retry,
}

/// Bytes, lines and events of one source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceCounters {
    /// Bytes read.
    pub bytes: u64,
    /// Lines read, including blank and discarded ones.
    pub lines: u64,
    /// Events framed from these lines.
    pub events: u64,
    /// Empty lines.
    pub blank_lines: u64,
}

/// Increments since the last [`Tally::clear`].
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// `requests_total`: calls by outcome (success or error).
    pub calls: FxHashMap<(Provider, Outcome), u64>,
    /// `answers_total`: answers by how they ended, where the log tells it.
    pub answers: FxHashMap<(Provider, Ending), u64>,
    /// `errors_total`.
    pub errors: FxHashMap<ErrorKey, u64>,
    /// `row_errors_total`: only failures of the last two minutes.
    pub rows: FxHashMap<(RowId, Provider), u64>,
    /// `attempts_total`.
    pub attempts: FxHashMap<(Provider, Outcome), u64>,
    /// `attempt_errors_total`.
    pub attempt_errors: FxHashMap<(Provider, StatusLabel, Category), u64>,
    /// `pattern_matches_total`.
    pub patterns: FxHashMap<(Provider, PatternId), u64>,
    /// `model_requests_total`.
    pub model_calls: FxHashMap<(Provider, Name, Outcome), u64>,
    /// `model_errors_total`.
    pub model_errors: FxHashMap<(Provider, Name, Category), u64>,
    /// `service_requests_total`.
    pub service_calls: FxHashMap<(Name, Provider, Outcome), u64>,
    /// `service_errors_total`.
    pub service_errors: FxHashMap<(Name, Provider, Category), u64>,
    /// `request_duration_seconds`: one value per call.
    pub durations_s: Vec<(Provider, Outcome, f64)>,
    /// `retry_after_seconds`: waits that providers asked for.
    pub waits_s: Vec<(Provider, f64)>,
    /// `unknown_errors_total`.
    pub unknown: FxHashMap<Provider, u64>,
    /// `unrecognised_errors_total`.
    pub unrecognised: FxHashMap<SourceId, u64>,
    /// `records_total`.
    pub records: FxHashMap<(SourceId, Outcome), u64>,
    /// Answers that are counted in `records` as successes and that a later record took back.
    pub withdrawn: u64,
    /// `source_bytes_total`, `source_lines_total`, `source_events_total`.
    pub sources: FxHashMap<SourceId, SourceCounters>,
    /// `source_lost_bytes_total`.
    pub lost_bytes: FxHashMap<(SourceId, LossReason), u64>,
    /// `lines_discarded_total`.
    pub discarded_lines: FxHashMap<(SourceId, LossReason), u64>,
    /// `source_partial_lines_total`: lines of which only a part was kept, because they were too long or incomplete.
    pub partial_lines: FxHashMap<(SourceId, LossReason), u64>,
    /// Exemplars: request ids of the errors.
    pub exemplars: Vec<(ErrorKey, String)>,
    /// `late_events_total`: calls that are too old for the longest window.
    pub late: u64,
    /// `clock_skew_total`: time stamps that were not believed.
    pub skewed: u64,
    /// The source of the latest of these time stamps.
    pub skewed_source: Option<SourceId>,
    /// `redactions_total`.
    pub redactions: u64,
    /// Part of `series_overflow_total`: failures whose status has no sliding window of its own.
    pub overflowed: u64,
}

/// Failures older than this are not counted in `row_errors_total`, because Prometheus rules read it as the present.
const FRESH: Duration = Duration::from_mins(2);

impl Tally {
    /// Counts one call, successful or not.
    pub(super) fn call(&mut self, call: &Observation) {
        let Observation { provider, outcome, model, service, ending, .. } = *call;
        *self.calls.entry((provider, outcome)).or_default() += 1;
        if let Some(ending) = ending {
            *self.answers.entry((provider, ending)).or_default() += 1;
        }
        if !model.is_empty() {
            *self.model_calls.entry((provider, model, outcome)).or_default() += 1;
        }
        if !service.is_empty() {
            *self.service_calls.entry((service, provider, outcome)).or_default() += 1;
        }
        if let Some(took) = call.latency_s {
            self.durations_s.push((provider, outcome, took));
        }
    }

    /// Counts what applies only to a failed call.
    pub(super) fn failure(&mut self, call: &Observation, row: RowId, now: Timestamp) {
        let Observation { provider, model, service, category, owner, retry, .. } = *call;
        let key = ErrorKey { provider, status: call.status_label(), category, owner, retry };
        *self.errors.entry(key).or_default() += 1;
        if now.since(call.at) <= FRESH {
            *self.rows.entry((row, provider)).or_default() += 1;
        }
        if !model.is_empty() {
            *self.model_errors.entry((provider, model, category)).or_default() += 1;
        }
        if !service.is_empty() {
            *self.service_errors.entry((service, provider, category)).or_default() += 1;
        }
        match call.pattern {
            Some(pattern) => *self.patterns.entry((provider, pattern)).or_default() += 1,
            None => *self.unknown.entry(provider).or_default() += 1,
        }
        if let Some(wait) = call.retry_after_s.filter(|wait| *wait <= MAX_RETRY_AFTER_S) {
            self.waits_s.push((provider, wait));
        }
        if let Some(id) = call.evidence.as_ref().and_then(|evidence| evidence.request_id.clone()) {
            self.exemplars.push((key, id));
        }
    }

    /// Sets every increment to zero and keeps the allocated memory.
    pub fn clear(&mut self) {
        let Self {
            calls,
            answers,
            errors,
            rows,
            attempts,
            attempt_errors,
            patterns,
            model_calls,
            model_errors,
            service_calls,
            service_errors,
            durations_s,
            waits_s,
            unknown,
            unrecognised,
            records,
            sources,
            lost_bytes,
            discarded_lines,
            partial_lines,
            exemplars,
            withdrawn,
            late,
            skewed,
            skewed_source,
            redactions,
            overflowed,
        } = self;
        calls.clear();
        answers.clear();
        errors.clear();
        rows.clear();
        attempts.clear();
        attempt_errors.clear();
        patterns.clear();
        model_calls.clear();
        model_errors.clear();
        service_calls.clear();
        service_errors.clear();
        durations_s.clear();
        waits_s.clear();
        unknown.clear();
        unrecognised.clear();
        records.clear();
        sources.clear();
        lost_bytes.clear();
        discarded_lines.clear();
        partial_lines.clear();
        exemplars.clear();
        *skewed_source = None;
        (*withdrawn, *late, *skewed, *redactions, *overflowed) = (0, 0, 0, 0, 0);
    }
}
