//! When the latest failed call of each row and provider happened, so that rules over many nodes can see that trouble is over.

use crate::alert::{RowId, Table};
use crate::taxonomy::{Provider, Providers};
use crate::time::Timestamp;
use rustc_hash::FxHashMap;

/// The event time of the latest failure. Rows × providers bound the number of entries.
#[derive(Debug, Default)]
pub(super) struct LastFailures(FxHashMap<(RowId, Provider), Timestamp>);

impl LastFailures {
    pub(super) fn note(&mut self, row: RowId, provider: Provider, at: Timestamp) {
        let last = self.0.entry((row, provider)).or_insert(at);
        *last = at.max(*last);
    }

    /// All entries, sorted.
    pub(super) fn all(&self) -> Vec<(RowId, Provider, Timestamp)> {
        let mut all: Vec<_> = self.0.iter().map(|((row, provider), at)| (*row, *provider, *at)).collect();
        all.sort_unstable();
        all
    }

    /// The entries by name, for a checkpoint.
    pub(super) fn state(&self, table: &Table, providers: &Providers) -> Vec<(String, String, Timestamp)> {
        let named = |(row, provider, at): (RowId, Provider, Timestamp)| {
            Some((table.row(row)?.id.clone(), providers.id(provider).to_owned(), at))
        };
        self.all().into_iter().filter_map(named).collect()
    }

    /// The entries of the rows and providers that still exist.
    pub(super) fn restore(saved: Vec<(String, String, Timestamp)>, table: &Table, providers: &Providers) -> Self {
        let mut this = Self::default();
        for (row, provider, at) in saved {
            if let (Some(row), Some(provider)) = (table.by_name(&row), providers.by_saved_id(&provider)) {
                this.note(row, provider, at);
            }
        }
        this
    }
}
