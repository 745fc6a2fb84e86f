//! Who can fix the causes of the latest failures.

use crate::taxonomy::Owner;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// The owners of the latest failures, the latest last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct LatestOwners(VecDeque<Owner>);

impl LatestOwners {
    const MAX: usize = 32;

    pub(super) fn add(&mut self, owner: Owner) {
        if self.0.len() >= Self::MAX {
            self.0.pop_front();
        }
        self.0.push_back(owner);
    }

    /// The owner of most of them; of equally many, the one of the latest failure.
    pub(super) fn owner(&self) -> Owner {
        let count = |owner: &Owner| self.0.iter().filter(|other| *other == owner).count();
        self.0.iter().max_by_key(|owner| count(owner)).copied().unwrap_or(Owner::Unknown)
    }
}
