//! Every exported metric in one table: name, type, labels and help text. Tests compare the table with the README, the
//! dashboards and the rules.
//!
//! A counter that the pipeline adds up names its field of [`Tally`] (`= calls`), and needs no other line in `metrics`.

#![expect(clippy::doc_markdown, reason = "the help texts are plain text, and also the documentation of the families")]

use super::instruments::Instruments;
use super::tallied::{Counts as _, Tallied, tallied};
use crate::pipeline::Tally;

pub use super::definition::{Family, Kind};

/// Buckets for the duration of a call: from a cached answer to a long chain of thought.
const CALL_SECONDS: &[f64] = &[0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0];

/// Buckets for a wait that a provider asks for.
const WAIT_SECONDS: &[f64] = &[1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0];

/// How to read the counts of a family from a tally: all of a field, or one counter of each source.
macro_rules! read {
    ($field:ident) => {
        |tally: &Tally, add| tally.$field.for_each(add)
    };
    ($field:ident.$part:ident) => {
        |tally: &Tally, add| {
            for (source, counters) in &tally.$field {
                add(*source, counters.$part);
            }
        }
    };
}

macro_rules! families {
    ($($id:ident: $kind:expr, $name:literal [$($label:ident),*] $(= $field:ident $(. $part:ident)?)? : $help:literal;)+) => {
        $(#[doc = $help] pub static $id: Family = Family {
            name: $name,
            kind: $kind,
            labels: &[$(stringify!($label)),*],
            help: $help,
        };)+

        /// Every family, in the order of the page.
        pub static FAMILIES: &[&Family] = &[$(&$id),+];

        /// The counters that are read from tallies; each has room for `cap` series.
        pub(super) fn all_tallied(instruments: &Instruments, cap: usize) -> Vec<Box<dyn Tallied>> {
            vec![$($(tallied(instruments.counter(&$id), cap, read!($field $(. $part)?)),)?)+]
        }
    };
}

use Kind::{Counter, Gauge, Histogram};

