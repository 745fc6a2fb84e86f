//! What a batch adds to the counters. Kept beside the pipeline, added to the metrics once per batch, then cleared.

use crate::alert::RowId;
use crate::classify::{Name, PatternId, SourceId};
use crate::framing::LossReason;
use crate::taxonomy::{Category, Outcome, Owner, Provider, Retry, StatusLabel};
use rustc_hash::FxHashMap;

/// The labels of `errors_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ErrorKey {
    /// Whose service failed.
    pub provider: Provider,
    /// Effective status.
    pub status: StatusLabel,
    /// Kind of error.
    pub category: Category,
    /// Who can settle it.
    pub owner: Owner,
    /// Whether to retry.
    pub retry: Retry,
}

/// Bytes, lines and events of one source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// Bytes that came in.
    pub bytes: u64,
    /// Lines that came in, blank ones and discarded ones included.
    pub lines: u64,
    /// Events made of them.
    pub events: u64,
    /// Lines with nothing on them.
    pub blank_lines: u64,
}

/// Increments since the last [`Tally::clear`].
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// `requests_total`: calls by outcome (success or error).
    pub calls: FxHashMap<(Provider, Outcome), u64>,
    /// `errors_total`.
    pub errors: FxHashMap<ErrorKey, u64>,
    /// `row_errors_total`: only of events of the last two minutes.
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
    /// `retry_after_seconds`: waits the providers named.
    pub waits_s: Vec<(Provider, f64)>,
    /// `unknown_errors_total`.
    pub unknown: FxHashMap<Provider, u64>,
    /// `unrecognised_errors_total`.
    pub unrecognised: FxHashMap<SourceId, u64>,
    /// `records_total`.
    pub records: FxHashMap<(SourceId, Outcome), u64>,
    /// `source_bytes_total`, `source_lines_total`, `source_events_total`.
    pub books: FxHashMap<SourceId, Books>,
    /// `source_lost_bytes_total`.
    pub lost_bytes: FxHashMap<(SourceId, LossReason), u64>,
    /// `lines_discarded_total`.
    pub discarded_lines: FxHashMap<(SourceId, LossReason), u64>,
    /// Exemplars: the last request id per error series.
    pub exemplars: Vec<(ErrorKey, String)>,
    /// `late_events_total`: too old for the longest window.
    pub late: u64,
    /// `clock_skew_total`: stamps that could not be trusted.
    pub skewed: u64,
    /// `redactions_total`.
    pub redactions: u64,
}

impl Tally {
    /// Forgets the increments and keeps the room for the next ones.
    pub fn clear(&mut self) {
        let Self {
            calls,
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
            books,
            lost_bytes,
            discarded_lines,
            exemplars,
            late,
            skewed,
            redactions,
        } = self;
        calls.clear();
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
        books.clear();
        lost_bytes.clear();
        discarded_lines.clear();
        exemplars.clear();
        (*late, *skewed, *redactions) = (0, 0, 0);
    }
}
