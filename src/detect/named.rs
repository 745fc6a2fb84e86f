//! What is remembered by name, for a fixed number of names.

use crate::observation::Name;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Values by name. A new name takes the place of the stalest one, if nothing was heard of that for ten minutes; so a
/// client that never names a thing twice pushes out nothing that is in use.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Named<T>(FxHashMap<Name, (i64, T)>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(FxHashMap::default())
    }
}

impl<T: Default> Named<T> {
    const LIMIT: usize = 64;
    const STALE: i64 = 600;

    /// The value of a name that is heard of now, made when it is new and there is room.
    pub(super) fn touch(&mut self, name: Name, at: i64) -> Option<&mut T> {
        if name.is_empty() {
            return None;
        }
        if self.0.len() >= Self::LIMIT && !self.0.contains_key(&name) {
            let stalest = self.0.iter().map(|(name, (last, _))| (*last, *name)).min();
            let (_, stalest) = stalest.filter(|(last, _)| at - last > Self::STALE)?;
            self.0.remove(&stalest);
        }
        let (last, value) = self.0.entry(name).or_default();
        *last = at.max(*last);
        Some(value)
    }

    pub(super) fn get(&self, name: &str) -> Option<&T> {
        self.0.get(&Name::new(name)).map(|(_, it)| it)
    }

    /// All of them, in the order of their names.
    pub(super) fn sorted(&self) -> Vec<(&Name, &T)> {
        let mut all: Vec<_> = self.0.iter().map(|(name, (_, it))| (name, it)).collect();
        all.sort_unstable_by_key(|(name, _)| **name);
        all
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&Name, &mut T)> {
        self.0.iter_mut().map(|(name, (_, it))| (name, it))
    }
}

impl<T: Serialize + Default> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut all: Vec<_> = self.0.iter().map(|(name, (last, it))| (name.as_str(), last, it)).collect();
        all.sort_unstable_by_key(|(name, ..)| *name);
        to.collect_seq(all)
    }
}

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let all = Vec::<(String, i64, T)>::deserialize(from)?;
        let all = all.into_iter().take(Self::LIMIT).map(|(name, last, it)| (Name::new(&name), (last, it)));
        Ok(Self(all.collect()))
    }
}
