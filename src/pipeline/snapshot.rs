//! A snapshot of the pipeline for pages and metrics: plain values, no references into the pipeline.

use crate::alert::{Alert, RowId};
use crate::detect::{Finding, UnknownView, UnreadView};
use crate::framing::{FramingStats, LossReason};
use crate::taxonomy::Provider;
use crate::time::Timestamp;
use crate::window::{TrendView, WindowView};
use std::collections::BTreeMap;

/// What the pipeline holds at one instant.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// When it was taken, by the pipeline's clock.
    pub at: Timestamp,
    /// One entry per provider, status and window that is not empty, and one per provider and window (with the outer option of
    /// `status` `None`) for all calls of that provider.
    pub windows: Vec<WindowView>,
    /// The failed calls of each provider by minute, over the last hour.
    pub trends: Vec<TrendView>,
    /// Alerts that are pending, firing, or were resolved in the last 15 minutes.
    pub alerts: Vec<Alert>,
    /// What only many calls together show, the latest finding first.
    pub findings: Vec<Finding>,
    /// Open storms: row, provider, length in seconds, number of failures.
    pub storms: Vec<(RowId, Provider, f64, u64)>,
    /// Event time of the latest failed call of each row and provider that had one.
    pub last_failures: Vec<(RowId, Provider, Timestamp)>,
    /// Groups of errors that match no pattern, the most frequent first.
    pub unknown: Vec<UnknownView>,
    /// Records that speak of an LLM call or of trouble and were not understood, since the process started.
    pub unread_records: u64,
    /// One example of each kind of them, the most frequent first.
    pub unread: Vec<UnreadView>,
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
    /// How old its latest record was when it arrived, in seconds.
    pub event_lag_s: f64,
    /// Whether any of its records arrived in time so far.
    pub was_current: bool,
    /// Its bytes and lines since the process started.
    pub stats: SourceStats,
}

/// Accounting of one source since the process started. Lines balance: lines = lines in events + blank + discarded + open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceStats {
    /// Bytes read, including those read again after a restart.
    pub bytes: u64,
    /// Lines read.
    pub lines: u64,
    /// Lines that are part of an event.
    pub event_lines: u64,
    /// Empty lines.
    pub blank_lines: u64,
    /// Lines that are not text.
    pub discarded_lines: u64,
    /// Lines of events that are not complete yet.
    pub open_lines: u64,
    /// Events.
    pub events: u64,
    /// Bytes that were seen and will never be read.
    pub lost_bytes: BTreeMap<LossReason, u64>,
    /// Lines of which only a part was kept.
    pub partial_lines: u64,
}

impl SourceStats {
    pub(super) fn add(&mut self, stats: &FramingStats) {
        self.bytes += stats.bytes;
        self.lines += stats.lines;
        self.event_lines += stats.event_lines;
        self.blank_lines += stats.blank_lines;
        self.discarded_lines += stats.binary_lines;
        self.events += stats.events;
        self.partial_lines += stats.long_lines + stats.incomplete_lines;
    }
}
