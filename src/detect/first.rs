//! Errors that were never seen before.

use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};

/// Before this, everything is new, in seconds and calls.
const APPRENTICE_SECONDS: i64 = 3_600;
const APPRENTICE_CALLS: u64 = 100;
/// When so many are known, whatever is new may have been forgotten: nothing is claimed any more.
const MOST: usize = 4_096;

/// Which errors are known, and for how long we have looked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    born: Option<i64>,
    calls: u64,
    #[serde(with = "sorted")]
    errors: FxHashSet<u64>,
}

impl Known {
    pub(super) fn call(&mut self, at: i64) {
        self.calls += 1;
        self.born = Some(self.born.map_or(at, |it| it.min(at)));
    }

    /// Whether this error is a new one to somebody who has seen enough to say so; then, for how long and over how many
    /// calls it was not seen.
    pub(super) fn error(&mut self, id: u64, at: i64) -> Option<(i64, u64)> {
        if self.errors.contains(&id) || self.errors.len() >= MOST {
            return None;
        }
        self.errors.insert(id);
        let looked = at - self.born?;
        (looked >= APPRENTICE_SECONDS && self.calls >= APPRENTICE_CALLS).then_some((looked, self.calls))
    }
}

/// A set on disk: in order, so that equal sets are equal files.
mod sorted {
    use rustc_hash::FxHashSet;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(set: &FxHashSet<u64>, to: S) -> Result<S::Ok, S::Error> {
        let mut all: Vec<_> = set.iter().collect();
        all.sort_unstable();
        to.collect_seq(all)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<FxHashSet<u64>, D::Error> {
        Ok(Vec::<u64>::deserialize(from)?.into_iter().take(super::MOST).collect())
    }
}
