//! Errors that were never seen before.

use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};

/// Until this many seconds have passed …
const LEARNING_SECONDS: i64 = 3_600;
/// … and this many calls were seen, every error is new and none is reported.
const LEARNING_CALLS: u64 = 100;
/// With this many known errors, new ones are neither remembered nor reported.
const LIMIT: usize = 4_096;

/// The errors seen so far, and over how many calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SeenErrors {
    /// The second of the first call.
    #[serde(rename = "born")]
    first_call: Option<i64>,
    calls: u64,
    #[serde(with = "sorted")]
    errors: FxHashSet<u64>,
}

/// For how long an error was not seen.
pub(super) struct NeverSeen {
    pub(super) seconds: i64,
    pub(super) calls: u64,
}

impl SeenErrors {
    pub(super) fn call(&mut self, at: i64) {
        self.calls += 1;
        self.first_call = Some(self.first_call.map_or(at, |first| first.min(at)));
    }

    /// Remembers the error. Returns something if it is new and enough calls were seen to say so.
    pub(super) fn error(&mut self, id: u64, at: i64) -> Option<NeverSeen> {
        if self.errors.contains(&id) || self.errors.len() >= LIMIT {
            return None;
        }
        self.errors.insert(id);
        let seconds = at - self.first_call?;
        let has_learnt = seconds >= LEARNING_SECONDS && self.calls >= LEARNING_CALLS;
        has_learnt.then_some(NeverSeen { seconds, calls: self.calls })
    }
}

/// Saves a set in sorted order, so that equal sets give equal files.
mod sorted {
    use rustc_hash::FxHashSet;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(set: &FxHashSet<u64>, to: S) -> Result<S::Ok, S::Error> {
        let mut all: Vec<_> = set.iter().collect();
        all.sort_unstable();
        to.collect_seq(all)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<FxHashSet<u64>, D::Error> {
        Ok(Vec::<u64>::deserialize(from)?.into_iter().take(super::LIMIT).collect())
    }
}
