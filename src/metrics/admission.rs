//! Which models and services get series of their own: the first ones of each group, up to a limit.

use crate::observation::Name;
use rustc_hash::{FxHashMap, FxHashSet};
use std::hash::Hash;

/// The names that have series of their own, in groups of at most `cap`.
#[derive(Debug)]
pub(super) struct Admission<G> {
    admitted: FxHashSet<(G, Name)>,
    sizes: FxHashMap<G, usize>,
    cap: usize,
}

impl<G: Copy + Eq + Hash> Admission<G> {
    pub(super) fn new(cap: usize) -> Self {
        Self { admitted: FxHashSet::default(), sizes: FxHashMap::default(), cap }
    }

    /// Admits the name if its group has room. Returns whether the name is admitted.
    pub(super) fn admit(&mut self, group: G, name: Name) -> bool {
        if self.contains(group, name) {
            return true;
        }
        let size = self.sizes.entry(group).or_default();
        if *size == self.cap {
            return false;
        }
        *size += 1;
        self.admitted.insert((group, name))
    }

    /// Whether the name is admitted. The empty name always is: it is a single value.
    pub(super) fn contains(&self, group: G, name: Name) -> bool {
        name.is_empty() || self.admitted.contains(&(group, name))
    }
}
