//! Requests that fail every time, requests that fail now and then, and groups of unknown errors that grow.
//!
//! Two failures are of the same request if they have the same service, model, pattern and message, with the variable parts
//! of the message masked. What is found is said once per error, for all requests that fail in the same way with it.

use super::minutes::Minutes;
use crate::observation::Observation;
use crate::taxonomy::{Confidence, Owner, Retry};
use fnv::FnvHasher;
use rustc_hash::{FxHashMap, FxHasher};
use serde::{Deserialize, Serialize};
use std::hash::Hasher;

/// The minimum number of failures of a request that is diagnosed.
const MIN_FAILURES: u64 = 5;
/// A request "fails every time" if this many other calls succeed: then the provider works.
const MIN_OTHERS: u64 = 5;
/// A request "fails now and then" if a success lies between two failures this many times.
const MIN_ALTERNATIONS: u32 = 3;
/// The maximum number of requests.
const LIMIT: usize = 64;
/// A request that has not failed for this long starts again from zero.
const FORGOTTEN_SECONDS: i64 = 3_600;
/// The minimum number of failures in ten minutes of a growing group.
const GROWING_FAILURES: u64 = 10;
/// A group grows if it has this many times as many failures as before.
const GROWTH: u64 = 3;
/// A new group grows if this many calls succeeded before it …
const CALLS_BEFORE: u64 = 100;
/// … in at least this many seconds.
const SECONDS_BEFORE: i64 = 600;
/// Only the first bytes of a message are used to compare requests.
const COMPARED_BYTES: usize = 128;

/// The failing requests of one provider.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct FailingRequests {
    /// Successes by service and model, for those that have failed.
    #[serde(with = "by_id")]
    good: FxHashMap<u64, u64>,
    all_good: u64,
    /// The second of the first success.
    #[serde(default, rename = "born")]
    first_good: Option<i64>,
    #[serde(rename = "signatures")]
    requests: Vec<FailingRequest>,
}

/// One request that fails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct FailingRequest {
    id: u64,
    /// The hash of pattern and message.
    #[serde(default)]
    error: u64,
    /// The hash of service and model.
    pair: u64,
    pub(super) service: String,
    pub(super) model: String,
    pub(super) title: String,
    pub(super) row: String,
    pub(super) owner: Owner,
    pub(super) retry: Retry,
    count: u64,
    first: i64,
    last: i64,
    /// Successes of the same service and model, before the first and before the last failure.
    good_at_first: u64,
    good_at_last: u64,
    /// Successes of the provider before the first failure.
    all_good_at_first: u64,
    /// How often a success lay between two failures.
    alternations: u32,
    /// Whether a pattern matches the error.
    known: bool,
    /// Whether the pattern names the cause: it matches by more than the status.
    #[serde(default)]
    explained: bool,
    minutes: Minutes,
    /// Whether the request has failed since the last diagnosis.
    changed: bool,
    /// The second since which the group grows, until it shrinks again.
    #[serde(default, rename = "grown")]
    growing_since: Option<i64>,
}

/// How a request fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Habit {
    /// Every time, while other calls succeeded.
    EveryTime,
    /// Now and then, while calls of the same service and model succeeded in between.
    NowAndThen,
    /// No pattern matches it, and it comes far more often than before.
    Growing,
}

/// All requests that fail with one error and in the same way.
#[derive(Clone, Debug)]
pub(super) struct FailingAlike<'a> {
    pub(super) error: u64,
    pub(super) habit: Habit,
    /// At least one; the one that failed first is the first.
    pub(super) requests: Vec<&'a FailingRequest>,
    pub(super) count: u64,
    /// Calls that succeeded meanwhile: other calls, or, of requests that fail now and then, calls of the same service and model.
    pub(super) good: u64,
    /// Failures of the last ten minutes.
    pub(super) lately: u64,
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) growing_since: Option<i64>,
}

