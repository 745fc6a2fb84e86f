//! Ids of calls and attempts that were counted within the last ten minutes, across all streams.

use crate::taxonomy::{Grain, Outcome};
use crate::time::Timestamp;
use rustc_hash::{FxHashMap, FxHasher};
use std::collections::VecDeque;
use std::hash::{Hash, Hasher};
use std::time::Duration;

/// Two records with the same id and grain within this span are one.
const SPAN: Duration = Duration::from_mins(10);
/// The most ids; the oldest go first.
const MAX_IDS: usize = 65_536;

/// Recently counted ids, as hashes.
#[derive(Debug, Default)]
pub struct Duplicates {
    seen: FxHashMap<u64, Timestamp>,
    order: VecDeque<(Timestamp, u64)>,
}

impl Duplicates {
    /// Whether a record with this id, outcome and grain was counted within [`SPAN`]; if not, it counts from now on.
    pub(super) fn is_repeat(&mut self, id: &str, outcome: Outcome, grain: Grain, at: Timestamp) -> bool {
        let mut hasher = FxHasher::default();
        (id, outcome, grain).hash(&mut hasher);
        let key = hasher.finish();
        self.forget_before(at);
        let repeat = self.seen.get(&key).is_some_and(|then| at.since(*then) <= SPAN && then.since(at) <= SPAN);
        if !repeat {
            self.seen.insert(key, at);
            self.order.push_back((at, key));
        }
        repeat
    }

    fn forget_before(&mut self, at: Timestamp) {
        while let Some((then, old)) = self.order.front().copied() {
            if at.since(then) <= SPAN && self.order.len() < MAX_IDS {
                break;
            }
            self.order.pop_front();
            if self.seen.get(&old) == Some(&then) {
                self.seen.remove(&old);
            }
        }
    }

    /// What must survive a restart: hash, and microseconds since the epoch.
    #[must_use]
    pub fn state(&self) -> Vec<(u64, i64)> {
        self.order.iter().map(|(at, key)| (*key, at.as_micros())).collect()
    }

    /// Adds the ids of a [`Self::state`].
    pub fn restore(&mut self, state: &[(u64, i64)]) {
        for (key, micros) in state.iter().take(MAX_IDS) {
            let at = Timestamp::from_micros(*micros);
            self.seen.insert(*key, at);
            self.order.push_back((at, *key));
        }
    }
}
