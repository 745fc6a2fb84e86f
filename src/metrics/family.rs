//! Every exported name, with its type, its labels and its help text: the one table that the README, the dashboards and
//! the rules are compared with.

use std::fmt;

/// What a family measures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Only grows while the process lives.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts values by size, in buckets with these upper bounds.
    Histogram(&'static [f64]),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        })
    }
}

/// One exported name.
#[derive(Debug, PartialEq)]
pub struct Family {
    /// The whole name, with its prefix and its unit.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Its labels, in the order in which their values are given.
    pub labels: &'static [&'static str],
    /// One sentence for people.
    pub help: &'static str,
}

/// Buckets of a call's duration: a cached answer to a long chain of thought.
const CALL_SECONDS: &[f64] = &[0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0];

/// Buckets of a wait that a provider asks for.
const WAIT_SECONDS: &[f64] = &[1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0];

macro_rules! families {
    ($($(#[$doc:meta])* $id:ident: $kind:expr, $name:literal [$($label:ident),*] $help:literal;)+) => {
        $($(#[$doc])* pub static $id: Family = Family {
            name: $name,
            kind: $kind,
            labels: &[$(stringify!($label)),*],
            help: $help,
        };)+

        /// Every family, in the order of the page.
        pub static FAMILIES: &[&Family] = &[$(&$id),+];
    };
}

use Kind::{Counter, Gauge, Histogram};

families! {
    /// Calls.
    REQUESTS: Counter, "llm_triage_requests_total" [provider, outcome]
        "LLM calls by how they ended.";
    /// Failed calls.
    ERRORS: Counter, "llm_triage_errors_total" [provider, status, category, owner, retry]
        "Failed LLM calls by effective status, kind, who can settle them, and whether a retry helps.";
    /// Failed calls by row.
    ROW_ERRORS: Counter, "llm_triage_row_errors_total" [row, provider]
        "Failed calls by the row of the escalation table they match; only events of the last two minutes.";
    /// Age of the storm.
    ROW_STORM: Gauge, "llm_triage_row_storm_seconds" [row, provider]
        "Age of the storm that is open now for a row and a provider; 0 when there is none.";
    /// Attempts.
    ATTEMPTS: Counter, "llm_triage_attempts_total" [provider, outcome]
        "Single tries inside calls, where the log shows them.";
    /// Failed attempts.
    ATTEMPT_ERRORS: Counter, "llm_triage_attempt_errors_total" [provider, status, category]
        "Failed tries inside calls.";
    /// Matches per pattern.
    PATTERN_MATCHES: Counter, "llm_triage_pattern_matches_total" [provider, pattern]
        "Failed calls by the pattern that knew them.";
    /// Calls per model.
    MODEL_REQUESTS: Counter, "llm_triage_model_requests_total" [provider, model, outcome]
        "LLM calls by model; a model gets its own series with its first success.";
    /// Failed calls per model.
    MODEL_ERRORS: Counter, "llm_triage_model_errors_total" [provider, model, category]
        "Failed LLM calls by model and kind.";
    /// Calls per service.
    SERVICE_REQUESTS: Counter, "llm_triage_service_requests_total" [service, provider, outcome]
        "LLM calls by the service that made them.";
    /// Failed calls per service.
    SERVICE_ERRORS: Counter, "llm_triage_service_errors_total" [service, provider, category]
        "Failed LLM calls by the service that made them, and kind.";
    /// Failed calls in a window.
    WINDOW_ERRORS: Gauge, "llm_triage_window_errors" [provider, status, window]
        "Failed calls in the sliding window of this process; sum the counters instead of this.";
    /// Calls in a window.
    WINDOW_REQUESTS: Gauge, "llm_triage_window_requests" [provider, window]
        "Calls in the sliding window of this process.";
    /// Share of failed calls in a window.
    WINDOW_ERROR_RATIO: Gauge, "llm_triage_window_error_ratio" [provider, window]
        "Failed calls over calls in the sliding window; absent where successes are not seen.";
    /// How long calls take.
    REQUEST_DURATION: Histogram(CALL_SECONDS), "llm_triage_request_duration_seconds" [provider, outcome]
        "How long calls took, where the log tells.";
    /// Waits the providers name.
    RETRY_AFTER: Histogram(WAIT_SECONDS), "llm_triage_retry_after_seconds" [provider]
        "Waits of up to one hour that the provider named in an error.";
    /// Alerts.
    ALERT_STATE: Gauge, "llm_triage_alert_state" [row, provider, severity, state]
        "1 for the state an alert is in; with a service too, where alerts are kept per service.";
    /// Changes of alerts.
    ALERT_TRANSITIONS: Counter, "llm_triage_alert_transitions_total" [row, provider, to]
        "Changes of an alert's state.";
    /// Messages to receivers.
    NOTIFICATIONS: Counter, "llm_triage_notifications_total" [receiver, result]
        "Messages to receivers: sent, failed (and tried again), rejected by the receiver, or dropped here.";
    /// Alerts that wait for a receiver.
    NOTIFICATION_QUEUE: Gauge, "llm_triage_notification_queue_length" [receiver]
        "Alerts whose news has not reached the receiver yet.";
    /// Errors no pattern knows.
    UNKNOWN_ERRORS: Counter, "llm_triage_unknown_errors_total" [provider]
        "Failed calls that no pattern knows.";
    /// Groups of them.
    UNKNOWN_GROUPS: Gauge, "llm_triage_unknown_groups" [provider]
        "Groups of like errors that no pattern knows.";
    /// Errors that are perhaps not about an LLM.
    UNRECOGNISED_ERRORS: Counter, "llm_triage_unrecognised_errors_total" [source]
        "Records of level error or above in which no LLM call was recognised.";
    /// Records.
    RECORDS: Counter, "llm_triage_records_total" [source, outcome]
        "Records read, by what they say of an LLM call.";
    /// Bytes in.
    SOURCE_BYTES: Counter, "llm_triage_source_bytes_total" [source]
        "Bytes that came in.";
    /// Lines in.
    SOURCE_LINES: Counter, "llm_triage_source_lines_total" [source]
        "Lines that came in, blank and discarded ones included.";
    /// Events made of them.
    SOURCE_EVENTS: Counter, "llm_triage_source_events_total" [source]
        "Log entries made of the lines.";
    /// Bytes lost.
    LOST_BYTES: Counter, "llm_triage_source_lost_bytes_total" [source, reason]
        "Bytes that could not be read or kept.";
    /// Lines of which a part was kept.
    PARTIAL_LINES: Counter, "llm_triage_source_partial_lines_total" [source, reason]
        "Lines of which only a part was kept or came: too long ones, and ones whose end did not come.";
    /// Bytes seen.
    SOURCE_SEEN: Counter, "llm_triage_source_seen_bytes_total" [source]
        "Bytes that were seen to be there: read, skipped, lost or not read yet.";
    /// Bytes skipped.
    SOURCE_SKIPPED: Counter, "llm_triage_source_skipped_bytes_total" [source]
        "Bytes that were passed over on purpose: before start_at, or copies of what was read.";
    /// Bytes of peers.
    SOURCE_BUFFERED: Gauge, "llm_triage_source_buffered_bytes" [source]
        "Bytes of TCP peers that are on the way or kept as unfinished lines; limits.tcp_buffer bounds their sum.";
    /// Waits of peers.
    SOURCE_THROTTLED: Counter, "llm_triage_source_throttled_total" [source]
        "Times a TCP peer had to wait for room in limits.tcp_buffer.";
    /// Lost wake-ups.
    WATCH_OVERFLOWS: Counter, "llm_triage_watch_overflows_total" []
        "Times the kernel lost wake-ups about files; everything was looked at then.";
    /// Verdicts that were not written.
    VERDICTS_LOST: Counter, "llm_triage_verdicts_lost_total" []
        "Verdicts that could not be written to --output.";
    /// Lines discarded.
    LINES_DISCARDED: Counter, "llm_triage_lines_discarded_total" [source, reason]
        "Lines that could not be turned into records.";
    /// Unread bytes.
    SOURCE_LAG: Gauge, "llm_triage_source_lag_bytes" [source]
        "Bytes that are there and not read yet.";
    /// How old the latest event was.
    SOURCE_EVENT_LAG: Gauge, "llm_triage_source_event_lag_seconds" [source]
        "How far the latest event's own time was behind its arrival.";
    /// Files.
    SOURCE_FILES: Gauge, "llm_triage_source_files" [source]
        "Files that are followed.";
    /// Directories.
    SOURCE_POLLED: Gauge, "llm_triage_source_polled_directories" [source]
        "Directories that the kernel does not watch; their files are looked at once a second or less.";
    /// Latest read.
    SOURCE_LAST_READ: Gauge, "llm_triage_source_last_read_timestamp_seconds" [source]
        "When bytes of the source were last handled.";
    /// Old events.
    LATE_EVENTS: Counter, "llm_triage_late_events_total" []
        "Events too old for the longest window; they are in the counters only.";
    /// Odd clocks.
    CLOCK_SKEW: Counter, "llm_triage_clock_skew_total" []
        "Time stamps that could not be trusted.";
    /// Redactions.
    REDACTIONS: Counter, "llm_triage_redactions_total" []
        "Secrets and prompts taken out before anything was kept or shown.";
    /// Increments without a series of their own.
    SERIES_OVERFLOW: Counter, "llm_triage_series_overflow_total" []
        "Increments counted under the label value overflow, because their family is full.";
    /// Age of the checkpoint.
    CHECKPOINT_AGE: Gauge, "llm_triage_checkpoint_age_seconds" []
        "Time since the last checkpoint was written.";
    /// Failed checkpoints.
    CHECKPOINT_FAILURES: Counter, "llm_triage_checkpoint_failures_total" []
        "Checkpoints that could not be written.";
    /// Patterns.
    PATTERNS_LOADED: Gauge, "llm_triage_patterns_loaded" []
        "Patterns in force.";
    /// Rows.
    ROWS_LOADED: Gauge, "llm_triage_rows_loaded" []
        "Rows of the escalation table in force.";
    /// Whether the last reload worked.
    RELOAD_SUCCESSFUL: Gauge, "llm_triage_config_last_reload_successful" []
        "1 when the last reload of the configuration worked, else 0.";
    /// When a reload last worked.
    RELOAD_TIME: Gauge, "llm_triage_config_last_reload_success_timestamp_seconds" []
        "When a configuration was last put into force.";
    /// The build.
    BUILD_INFO: Gauge, "llm_triage_build_info" [version]
        "Always 1; the label tells the version.";
    /// Processor time.
    PROCESS_CPU: Counter, "process_cpu_seconds_total" []
        "Total user and system CPU time spent in seconds.";
    /// Open files.
    PROCESS_OPEN_FDS: Gauge, "process_open_fds" []
        "Number of open file descriptors.";
    /// The most open files there can be.
    PROCESS_MAX_FDS: Gauge, "process_max_fds" []
        "Maximum number of open file descriptors.";
    /// Resident memory.
    PROCESS_RESIDENT_MEMORY: Gauge, "process_resident_memory_bytes" []
        "Resident memory size in bytes.";
    /// Virtual memory.
    PROCESS_VIRTUAL_MEMORY: Gauge, "process_virtual_memory_bytes" []
        "Virtual memory size in bytes.";
    /// Start of the process.
    PROCESS_START_TIME: Gauge, "process_start_time_seconds" []
        "Start time of the process since the epoch in seconds.";
}
