//! The evidence for an alert: what its failures have in common, and one example. Its size is bounded.

use crate::alert::names::NameTable;
use crate::observation::Observation;
use crate::time::Timestamp;
use arrayvec::ArrayString;
use serde::{Deserialize, Serialize};
use std::fmt::{self, Write as _};

/// The longest label of a status, in bytes: `connection`.
const STATUS_BYTES: usize = 16;

/// What the failures of one rule have in common.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::alert) struct AlertEvidence {
    pub(in crate::alert) models: TopNames,
    pub(in crate::alert) services: TopNames,
    pub(in crate::alert) hosts: TopNames,
    pub(in crate::alert) statuses: TopNames,
    pub(in crate::alert) patterns: TopNames,
    pub(in crate::alert) owners: TopNames,
    /// Which service failed with which pattern.
    pub(in crate::alert) causes: TopNames,
    pub(in crate::alert) request_ids: Vec<String>,
    /// The message of the first failure.
    pub(in crate::alert) example: Option<String>,
    /// The last characters of the latest key.
    pub(in crate::alert) key_hint: Option<String>,
    /// The longest wait that a response asked for: a retry before its end cannot succeed.
    pub(in crate::alert) retry_after_s: Option<f64>,
    pub(in crate::alert) resets_at: Option<Timestamp>,
}

impl AlertEvidence {
    const MAX_REQUEST_IDS: usize = 5;

    /// Takes in one failure.
    pub(in crate::alert) fn add(&mut self, seen: &Observation, names: NameTable<'_>) {
        let (model, service) = (seen.model.as_str(), seen.service.as_str());
        self.models.count([model]);
        self.services.count([service]);
        let mut status = ArrayString::<STATUS_BYTES>::new();
        // A label is shorter than its place.
        let _written = write!(status, "{}", seen.status_label());
        self.statuses.count([&*status]);
        self.owners.count([seen.owner.as_str()]);
        let pattern = seen.pattern.and_then(|id| names.pattern(id)).map_or("", |pattern| &pattern.id);
        self.patterns.count([pattern]);
        self.causes.count([service, " ", pattern]);
        if let Some(wait) = seen.retry_after_s {
            self.retry_after_s = Some(self.retry_after_s.map_or(wait, |longest| longest.max(wait)));
        }
        let Some(evidence) = seen.evidence.as_deref() else { return };
        self.hosts.count([evidence.host.as_deref().unwrap_or_default()]);
        if let Some(id) = &evidence.request_id
            && self.request_ids.len() < Self::MAX_REQUEST_IDS
            && !self.request_ids.contains(id)
        {
            self.request_ids.push(id.clone());
        }
        self.example.get_or_insert_with(|| evidence.message.clone());
        self.key_hint = evidence.key_hint.clone().or(self.key_hint.take());
        self.resets_at = evidence.resets_at.or(self.resets_at);
    }
}

/// How often each of a few names was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::alert) struct TopNames(Vec<(String, u64)>);

impl TopNames {
    /// Further names are counted together as [`Self::REST`].
    const MAX_NAMES: usize = 12;
    const SHOWN: usize = 3;
    const REST: &str = "others";

    /// Counts the name that these parts make together.
    fn count<const N: usize>(&mut self, name: [&str; N]) {
        let length: usize = name.iter().map(|part| part.len()).sum();
        if length == 0 {
            return;
        }
        let is_name = |known: &str| {
            let known = Some(known).filter(|known| known.len() == length);
            name.iter().fold(known, |rest, part| rest?.strip_prefix(part)).is_some()
        };
        if let Some((_, count)) = self.0.iter_mut().find(|(known, _)| is_name(known)) {
            *count += 1;
        } else if self.0.len() < Self::MAX_NAMES {
            self.0.push((name.concat(), 1));
        } else {
            self.count_rest();
        }
    }

    fn count_rest(&mut self) {
        match self.0.iter_mut().find(|(known, _)| known == Self::REST) {
            Some((_, count)) => *count += 1,
            None => self.0.push((Self::REST.to_owned(), 1)),
        }
    }

    /// Most frequent first.
    fn sorted(&self) -> Vec<&(String, u64)> {
        let mut sorted: Vec<_> = self.0.iter().collect();
        sorted.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        sorted
    }

    /// The most frequent name, and its count.
    pub(in crate::alert) fn leader(&self) -> Option<(&str, u64)> {
        self.sorted().first().map(|(name, count)| (name.as_str(), *count))
    }

    /// Every name, and [`Self::REST`] if there are further ones.
    pub(in crate::alert) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// The sum of all counts.
    pub(in crate::alert) fn total(&self) -> u64 {
        self.0.iter().map(|(_, count)| count).sum()
    }

    pub(in crate::alert) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// `gpt-5 12, gpt-5-mini 3, o4 1, 2 more`.
impl fmt::Display for TopNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sorted = self.sorted();
        for (position, (name, count)) in sorted.iter().take(Self::SHOWN).enumerate() {
            write!(f, "{}{name} {count}", if position == 0 { "" } else { ", " })?;
        }
        match sorted.len().saturating_sub(Self::SHOWN) {
            0 => Ok(()),
            more => write!(f, ", {more} more"),
        }
    }
}