impl FailingRequest {
    fn new(
        (id, pair, error): (u64, u64, u64),
        seen: &Observation,
        row: &str,
        title: String,
        (good, all_good): (u64, u64),
    ) -> Self {
        let at = seen.at.second();
        Self {
            id,
            error,
            pair,
            service: seen.service.as_str().to_owned(),
            model: seen.model.as_str().to_owned(),
            title,
            row: row.to_owned(),
            owner: seen.owner,
            retry: seen.retry,
            count: 0,
            first: at,
            last: at,
            good_at_first: good,
            good_at_last: good,
            all_good_at_first: all_good,
            alternations: 0,
            known: seen.pattern.is_some(),
            explained: seen.pattern.is_some() && matches!(seen.confidence, Confidence::Typed | Confidence::Message),
            minutes: Minutes::default(),
            changed: false,
            growing_since: None,
        }
    }

    fn fail(&mut self, at: i64, good: u64) {
        self.count += 1;
        self.last = self.last.max(at);
        self.alternations += u32::from(good > self.good_at_last);
        self.good_at_last = good;
        self.minutes.add(at, false);
        self.changed = true;
    }

    /// How it fails, and how many calls succeeded meanwhile. Where a pattern names the cause, that says more.
    fn habit(&self, good: &FxHashMap<u64, u64>, all_good: u64) -> Option<(Habit, u64)> {
        if self.growing_since.is_some() {
            return Some((Habit::Growing, 0));
        }
        if self.count < MIN_FAILURES || self.explained {
            return None;
        }
        let own = good.get(&self.pair).copied().unwrap_or(0).saturating_sub(self.good_at_first);
        let others = all_good.saturating_sub(self.all_good_at_first);
        if own == 0 && others >= MIN_OTHERS {
            Some((Habit::EveryTime, others))
        } else if own >= self.count && self.alternations >= MIN_ALTERNATIONS {
            Some((Habit::NowAndThen, own))
        } else {
            None
        }
    }

    /// Whether the last ten minutes have far more failures than earlier ones.
    fn is_growing(&self, at: i64, lately: u64, first_good: i64) -> bool {
        let before = self.count.saturating_sub(lately);
        let earlier_periods = u64::try_from((at - self.first) / 600 - 1).unwrap_or(0);
        let is_new = before == 0 && self.all_good_at_first >= CALLS_BEFORE && self.first - first_good >= SECONDS_BEFORE;
        lately >= GROWING_FAILURES && (is_new || before > 0 && lately * earlier_periods >= GROWTH * before)
    }

    fn update_growth(&mut self, at: i64, lately: u64, first_good: i64) {
        let still = self.growing_since.filter(|_| lately * 2 >= GROWING_FAILURES);
        self.growing_since = still.or_else(|| self.is_growing(at, lately, first_good).then_some(at));
    }
}

impl FailingRequests {
    pub(super) fn good(&mut self, seen: &Observation) {
        self.first_good.get_or_insert(seen.at.second());
        self.all_good += 1;
        if !self.good.is_empty()
            && let Some(good) = self.good.get_mut(&pair_of(seen))
        {
            *good += 1;
        }
    }

    /// Takes in a failed call; `title` is called for a new request only.
    pub(super) fn bad(&mut self, seen: &Observation, row: &str, title: impl FnOnce() -> String) {
        let (at, pair) = (seen.at.second(), pair_of(seen));
        let message = seen.evidence.as_deref().map_or("", |evidence| evidence.message.as_str());
        let pattern = seen.pattern.map_or(u16::MAX, |pattern| pattern.0);
        let masked = masked_hash(message).to_le_bytes();
        let id = fnv1a(fnv1a(pair, &pattern.to_le_bytes()), &masked);
        let error = fnv1a(u64::from(pattern), &masked);
        let good = self.good.get(&pair).copied().unwrap_or(0);
        let new = || FailingRequest::new((id, pair, error), seen, row, title(), (good, self.all_good));
        let known = self.requests.iter().position(|request| request.id == id);
        let position = if let Some(position) = known.or_else(|| self.replaceable(at)) {
            let request = &self.requests[position];
            if request.id != id || at - request.last > FORGOTTEN_SECONDS {
                self.requests[position] = new();
            }
            position
        } else {
            let request = new();
            self.requests.push(request);
            self.requests.len() - 1
        };
        self.requests[position].fail(at, good);
        self.good.entry(pair).or_insert(0);
        if self.good.len() > LIMIT {
            let used: Vec<u64> = self.requests.iter().map(|request| request.pair).collect();
            self.good.retain(|pair, _| used.contains(pair));
        }
    }

