//! Counters that are read from tallies, one after the other.

use super::labels::Key;
use super::names::Names;
use super::series::Series;
use crate::pipeline::Tally;
use crate::taxonomy::Provider;
use prometheus::IntCounterVec;
use rustc_hash::FxHashMap;
use std::fmt;

/// A counter family that is read from tallies.
pub(super) trait Tallied: fmt::Debug + Send {
    /// Adds the counts of a tally. Returns how much of them went to overflow series.
    fn add(&mut self, tally: &Tally, names: &Names) -> u64;

    /// See [`Series::meet`].
    fn meet(&mut self, provider: Provider, names: &Names);

    /// See [`Series::rename`].
    fn rename(&mut self, names: &Names);

    /// See [`Series::set_cap`].
    fn set_cap(&mut self, cap: usize);
}

/// Passes each key and count of a family in a tally to the second argument.
type Read<K> = fn(&Tally, &mut dyn FnMut(K, u64));

/// A counter family and where its counts are in a tally.
pub(super) fn tallied<K: Key>(counter: &IntCounterVec, cap: usize, read: Read<K>) -> Box<dyn Tallied> {
    Box::new(Column { series: Series::new(counter, cap), read })
}

#[derive(Debug)]
struct Column<K> {
    series: Series<K>,
    read: Read<K>,
}

impl<K: Key> Tallied for Column<K> {
    fn add(&mut self, tally: &Tally, names: &Names) -> u64 {
        let Self { series, read } = self;
        let mut overflow = 0;
        read(tally, &mut |key, n| overflow += series.add(key, n, names));
        overflow
    }

    fn meet(&mut self, provider: Provider, names: &Names) {
        self.series.meet(provider, names);
    }

    fn rename(&mut self, names: &Names) {
        self.series.rename(names);
    }

    fn set_cap(&mut self, cap: usize) {
        self.series.set_cap(cap);
    }
}

/// A field of a tally: counts by key, or a single count.
pub(super) trait Counts {
    type Key;

    fn for_each(&self, add: &mut dyn FnMut(Self::Key, u64));
}

impl<K: Copy> Counts for FxHashMap<K, u64> {
    type Key = K;

    fn for_each(&self, add: &mut dyn FnMut(K, u64)) {
        for (key, n) in self {
            add(*key, *n);
        }
    }
}

impl Counts for u64 {
    type Key = ();

    fn for_each(&self, add: &mut dyn FnMut((), u64)) {
        add((), *self);
    }
}
