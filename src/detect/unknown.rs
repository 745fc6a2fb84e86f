//! Groups of errors that no pattern matches; `llm-triage suggest` writes patterns from them.

use super::template;
use crate::observation::Observation;
use crate::taxonomy::{Provider, Providers};
use crate::time::Timestamp;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

/// One group of similar errors that no pattern matches.
#[derive(Clone, Debug, PartialEq)]
pub struct UnknownView {
    /// The provider that was called.
    pub provider: Provider,
    /// The message with its variable parts masked, as by [`template`].
    pub template: String,
    /// Errors in the group.
    pub count: u64,
    /// The time of the first error.
    pub first: Timestamp,
    /// The time of the latest error.
    pub last: Timestamp,
    /// The message of the first error, redacted.
    pub example: String,
}

/// Failed calls without a pattern, grouped by provider and [`template`].
///
/// Holds at most [`Self::LIMIT`] groups. A new group replaces the smallest one, and of equal ones the oldest. So a client
/// that never writes the same message twice cannot push out errors that repeat.
#[derive(Clone, Debug, Default)]
pub struct UnknownGroups {
    groups: FxHashMap<(Provider, String), Group>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Group {
    count: u64,
    first: Timestamp,
    last: Timestamp,
    example: String,
}

impl UnknownGroups {
    /// The maximum number of groups.
    pub const LIMIT: usize = 200;

    /// Counts a failed call that no pattern matches; other observations are ignored.
    pub fn observe(&mut self, seen: &Observation) {
        let Some(evidence) = seen.evidence.as_ref().filter(|_| seen.is_failed_call() && seen.pattern.is_none()) else {
            return;
        };
        let key = (seen.provider, template(&evidence.message));
        if let Some(group) = self.groups.get_mut(&key) {
            group.count += 1;
            group.first = group.first.min(seen.at);
            group.last = group.last.max(seen.at);
            return;
        }
        self.make_room();
        self.groups.insert(key, Group { count: 1, first: seen.at, last: seen.at, example: evidence.message.clone() });
    }

    /// All groups, most frequent first.
    #[must_use]
    pub fn views(&self) -> Vec<UnknownView> {
        let view = |((provider, template), group): (&(Provider, String), &Group)| UnknownView {
            provider: *provider,
            template: template.clone(),
            count: group.count,
            first: group.first,
            last: group.last,
            example: group.example.clone(),
        };
        let mut views: Vec<_> = self.groups.iter().map(view).collect();
        views.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| (a.provider, &a.template).cmp(&(b.provider, &b.template))));
        views
    }

    /// The state that must survive a restart.
    #[must_use]
    pub fn state(&self, providers: &Providers) -> UnknownState {
        let plain = |((provider, template), group): (&(Provider, String), &Group)| {
            (providers.id(*provider).to_owned(), template.clone(), group.clone())
        };
        let mut groups: Vec<_> = self.groups.iter().map(plain).collect();
        groups.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        UnknownState { groups }
    }

    /// Restores a saved state. Groups of unknown providers are left out.
    #[must_use]
    pub fn restore(state: UnknownState, providers: &Providers) -> Self {
        let known = |(id, template, group): (String, String, Group)| Some(((providers.by_saved_id(&id)?, template), group));
        Self { groups: state.groups.into_iter().filter_map(known).take(Self::LIMIT).collect() }
    }

    fn make_room(&mut self) {
        if self.groups.len() < Self::LIMIT {
            return;
        }
        // Compares keys last, so that the choice does not depend on the order of the hash map.
        let least = self.groups.iter().min_by_key(|(key, group)| (group.count, group.last, *key));
        if let Some(key) = least.map(|(key, _)| key.clone()) {
            self.groups.remove(&key);
        }
    }
}

/// The state of [`UnknownGroups`], with the ids of providers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UnknownState {
    groups: Vec<(String, String, Group)>,
}
