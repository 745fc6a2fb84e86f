//! A picture of the present for the edge: plain values, no references into the pipeline.

use crate::alert::{Alert, RowId};
use crate::detect::{Finding, UnknownView};
use crate::taxonomy::Provider;
use crate::time::Timestamp;
use crate::window::WindowView;

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
    /// What many calls together have shown, the latest first.
    pub findings: Vec<Finding>,
    /// Open storms: row, provider, age in seconds.
    pub storms: Vec<(RowId, Provider, f64)>,
    /// Errors that no pattern knows, most frequent first.
    pub unknown: Vec<UnknownView>,
    /// One entry per source.
    pub sources: Vec<SourceView>,
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
    /// Whether an event of it has come in time.
    pub was_current: bool,
}
