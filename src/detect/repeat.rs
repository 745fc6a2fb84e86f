//! The same request that fails every time, against one that fails now and then.
//!
//! Two requests are the same when they come from one service, ask one model, and fail with one pattern and one message,
//! variable parts masked.

use super::minutes::Minutes;
use crate::observation::Observation;
use crate::taxonomy::{Owner, Retry};
use rustc_hash::{FxHashMap, FxHasher};
use serde::{Deserialize, Serialize};
use std::hash::{Hash, Hasher};

/// So many failures are a habit.
const HABIT: u64 = 5;
/// Other calls that worked meanwhile, so that it is this request and not the provider.
const OTHERS: u64 = 5;
/// So many times a success lay between two failures.
const ALTERNATIONS: u32 = 3;
const LIMIT: usize = 64;
/// What has not failed for so long has no say any more, in seconds.
const FORGOTTEN: i64 = 3_600;
/// So many failures in ten minutes are a group that may grow.
const GROWN: u64 = 10;
/// It grows when there are so many times as many as there were before.
const GROWTH: u64 = 3;
/// A new group has grown from nothing when so many calls had worked without it, for so many seconds.
const WITHOUT: u64 = 100;
const WATCHED: i64 = 600;
/// What lies behind tells requests apart no more, in bytes.
const MASKED: usize = 128;

/// Requests of one provider that fail.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Repeats {
    /// Calls that worked, by service and model, for those that have failed.
    #[serde(with = "by_id")]
    good: FxHashMap<u64, u64>,
    all_good: u64,
    /// The first call.
    #[serde(default)]
    born: Option<i64>,
    signatures: Vec<Signature>,
}

/// One request that fails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Signature {
    pub(super) id: u64,
    pair: u64,
    pub(super) service: String,
    pub(super) model: String,
    pub(super) title: String,
    pub(super) row: String,
    pub(super) owner: Owner,
    pub(super) retry: Retry,
    pub(super) count: u64,
    pub(super) first: i64,
    pub(super) last: i64,
    good_at_first: u64,
    good_at_last: u64,
    all_good_at_first: u64,
    alternations: u32,
    known: bool,
    minutes: Minutes,
    changed: bool,
    /// Since when it comes far more often than it did; until it comes seldom again.
    #[serde(default)]
    pub(super) grown: Option<i64>,
}

/// How a request fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Habit {
    /// Whenever it is made, while so many other calls worked.
    EveryTime { others: u64 },
    /// While the same service and model worked so often in between.
    NowAndThen { good: u64 },
    /// No pattern knows it, and so many came within ten minutes.
    Growing { lately: u64 },
}

impl Signature {
    /// Whether there are far more of it in these ten minutes than there were in any before.
    fn has_grown(&self, at: i64, lately: u64, born: i64) -> bool {
        let before = self.count.saturating_sub(lately);
        let tens = ((at - self.first) / 600 - 1).max(0) as u64;
        let from_nothing = before == 0 && self.all_good_at_first >= WITHOUT && self.first - born >= WATCHED;
        lately >= GROWN && (from_nothing || before > 0 && lately * tens >= GROWTH * before)
    }
}

impl Repeats {
    pub(super) fn good(&mut self, seen: &Observation) {
        self.born.get_or_insert(seen.at.second());
        self.all_good += 1;
        if !self.good.is_empty()
            && let Some(good) = self.good.get_mut(&pair_of(seen))
        {
            *good += 1;
        }
    }

