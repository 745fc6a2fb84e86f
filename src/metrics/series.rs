//! The series of one metric family: a handle per series that was used before, and a cap on new ones.
//!
//! Label values come from logs, so each family has room for a fixed number of series. What exceeds it is counted under the
//! label value [`OVERFLOW`](super::labels::OVERFLOW); nothing is dropped.

use super::labels::{Key, Spelling};
use super::names::Names;
use crate::taxonomy::Provider;
use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec};
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};
use std::hash::BuildHasher;

/// The maximum number of reserved series: those of known providers × usual statuses and the like, which never compete with
/// label values from logs. Their number is bounded by the configuration already; this limit is a second barrier.
const RESERVED_SERIES: usize = 10_000;

/// The series of a counter.
#[derive(Debug)]
pub(super) struct Series<K> {
    counter: IntCounterVec,
    handles: FxHashMap<K, IntCounter>,
    /// Hashes of the label values of all series so far.
    created: FxHashSet<u64>,
    reserved: usize,
    cap: usize,
}

impl<K: Key> Series<K> {
    pub(super) fn new(counter: &IntCounterVec, cap: usize) -> Self {
        Self { counter: counter.clone(), handles: FxHashMap::default(), created: FxHashSet::default(), reserved: 0, cap }
    }

    /// Adds `n` to the series of `key`. Returns how much of it went to an overflow series.
    pub(super) fn add(&mut self, key: K, n: u64, names: &Names) -> u64 {
        if let Some(handle) = self.handles.get(&key) {
            handle.inc_by(n);
            return 0;
        }
        let labels = key.labels(names, Spelling::Own);
        if !self.has_room(key.is_reserved(names), &labels) {
            return self.add_folded(key, n, names);
        }
        let handle = self.counter.with_label_values(&labels);
        handle.inc_by(n);
        self.handles.insert(key, handle);
        0
    }

    /// Adds `n` to the overflow series that is nearest to `key`; returns `n`.
    pub(super) fn add_folded(&self, key: K, n: u64, names: &Names) -> u64 {
        self.counter.with_label_values(&key.labels(names, Spelling::Folded)).inc_by(n);
        n
    }

    /// Whether this key has a series of its own.
    pub(super) fn contains(&self, key: &K) -> bool {
        self.handles.contains_key(key)
    }

    /// Changes the cap. Existing series stay, so that no counter decreases.
    pub(super) fn set_cap(&mut self, cap: usize) {
        self.cap = cap;
    }

    /// Follows a reload: the ids in keys may have new names. Counters keep their values.
    pub(super) fn rename(&mut self, names: &Names) {
        self.forget_handles();
        self.init(K::initial(names), names);
    }

    /// Forgets which key belongs to which series. The series stay.
    pub(super) fn forget_handles(&mut self) {
        self.handles.clear();
    }

    /// Creates the series at 0 that every provider has.
    pub(super) fn meet(&mut self, provider: Provider, names: &Names) {
        self.init(K::initial_of(provider), names);
    }

    /// Creates series at 0: `increase()` does not see the first increment of a counter that begins at 1.
    fn init(&mut self, keys: impl IntoIterator<Item = K>, names: &Names) {
        for key in keys {
            self.add(key, 0, names);
        }
    }

    fn has_room(&mut self, is_reserved: bool, labels: &[String]) -> bool {
        let identity = FxBuildHasher.hash_one(labels);
        if self.created.contains(&identity) {
            return true;
        }
        let has_room =
            if is_reserved { self.reserved < RESERVED_SERIES } else { self.created.len() - self.reserved < self.cap };
        if has_room {
            self.created.insert(identity);
            self.reserved += usize::from(is_reserved);
        }
        has_room
    }
}

/// The series of a histogram. Its labels are closed sets, so there is no cap.
#[derive(Debug)]
pub(super) struct HistogramSeries<K> {
    histogram: HistogramVec,
    handles: FxHashMap<K, Histogram>,
}

impl<K: Key> HistogramSeries<K> {
    pub(super) fn new(histogram: &HistogramVec) -> Self {
        Self { histogram: histogram.clone(), handles: FxHashMap::default() }
    }

    /// Counts one value. A negative or infinite value is an error of the program that wrote the log; it is ignored, as it
    /// would spoil the sum.
    pub(super) fn observe(&mut self, key: K, seconds: f64, names: &Names) {
        if !seconds.is_finite() || seconds < 0.0 {
            return;
        }
        let create = || self.histogram.with_label_values(&key.labels(names, Spelling::Own));
        self.handles.entry(key).or_insert_with(create).observe(seconds);
    }
}
