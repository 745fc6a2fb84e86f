//! Storms on the page: the open ones, and those that ended less than one `keep_firing` of their row ago.

use super::names::Names;
use crate::pipeline::Snapshot;
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// The lengths of storms in seconds and their failures, by row and provider; 0 after their end.
pub(super) type Storms = BTreeMap<(String, String), (f64, u64)>;

/// The storms that were open lately, with the time at which each of them was last open.
#[derive(Debug, Default)]
pub(super) struct RecentStorms(BTreeMap<(String, String), Timestamp>);

impl RecentStorms {
    /// Takes over the storms of a snapshot. Returns what the page shows.
    pub(super) fn update(&mut self, snapshot: &Snapshot, names: &Names) -> Storms {
        let mut shown = Storms::new();
        for (row, provider, length, failures) in &snapshot.storms {
            let key = (names.row(*row).to_owned(), names.provider(*provider).to_owned());
            self.0.insert(key.clone(), snapshot.at);
            shown.insert(key, (*length, *failures));
        }
        self.0.retain(|(row, _), open_at| snapshot.at.since(*open_at) <= names.keep_firing(row));
        for key in self.0.keys() {
            shown.entry(key.clone()).or_insert((0.0, 0));
        }
        shown
    }
}