    /// Takes in a failed call; `title` is asked for what is new.
    pub(super) fn bad(&mut self, seen: &Observation, row: &str, title: impl FnOnce() -> String) {
        let (at, pair) = (seen.at.second(), pair_of(seen));
        let message = seen.evidence.as_deref().map_or("", |it| it.message.as_str());
        let id = fold(fold(pair, &seen.pattern.map_or(u16::MAX, |it| it.0).to_le_bytes()), &masked(message).to_le_bytes());
        let position = self.signatures.iter().position(|it| it.id == id).or_else(|| self.make_room(at));
        let (good, all_good) = (self.good.get(&pair).copied().unwrap_or(0), self.all_good);
        let fresh = || Signature {
            id,
            pair,
            service: seen.service.as_str().to_owned(),
            model: seen.model.as_str().to_owned(),
            title: title(),
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
            minutes: Minutes::default(),
            changed: false,
            grown: None,
        };
        let signature = match position {
            Some(position) if self.signatures.get(position).is_some_and(|it| it.id == id && at - it.last <= FORGOTTEN) => {
                &mut self.signatures[position]
            }
            Some(position) => {
                self.signatures[position] = fresh();
                &mut self.signatures[position]
            }
            None if self.signatures.len() < LIMIT => {
                self.signatures.push(fresh());
                let last = self.signatures.len() - 1;
                &mut self.signatures[last]
            }
            None => return,
        };
        signature.count += 1;
        signature.last = signature.last.max(at);
        signature.alternations += u32::from(good > signature.good_at_last);
        signature.good_at_last = good;
        signature.minutes.add(at, false);
        signature.changed = true;
        self.good.entry(pair).or_insert(0);
        if self.good.len() > LIMIT {
            let live: Vec<u64> = self.signatures.iter().map(|it| it.pair).collect();
            self.good.retain(|pair, _| live.contains(pair));
        }
    }

    /// The habits of requests that failed since it was last asked.
    pub(super) fn diagnose(&mut self, at: i64, mut tell: impl FnMut(&Signature, Habit)) {
        let Self { good, all_good, born, signatures } = self;
        let born = born.unwrap_or(at);
        for it in signatures.iter_mut().filter(|it| it.changed) {
            it.changed = false;
            let lately = it.minutes.sum(at, 10).bad;
            if !it.known {
                it.grown = it.grown.filter(|_| lately * 2 >= GROWN).or_else(|| it.has_grown(at, lately, born).then_some(at));
                if it.grown.is_some() {
                    tell(it, Habit::Growing { lately });
                }
            }
            if it.count < HABIT {
                continue;
            }
            let own = good.get(&it.pair).copied().unwrap_or(0).saturating_sub(it.good_at_first);
            let others = all_good.saturating_sub(it.all_good_at_first);
            if own == 0 && others >= OTHERS {
                tell(it, Habit::EveryTime { others });
            } else if own >= it.count && it.alternations >= ALTERNATIONS {
                tell(it, Habit::NowAndThen { good: own });
            }
        }
    }

    /// A place that may be taken: of the request that failed least lately, if that is a while ago or was no habit.
    fn make_room(&self, at: i64) -> Option<usize> {
        if self.signatures.len() < LIMIT {
            return None;
        }
        let rank = |it: &Signature| (it.count >= HABIT && at - it.last < 600, it.last, it.id);
        (0..LIMIT).min_by_key(|position| rank(&self.signatures[*position]))
    }
}

/// For every call that works: a word at a time, not a byte.
fn pair_of(seen: &Observation) -> u64 {
    let mut hasher = FxHasher::default();
    (seen.service.as_str(), seen.model.as_str()).hash(&mut hasher);
    hasher.finish()
}

const SEED: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a: the same on every machine and in every version, as what is remembered outlives the process.
pub(super) fn fold(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// A number for a message without the words that hold a digit: ids, counts and times tell requests apart no more.
pub(super) fn masked(message: &str) -> u64 {
    let bytes = message.as_bytes().get(..MASKED).unwrap_or(message.as_bytes());
    let words = bytes.split(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-') || *b >= 0x80));
    words
        .filter(|it| !it.is_empty() && !it.iter().any(u8::is_ascii_digit))
        .fold(SEED, |hash, word| fold(fold(hash, word), b" "))
}

/// A map on disk: in order, so that equal maps are equal files.
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
