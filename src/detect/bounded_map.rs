//! A map from names to values with a maximum size.

use crate::observation::Name;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Values by name.
///
/// When the map is full, a new name replaces the name that was used longest ago, if that was more than ten minutes ago. So
/// a client that never uses a name twice cannot push out names that are in use.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct BoundedMap<T>(FxHashMap<Name, (i64, T)>);

impl<T> Default for BoundedMap<T> {
    fn default() -> Self {
        Self(FxHashMap::default())
    }
}

impl<T: Default> BoundedMap<T> {
    const LIMIT: usize = 64;
    const STALE_SECONDS: i64 = 600;

    /// The value of a name that is used now; created if it is new. `None`: the name is empty, or there is no room.
    pub(super) fn touch(&mut self, name: Name, at: i64) -> Option<&mut T> {
        if name.is_empty() {
            return None;
        }
        if self.0.len() >= Self::LIMIT && !self.0.contains_key(&name) {
            let stalest = self.0.iter().map(|(name, (last, _))| (*last, *name)).min();
            let (_, stalest) = stalest.filter(|(last, _)| at - last > Self::STALE_SECONDS)?;
            self.0.remove(&stalest);
        }
        let (last, value) = self.0.entry(name).or_default();
        *last = at.max(*last);
        Some(value)
    }

    pub(super) fn get(&self, name: &str) -> Option<&T> {
        self.0.get(&Name::new(name)).map(|(_, value)| value)
    }

    /// In the order of the names.
    pub(super) fn sorted(&self) -> Vec<(&Name, &T)> {
        let mut all: Vec<_> = self.0.iter().map(|(name, (_, value))| (name, value)).collect();
        all.sort_unstable_by_key(|(name, _)| **name);
        all
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&Name, &mut T)> {
        self.0.iter_mut().map(|(name, (_, value))| (name, value))
    }
}

impl<T: Serialize + Default> Serialize for BoundedMap<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut all: Vec<_> = self.0.iter().map(|(name, (last, value))| (name.as_str(), last, value)).collect();
        all.sort_unstable_by_key(|(name, ..)| *name);
        to.collect_seq(all)
    }
}

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for BoundedMap<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let all = Vec::<(String, i64, T)>::deserialize(from)?;
        let all = all.into_iter().take(Self::LIMIT).map(|(name, last, value)| (Name::new(&name), (last, value)));
        Ok(Self(all.collect()))
    }
}
