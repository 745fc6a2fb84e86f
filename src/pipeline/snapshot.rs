//! A picture of the present for the edge: plain values, no references into the pipeline.

use crate::alert::{Alert, RowId};
use crate::detect::{Finding, UnknownView};
use crate::framing::{self, LossReason};
use crate::taxonomy::Provider;
use crate::time::Timestamp;
use crate::window::WindowView;
use std::collections::BTreeMap;

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
    /// What came of its bytes and lines since the process began.
    pub stats: SourceStats,
}

/// The books of one source, since the process began. Lines balance: lines = lines in events + blank + discarded + open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceStats {
    /// Bytes that were read, those that were read again after a restart among them.
    pub bytes: u64,
    /// Lines that were read.
    pub lines: u64,
    /// Lines in events.
    pub event_lines: u64,
    /// Lines with nothing on them.
    pub blank_lines: u64,
    /// Lines that are no text.
    pub discarded_lines: u64,
    /// Lines of which more may come: they are in no event yet.
    pub open_lines: u64,
    /// Events.
    pub events: u64,
    /// Bytes that were seen and will never be read.
    pub lost_bytes: BTreeMap<LossReason, u64>,
    /// Lines of which a part was kept.
    pub partial_lines: u64,
}

impl SourceStats {
    pub(super) fn add(&mut self, books: &framing::FramingStats) {
        self.bytes += books.bytes;
        self.lines += books.lines;
        self.event_lines += books.event_lines;
        self.blank_lines += books.blank_lines;
        self.discarded_lines += books.binary_lines;
        self.events += books.events;
        self.partial_lines += books.long_lines + books.incomplete_lines;
    }
}