    /// Reports the habits of the requests that have failed since the last diagnosis, once per error.
    pub(super) fn diagnose(&mut self, at: i64, mut report: impl FnMut(&FailingAlike<'_>)) {
        let Self { good, all_good, first_good, requests } = self;
        let first_good = first_good.unwrap_or(at);
        let mut changed: Vec<(u64, Habit)> = Vec::new();
        for request in requests.iter_mut().filter(|request| request.changed) {
            request.changed = false;
            if !request.known {
                let lately = request.minutes.sum(at, 10).bad;
                request.update_growth(at, lately, first_good);
            }
            if let Some((habit, _)) = request.habit(good, *all_good)
                && !changed.contains(&(request.error, habit))
            {
                changed.push((request.error, habit));
            }
        }
        for (error, habit) in changed {
            let fails_alike = |request: &&FailingRequest| {
                let present = at - request.last <= FORGOTTEN_SECONDS;
                present && request.error == error && request.habit(good, *all_good).is_some_and(|(own, _)| own == habit)
            };
            let mut alike: Vec<&FailingRequest> = requests.iter().filter(fails_alike).collect();
            alike.sort_by_key(|request| (request.first, request.id));
            let succeeded = alike.iter().filter_map(|request| request.habit(good, *all_good)).map(|(_, good)| good);
            report(&FailingAlike {
                error,
                habit,
                count: alike.iter().map(|request| request.count).sum(),
                good: if habit == Habit::EveryTime { succeeded.max().unwrap_or(0) } else { succeeded.sum() },
                lately: alike.iter().map(|request| request.minutes.sum(at, 10).bad).sum(),
                first: alike.iter().map(|request| request.first).min().unwrap_or(at),
                last: alike.iter().map(|request| request.last).max().unwrap_or(at),
                growing_since: alike.iter().filter_map(|request| request.growing_since).min(),
                requests: alike,
            });
        }
    }

    /// The position that a new request replaces, if there is no room: preferably a request with few or old failures.
    fn replaceable(&self, at: i64) -> Option<usize> {
        if self.requests.len() < LIMIT {
            return None;
        }
        let rank = |position: &usize| {
            let request = &self.requests[*position];
            (request.count >= MIN_FAILURES && at - request.last < 600, request.last, request.id)
        };
        (0..LIMIT).min_by_key(rank)
    }
}

/// The hash of service and model. Called for every success, so it hashes words and not bytes.
fn pair_of(seen: &Observation) -> u64 {
    let mut hasher = FxHasher::default();
    for name in [&seen.service, &seen.model] {
        hasher.write(name.as_bytes());
        // No byte of a text: names that are cut in another place have another hash.
        hasher.write_u8(u8::MAX);
    }
    hasher.finish()
}

/// FNV-1a, continued from `hash`. Hashes are saved, so they must be equal on every machine and in every version.
pub(super) fn fnv1a(hash: u64, bytes: &[u8]) -> u64 {
    let mut hasher = FnvHasher::with_key(hash);
    hasher.write(bytes);
    hasher.finish()
}

/// The hash of a message without the words that contain a digit, such as ids, counts and times.
pub(super) fn masked_hash(message: &str) -> u64 {
    let bytes = message.as_bytes().get(..COMPARED_BYTES).unwrap_or(message.as_bytes());
    let words = bytes.split(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-') || *byte >= 0x80));
    words
        .filter(|word| !word.is_empty() && !word.iter().any(u8::is_ascii_digit))
        .fold(FnvHasher::default().finish(), |hash, word| fnv1a(fnv1a(hash, word), b" "))
}

/// Saves a map in sorted order, so that equal maps give equal files.
mod by_id {
    use rustc_hash::FxHashMap;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(map: &FxHashMap<u64, u64>, to: S) -> Result<S::Ok, S::Error> {
        let mut all: Vec<_> = map.iter().collect();
        all.sort_unstable();
        to.collect_seq(all)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<FxHashMap<u64, u64>, D::Error> {
        Ok(Vec::<(u64, u64)>::deserialize(from)?.into_iter().collect())
    }
}
