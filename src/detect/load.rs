//! Rate limits that begin at a certain load, and the load and concurrency that stay below it.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// The length of a slot, in seconds.
const SLOT_SECONDS: i64 = 10;
/// Ten minutes of slots.
const SLOTS: usize = 60;
/// The minimum number of slots with limited calls, and without, in a comparison.
const MIN_SLOTS: usize = 4;
/// The minimum share of pairs (a limited slot and a clean one) in which the limited slot has more calls.
const SEPARATION: f64 = 0.9;
/// The load of limited slots must be at least this many times the load of clean ones.
const MIN_RATIO: f64 = 1.3;
/// At this many latencies, their sum and number are halved, so that old ones lose weight.
const HALVE_AT: u64 = 2_000;

/// The calls of one model per slot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LoadHistory {
    newest: i64,
    /// Calls, and how many of them were limited; the newest slot last.
    slots: VecDeque<(u32, u32)>,
    latency_us: u64,
    latencies: u64,
    /// The slot of the last diagnosis.
    checked: i64,
}

/// A limit, in calls per minute.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LoadLimit {
    /// The load at which limits begin.
    begins: f64,
    /// The highest load below `begins` without limits.
    clean: f64,
    /// The average load of limited slots.
    now: f64,
    limited_slots: usize,
    latency_s: Option<f64>,
}

impl LoadHistory {
    pub(super) fn add(&mut self, at: i64, limited: bool, latency_s: Option<f64>) {
        let slot = at.div_euclid(SLOT_SECONDS);
        if self.slots.is_empty() || slot - self.newest >= SLOTS as i64 {
            self.slots.clear();
            self.slots.push_back((0, 0));
            self.newest = slot;
        }
        while self.newest < slot {
            if self.slots.len() == SLOTS {
                self.slots.pop_front();
            }
            self.slots.push_back((0, 0));
            self.newest += 1;
        }
        let back = usize::try_from(self.newest - slot).unwrap_or(usize::MAX);
        if let Some((calls, hits)) =
            self.slots.len().checked_sub(back.saturating_add(1)).and_then(|position| self.slots.get_mut(position))
        {
            *calls = calls.saturating_add(1);
            *hits = hits.saturating_add(u32::from(limited));
        }
        if let Some(latency) = latency_s.filter(|latency| !limited && (0.0..3_600.0).contains(latency)) {
            if self.latencies >= HALVE_AT {
                self.latency_us /= 2;
                self.latencies /= 2;
            }
            self.latency_us += (latency * 1e6) as u64;
            self.latencies += 1;
        }
    }

    /// The limit, if limited calls depend on the load. Checks once per slot.
    pub(super) fn diagnose(&mut self, at: i64) -> Option<LoadLimit> {
        let slot = at.div_euclid(SLOT_SECONDS);
        if std::mem::replace(&mut self.checked, slot) == slot {
            return None;
        }
        let whole = self.slots.len().saturating_sub(usize::from(self.newest >= slot));
        let busy: Vec<(f64, f64)> = self
            .slots
            .iter()
            .take(whole)
            .filter(|(calls, _)| *calls > 0)
            .map(|(calls, hits)| (f64::from(*calls), f64::from(*hits)))
            .collect();
        let (bad, clean): (Vec<_>, Vec<_>) = busy.into_iter().partition(|(_, hits)| *hits > 0.0);
        if bad.len() < MIN_SLOTS || clean.len() < MIN_SLOTS {
            return None;
        }
        let mean = |of: &[(f64, f64)], value: fn(&(f64, f64)) -> f64| of.iter().map(value).sum::<f64>() / of.len() as f64;
        let (load_bad, load_clean) = (mean(&bad, |(calls, _)| *calls), mean(&clean, |(calls, _)| *calls));
        // A rate limit still serves calls up to the rate. If almost no call is served, this is another kind of limit.
        let served = mean(&bad, |(calls, hits)| calls - hits);
        if load_bad < 3.0 || load_bad < load_clean * MIN_RATIO || served < load_clean * 0.5 {
            return None;
        }
        let wins: f64 = bad.iter().map(|(b, _)| clean.iter().map(|(c, _)| above(*b, *c)).sum::<f64>()).sum();
        if wins / (bad.len() * clean.len()) as f64 <= SEPARATION {
            return None;
        }
        let begins = threshold(&bad, &clean);
        let below = clean.iter().map(|(calls, _)| *calls).filter(|calls| *calls < begins).fold(0.0, f64::max);
        let per_minute = 60.0 / SLOT_SECONDS as f64;
        Some(LoadLimit {
            begins: begins * per_minute,
            clean: below * per_minute,
            now: load_bad * per_minute,
            limited_slots: bad.len(),
            latency_s: (self.latencies > 0).then(|| self.latency_us as f64 / self.latencies as f64 / 1e6),
        })
    }
}

/// The load that separates limited from clean slots with the fewest mistakes.
fn threshold(bad: &[(f64, f64)], clean: &[(f64, f64)]) -> f64 {
    let mistakes =
        |at: f64| bad.iter().filter(|(calls, _)| *calls < at).count() + clean.iter().filter(|(calls, _)| *calls >= at).count();
    let best = bad.iter().map(|(calls, _)| (mistakes(*calls), *calls)).min_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    best.map_or(0.0, |(_, at)| at)
}

/// 1 if `a` is greater, 0.5 if both are equal.
fn above(a: f64, b: f64) -> f64 {
    match a.total_cmp(&b) {
        std::cmp::Ordering::Greater => 1.0,
        std::cmp::Ordering::Equal => 0.5,
        std::cmp::Ordering::Less => 0.0,
    }
}

impl LoadLimit {
    pub(super) fn text(&self, model: &str) -> String {
        format!(
            "429s depend on the load: {model} is limited from about {:.0} calls per minute and is not limited below {:.0}; it \
             gets {:.0} calls per minute when it is limited ({} slots of 10 s)",
            self.begins, self.clean, self.now, self.limited_slots,
        )
    }

    pub(super) fn advice(&self) -> String {
        let below = format!("stay below {:.0} calls per minute", self.begins);
        let Some(latency) = self.latency_s.filter(|latency| *latency > 0.0) else {
            return format!("Halve the concurrency and {below}, or ask for a higher limit.");
        };
        // Little's law: the number of concurrent calls is the rate times the latency.
        let concurrent = (self.now / 60.0 * latency).max(1.0);
        let half = (concurrent / 2.0).floor().max(1.0);
        format!(
            "Halve the concurrency: about {concurrent:.0} calls run at once ({latency:.1} s each). Allow at most {half:.0} and \
             {below}, or ask for a higher limit."
        )
    }
}