families! {
    REQUESTS: Counter, "llm_triage_requests_total" [provider, outcome] = calls:
        "LLM calls by outcome.";
    ERRORS: Counter, "llm_triage_errors_total" [provider, status, category, owner, retry]:
        "Failed LLM calls by effective status, category, owner of the fix, and whether a retry helps.";
    ANSWERS: Counter, "llm_triage_answers_total" [provider, ending] = answers:
        "Answers by how they ended, where the log tells it; empty, filtered and refused ones are failed calls.";
    ROW_ERRORS: Counter, "llm_triage_row_errors_total" [row, provider] = rows:
        "Failed calls by matching row of the escalation table; only calls of the last two minutes.";
    ROW_LAST_FAILURE: Gauge, "llm_triage_row_last_failure_timestamp_seconds" [row, provider]:
        "Event time of the latest failed call by matching row; kept over restarts.";
    ROW_STORM: Gauge, "llm_triage_row_storm_seconds" [row, provider]:
        "Age of the open storm of a row and provider; after its end 0, until keep_firing of the row has passed.";
    ROW_STORM_FAILURES: Gauge, "llm_triage_row_storm_failures" [row, provider]:
        "Failed calls of the open storm of a row and provider; after its end 0, until keep_firing of the row has passed.";
    ATTEMPTS: Counter, "llm_triage_attempts_total" [provider, outcome] = attempts:
        "Single attempts inside calls, where the log shows them.";
    ATTEMPT_ERRORS: Counter, "llm_triage_attempt_errors_total" [provider, status, category] = attempt_errors:
        "Failed attempts inside calls.";
    PATTERN_MATCHES: Counter, "llm_triage_pattern_matches_total" [provider, pattern] = patterns:
        "Failed calls by the pattern that matched.";
    MODEL_REQUESTS: Counter, "llm_triage_model_requests_total" [provider, model, outcome]:
        "LLM calls by model; a model gets its own series with its first success.";
    MODEL_ERRORS: Counter, "llm_triage_model_errors_total" [provider, model, category]:
        "Failed LLM calls by model and category.";
    SERVICE_REQUESTS: Counter, "llm_triage_service_requests_total" [service, provider, outcome]:
        "LLM calls by calling service.";
    SERVICE_ERRORS: Counter, "llm_triage_service_errors_total" [service, provider, category]:
        "Failed LLM calls by calling service and category.";
    WINDOW_ERRORS: Gauge, "llm_triage_window_errors" [provider, status, window]:
        "Failed calls in the sliding window of this process; to sum over processes, use the counters.";
    WINDOW_REQUESTS: Gauge, "llm_triage_window_requests" [provider, window]:
        "Calls in the sliding window of this process.";
    WINDOW_ERROR_RATIO: Gauge, "llm_triage_window_error_ratio" [provider, window]:
        "Share of failed calls in the sliding window; absent where the log shows no successes.";
    REQUEST_DURATION: Histogram(CALL_SECONDS), "llm_triage_request_duration_seconds" [provider, outcome]:
        "Duration of calls, where the log contains it.";
    RETRY_AFTER: Histogram(WAIT_SECONDS), "llm_triage_retry_after_seconds" [provider]:
        "Waits of up to one hour that providers asked for in errors.";
    ALERT_STATE: Gauge, "llm_triage_alert_state" [row, provider, severity, state]:
        "1 for the current state of an alert (pending, firing, reopened), until keep_firing after its end; with the label service where alerts are grouped by service.";
    ALERT_TRANSITIONS: Counter, "llm_triage_alert_transitions_total" [row, provider, to]:
        "State changes of alerts.";
    NOTIFICATIONS: Counter, "llm_triage_notifications_total" [receiver, result]:
        "Messages to receivers: sent, failed (and retried), rejected by the receiver, or dropped before sending.";
    NOTIFICATION_QUEUE: Gauge, "llm_triage_notification_queue_length" [receiver]:
        "Alerts with a change that the receiver has not been notified of yet.";
    UNKNOWN_ERRORS: Counter, "llm_triage_unknown_errors_total" [provider] = unknown:
        "Failed calls that match no pattern.";
    UNKNOWN_GROUPS: Gauge, "llm_triage_unknown_groups" [provider]:
        "Groups of similar errors that match no pattern.";
    UNRECOGNISED_ERRORS: Counter, "llm_triage_unrecognised_errors_total" [source] = unrecognised:
        "Records of level error or above that were not recognised as LLM calls.";
    RECORDS: Counter, "llm_triage_records_total" [source, outcome] = records:
        "Records read, by outcome of the LLM call; other means that the record is not an LLM call.";
    SOURCE_BYTES: Counter, "llm_triage_source_bytes_total" [source] = sources.bytes:
        "Bytes read from the source.";
    SOURCE_LINES: Counter, "llm_triage_source_lines_total" [source] = sources.lines:
        "Lines read from the source, including blank and discarded ones.";
    SOURCE_EVENTS: Counter, "llm_triage_source_events_total" [source] = sources.events:
        "Log entries assembled from the lines.";
    LOST_BYTES: Counter, "llm_triage_source_lost_bytes_total" [source, reason] = lost_bytes:
        "Bytes that could not be read or kept.";
    PARTIAL_LINES: Counter, "llm_triage_source_partial_lines_total" [source, reason]:
        "Lines of which only a part was kept: they were too long, or their end never arrived.";
    SOURCE_SEEN: Counter, "llm_triage_source_seen_bytes_total" [source]:
        "Bytes known to exist in the source: read, skipped, lost or not read yet.";
    SOURCE_SKIPPED: Counter, "llm_triage_source_skipped_bytes_total" [source]:
        "Bytes skipped on purpose: before start_at, or copies of data that was read already.";
    SOURCE_BUFFERED: Gauge, "llm_triage_source_buffered_bytes" [source]:
        "Bytes of TCP and HTTP peers in transit or buffered as unfinished lines; limits.tcp_buffer bounds the sum.";
    SOURCE_THROTTLED: Counter, "llm_triage_source_throttled_total" [source]:
        "Times a TCP connection had to wait, or an HTTP request was refused, for lack of space in limits.tcp_buffer.";
    WATCH_OVERFLOWS: Counter, "llm_triage_watch_overflows_total" []:
        "Times the kernel lost file change events; all files were scanned each time.";
    VERDICTS_LOST: Counter, "llm_triage_verdicts_lost_total" []:
        "Verdicts that could not be written to --output.";
    LINES_DISCARDED: Counter, "llm_triage_lines_discarded_total" [source, reason] = discarded_lines:
        "Lines that could not be turned into records.";
    SOURCE_LAG: Gauge, "llm_triage_source_lag_bytes" [source]:
        "Bytes that exist in the source and are not read yet.";
    SOURCE_EVENT_LAG: Gauge, "llm_triage_source_event_lag_seconds" [source]:
        "Delay between the time in the latest event and its arrival.";
    SOURCE_FILES: Gauge, "llm_triage_source_files" [source]:
        "Files or connections that are followed.";
    SOURCE_POLLED: Gauge, "llm_triage_source_polled_directories" [source]:
        "Directories without change events from the kernel; their files are scanned once a second or less often.";
    SOURCE_LAST_READ: Gauge, "llm_triage_source_last_read_timestamp_seconds" [source]:
        "When data of the source was last processed.";
    LATE_EVENTS: Counter, "llm_triage_late_events_total" [] = late:
        "Events older than the longest window; only the counters include them.";
    CLOCK_SKEW: Counter, "llm_triage_clock_skew_total" [] = skewed:
        "Time stamps that were not trusted.";
    REDACTIONS: Counter, "llm_triage_redactions_total" [] = redactions:
        "Secrets and prompts removed before anything was kept or shown.";
    SERIES_OVERFLOW: Counter, "llm_triage_series_overflow_total" []:
        "Increments counted under the label value overflow because their family is full.";
    CHECKPOINT_AGE: Gauge, "llm_triage_checkpoint_age_seconds" []:
        "Time since the last checkpoint was written.";
    CHECKPOINT_FAILURES: Counter, "llm_triage_checkpoint_failures_total" []:
        "Checkpoints that could not be written.";
    PATTERNS_LOADED: Gauge, "llm_triage_patterns_loaded" []:
        "Patterns in use.";
    ROWS_LOADED: Gauge, "llm_triage_rows_loaded" []:
        "Rows of the escalation table in use.";
    RELOAD_SUCCESSFUL: Gauge, "llm_triage_config_last_reload_successful" []:
        "1 if the last reload of the configuration succeeded, else 0.";
    RELOAD_TIME: Gauge, "llm_triage_config_last_reload_success_timestamp_seconds" []:
        "When a configuration was last loaded successfully.";
    BUILD_INFO: Gauge, "llm_triage_build_info" [version]:
        "Always 1; the label version is the version of llm-triage.";
    PROCESS_CPU: Counter, "process_cpu_seconds_total" []:
        "Total user and system CPU time spent in seconds.";
    PROCESS_OPEN_FDS: Gauge, "process_open_fds" []:
        "Number of open file descriptors.";
    PROCESS_MAX_FDS: Gauge, "process_max_fds" []:
        "Maximum number of open file descriptors.";
    PROCESS_RESIDENT_MEMORY: Gauge, "process_resident_memory_bytes" []:
        "Resident memory size in bytes.";
    PROCESS_VIRTUAL_MEMORY: Gauge, "process_virtual_memory_bytes" []:
        "Virtual memory size in bytes.";
    PROCESS_START_TIME: Gauge, "process_start_time_seconds" []:
        "Start time of the process since the epoch in seconds.";
}
