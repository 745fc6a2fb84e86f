//! What an alert can show for itself: who and what is concerned, and one example. Bounded, whatever comes in.

use super::NameTable;
use crate::observation::Observation;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What the failures of one alert have in common.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Gathered {
    pub(super) models: Top,
    pub(super) services: Top,
    pub(super) hosts: Top,
    pub(super) statuses: Top,
    pub(super) patterns: Top,
    pub(super) owners: Top,
    pub(super) request_ids: Vec<String>,
    pub(super) example: Option<String>,
    pub(super) key_hint: Option<String>,
    pub(super) retry_after_s: Option<f64>,
    pub(super) resets_at: Option<Timestamp>,
}

impl Gathered {
    const REQUEST_IDS: usize = 5;

    /// Takes in one failure.
    pub(super) fn take(&mut self, seen: &Observation, lexicon: NameTable<'_>) {
        self.models.count(seen.model.as_str());
        self.services.count(seen.service.as_str());
        self.statuses.count(&seen.status_label().to_string());
        self.owners.count(seen.owner.as_str());
        self.patterns.count(seen.pattern.and_then(|it| lexicon.pattern(it)).map_or("", |it| &it.id));
        // The longest wait that was named: to go on before it is over cannot help.
        self.retry_after_s =
            seen.retry_after_s.map_or(self.retry_after_s, |it| Some(self.retry_after_s.map_or(it, |old| old.max(it))));
        let Some(evidence) = seen.evidence.as_deref() else { return };
        self.hosts.count(evidence.host.as_deref().unwrap_or_default());
        if let Some(id) = &evidence.request_id
            && self.request_ids.len() < Self::REQUEST_IDS
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
pub(super) struct Top(Vec<(String, u64)>);

impl Top {
    /// Names beyond these are joined.
    const NAMES: usize = 12;
    const SHOWN: usize = 3;
    const REST: &str = "others";

    fn count(&mut self, name: &str) {
        if name.is_empty() {
            return;
        }
        let name = if self.0.len() < Self::NAMES || self.0.iter().any(|(it, _)| it == name) { name } else { Self::REST };
        match self.0.iter_mut().find(|(it, _)| it == name) {
            Some((_, count)) => *count += 1,
            None => self.0.push((name.to_owned(), 1)),
        }
    }

    /// The names, most frequent first.
    fn sorted(&self) -> Vec<&(String, u64)> {
        let mut sorted: Vec<_> = self.0.iter().collect();
        sorted.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        sorted
    }

    /// The most frequent name, and how often it was seen.
    pub(super) fn leader(&self) -> Option<(&str, u64)> {
        self.sorted().first().map(|(name, count)| (name.as_str(), *count))
    }

    /// How many there were of all names.
    pub(super) fn total(&self) -> u64 {
        self.0.iter().map(|(_, count)| count).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// `gpt-5 12, gpt-5-mini 3, o4 1, 2 more`.
impl fmt::Display for Top {
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
