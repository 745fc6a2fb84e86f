//! Rate limits that begin at a certain rate of calls, with the rate and the concurrency that stays below it.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// The length of a slot, in seconds.
const WIDTH: i64 = 10;
/// Ten minutes of slots.
const SLOTS: usize = 60;
/// So many slots with and without limited calls are needed to compare them.
const LEAST: usize = 4;
/// In so many of a hundred comparisons the limited slot has more calls than the clean one.
const SEPARATION: f64 = 0.9;
/// The load of limited slots is at least so much higher.
const HIGHER: f64 = 1.3;
/// Latencies are halved beyond these, so that old ones are forgotten.
const LATENCIES: u64 = 2_000;

/// The calls of one model, slot by slot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Load {
    newest: i64,
    /// Calls, and those of them that were limited; the newest last.
    slots: VecDeque<(u32, u32)>,
    latency_us: u64,
    latencies: u64,
    /// The slot in which it was last looked at.
    checked: i64,
}

/// A limit that was found, in calls per minute.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Limit {
    begins: f64,
    clean: f64,
    now: f64,
    limited_slots: usize,
    latency_s: Option<f64>,
}

impl Load {
    pub(super) fn add(&mut self, at: i64, limited: bool, latency_s: Option<f64>) {
        let slot = at.div_euclid(WIDTH);
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
        if let Some((calls, hits)) = self.slots.len().checked_sub(back.saturating_add(1)).and_then(|it| self.slots.get_mut(it))
        {
            *calls = calls.saturating_add(1);
            *hits = hits.saturating_add(u32::from(limited));
        }
        if let Some(latency) = latency_s.filter(|it| !limited && it.is_finite() && *it >= 0.0 && *it < 3_600.0) {
            if self.latencies >= LATENCIES {
                self.latency_us /= 2;
                self.latencies /= 2;
            }
            self.latency_us += (latency * 1e6) as u64;
            self.latencies += 1;
        }
    }

    /// Whether the limits follow the load, looked at once per slot.
    pub(super) fn diagnose(&mut self, at: i64) -> Option<Limit> {
        let slot = at.div_euclid(WIDTH);
        if std::mem::replace(&mut self.checked, slot) == slot {
            return None;
        }
        let whole = self.slots.len().saturating_sub(usize::from(self.newest >= slot));
        let busy: Vec<(f64, f64)> = self
            .slots
            .iter()
            .take(whole)
            .filter(|(calls, _)| *calls > 0)
            .map(|it| (f64::from(it.0), f64::from(it.1)))
            .collect();
        let (bad, clean): (Vec<_>, Vec<_>) = busy.into_iter().partition(|(_, hits)| *hits > 0.0);
        if bad.len() < LEAST || clean.len() < LEAST {
            return None;
        }
        let mean = |of: &[(f64, f64)], value: fn(&(f64, f64)) -> f64| of.iter().map(value).sum::<f64>() / of.len() as f64;
        let (load_bad, load_clean) = (mean(&bad, |it| it.0), mean(&clean, |it| it.0));
        // What is limited by its rate still lets the rate through. Where hardly anything gets through, the limit is another.
        let served = mean(&bad, |it| it.0 - it.1);
        if load_bad < 3.0 || load_bad < load_clean * HIGHER || served < load_clean * 0.5 {
            return None;
        }
        let wins: f64 = bad.iter().map(|(b, _)| clean.iter().map(|(c, _)| above(*b, *c)).sum::<f64>()).sum();
        if wins / (bad.len() * clean.len()) as f64 <= SEPARATION {
            return None;
        }
        let begins = threshold(&bad, &clean);
        let below = clean.iter().map(|it| it.0).filter(|it| *it < begins).fold(0.0, f64::max);
        let per_minute = 60.0 / WIDTH as f64;
        Some(Limit {
            begins: begins * per_minute,
            clean: below * per_minute,
            now: load_bad * per_minute,
            limited_slots: bad.len(),
            latency_s: (self.latencies > 0).then(|| self.latency_us as f64 / self.latencies as f64 / 1e6),
        })
    }
}

/// The load that parts the slots with the fewest mistakes.
fn threshold(bad: &[(f64, f64)], clean: &[(f64, f64)]) -> f64 {
    let mistakes = |at: f64| bad.iter().filter(|it| it.0 < at).count() + clean.iter().filter(|it| it.0 >= at).count();
    let best = bad.iter().map(|it| (mistakes(it.0), it.0)).min_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    best.map_or(0.0, |(_, at)| at)
}

fn above(a: f64, b: f64) -> f64 {
    match a.total_cmp(&b) {
        std::cmp::Ordering::Greater => 1.0,
        std::cmp::Ordering::Equal => 0.5,
        std::cmp::Ordering::Less => 0.0,
    }
}

impl Limit {
    pub(super) fn text(&self, model: &str) -> String {
        format!(
            "429s follow the load: {model} is limited from about {:.0} calls a minute on and not below {:.0}; it gets {:.0} a \
             minute where it is limited (in {} slots of 10 s)",
            self.begins, self.clean, self.now, self.limited_slots,
        )
    }

    pub(super) fn advice(&self) -> String {
        let below = format!("stay below {:.0} calls a minute", self.begins);
        let Some(latency) = self.latency_s.filter(|it| *it > 0.0) else {
            return format!("Halve the concurrency and {below}, or ask for a higher limit.");
        };
        // Little's law: calls under way are the rate times the time one takes.
        let under_way = (self.now / 60.0 * latency).max(1.0);
        let half = (under_way / 2.0).floor().max(1.0);
        format!(
            "Halve the concurrency: about {under_way:.0} calls are under way at once ({latency:.1} s each); at most {half:.0} \
             and {below}, or ask for a higher limit."
        )
    }
}
