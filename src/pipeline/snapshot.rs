//! A picture of the present for the edge: plain values, no references into the pipeline.

use crate::alert::{Alert, RowId};
use crate::taxonomy::{Provider, StatusLabel};
use crate::time::Timestamp;

/// What the pipeline holds at one instant.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// When it was taken, by the pipeline's clock.
    pub at: Timestamp,
    /// One entry per provider, status and window with anything in it, and one per provider and window (`status` `None`
    /// in the outer option) for all calls of that provider.
    pub windows: Vec<WindowView>,
    /// Alerts that are pending, firing, or were resolved in the last 15 minutes.
    pub alerts: Vec<Alert>,
    /// Open storms: row, provider, age in seconds.
    pub storms: Vec<(RowId, Provider, f64)>,
    /// Errors that no pattern knows, most frequent first.
    pub unknown: Vec<UnknownView>,
    /// One entry per source.
    pub sources: Vec<SourceView>,
}

/// One sliding window.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowView {
    /// Whose calls.
    pub provider: Provider,
    /// Failed calls with this effective status; `None`: all calls of the provider.
    pub status: Option<StatusLabel>,
    /// `1m`, `5m`, `15m` or `1h`.
    pub window: &'static str,
    /// Failed calls in the window.
    pub errors: u64,
    /// All calls in the window (only of the entries without a status).
    pub calls: u64,
    /// Failed calls over calls; absent where successes are not seen, or without calls.
    pub ratio: Option<f64>,
}

/// One group of like errors that no pattern knows.
#[derive(Clone, Debug, PartialEq)]
pub struct UnknownView {
    /// Whose service.
    pub provider: Provider,
    /// The message with its variable parts masked.
    pub template: String,
    /// How many there were.
    pub count: u64,
    /// When the first came.
    pub first: Timestamp,
    /// When the latest came.
    pub last: Timestamp,
    /// One of them, redacted.
    pub example: String,
}

/// One source, as the pipeline sees it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SourceView {
    /// The configured name.
    pub name: String,
    /// When a chunk of it was last handled.
    pub last_read: Option<Timestamp>,
    /// Event time of its latest record.
    pub last_event: Option<Timestamp>,
    /// How far its latest event was behind its arrival, in seconds.
    pub event_lag_s: f64,
}
