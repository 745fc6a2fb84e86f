//! Whether answers are cut at the output limit more often than before, per provider, service and model.

use super::calls::Scope;
use super::lateness::Lateness;
use super::seconds::PendingSeconds;
use super::symptom::Symptom;
use crate::observation::{Name, Observation};
use crate::taxonomy::{Ending, Provider};
use crate::window::Ring;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

const FIVE_MINUTES: i64 = 300;
const DAY: i64 = 86_400;
/// With fewer earlier answers, no share is known to compare with.
const MIN_EARLIER: u64 = 100;
/// The share must be this many times that of the earlier answers.
const TIMES: f64 = 2.0;

/// Provider, service and model.
type Key = (Provider, Name, Name);

/// The answers of each provider, service and model.
#[derive(Clone, Debug, Default)]
pub(in crate::alert) struct CutAnswers {
    series: FxHashMap<Key, Series>,
}

/// The answers of one model that one service calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::alert) struct Series {
    pending: PendingSeconds,
    pending_cut: PendingSeconds,
    recent: Ring<30, 10>,
    recent_cut: Ring<30, 10>,
    day: Ring<24, 3_600>,
    day_cut: Ring<24, 3_600>,
    /// The second since which too many are cut.
    since: Option<i64>,
}

impl CutAnswers {
    /// The maximum number of series; answers of further models are not watched.
    const LIMIT: usize = 128;

    /// Takes in a call with a known ending.
    pub(in crate::alert) fn note(&mut self, seen: &Observation, lateness: Lateness) {
        let ahead = match (seen.ending, lateness) {
            (None, _) | (_, Lateness::TooLate) => return,
            (_, Lateness::OnTime(ahead)) => ahead,
            (_, Lateness::Late) => 0,
        };
        let key = (seen.provider, seen.service, seen.model);
        if self.series.len() >= Self::LIMIT && !self.series.contains_key(&key) {
            self.series.retain(|_, series| !series.is_forgotten());
            if self.series.len() >= Self::LIMIT {
                return;
            }
        }
        let series = self.series.entry(key).or_default();
        series.pending.add(ahead, 1);
        if seen.ending == Some(Ending::Truncated) {
            series.pending_cut.add(ahead, 1);
        }
    }

    /// Advances to the next second. `share` and `answers`: the least share and number of cut answers of five minutes.
    pub(in crate::alert) fn step(&mut self, at: i64, share: f64, answers: u64) {
        for series in self.series.values_mut() {
            series.step(at, share, answers);
        }
    }

    /// The scopes in which too many answers are cut; the worst series of each gives the symptom.
    pub(in crate::alert) fn symptoms(&self, at: i64, by_service: bool) -> Vec<(Scope, Symptom)> {
        let mut worst: Vec<(Scope, f64, &Key, &Series, i64)> = Vec::new();
        for (key, series) in &self.series {
            let Some(since) = series.since else { continue };
            let scope = Scope { provider: Some(key.0), service: if by_service { key.1 } else { Name::EMPTY } };
            worst.push((scope, series.recent_share(at), key, series, since));
        }
        worst.sort_by(|(scope, share, key, ..), (other, others, others_key, ..)| {
            scope.cmp(other).then(others.total_cmp(share)).then(key.cmp(others_key))
        });
        worst.dedup_by_key(|(scope, ..)| *scope);
        worst.into_iter().map(|(scope, _, key, series, since)| (scope, series.symptom(key, since, at))).collect()
    }

    /// Whether nothing changes until the next answer.
    pub(in crate::alert) fn is_idle(&self) -> bool {
        self.series.values().all(|series| series.pending.is_empty() && series.recent_cut.is_empty() && series.since.is_none())
    }

    pub(in crate::alert) fn iter(&self) -> impl Iterator<Item = (&Key, &Series)> {
        self.series.iter()
    }

    /// Takes over saved series.
    pub(in crate::alert) fn restore(&mut self, saved: impl Iterator<Item = (Key, Series)>) {
        self.series.extend(saved.take(Self::LIMIT));
    }
}

impl Series {
    fn step(&mut self, at: i64, share: f64, answers: u64) {
        if self.is_forgotten() {
            return;
        }
        let (all, cut) = (self.pending.take(), self.pending_cut.take());
        for (recent, day, count) in [(&mut self.recent, &mut self.day, all), (&mut self.recent_cut, &mut self.day_cut, cut)] {
            recent.add(at, count);
            day.add(at, count);
        }
        let now = self.recent_share(at);
        self.since = match self.since {
            None => {
                let is_more = || self.earlier(at) >= MIN_EARLIER && now >= TIMES * self.earlier_share(at);
                (self.recent_cut.total(at) >= answers && now >= share && is_more()).then_some(at - FIVE_MINUTES)
            }
            // A day later, it is the habit of the service.
            Some(since) => (now >= share / 2.0 && at - since < DAY).then_some(since),
        };
    }

    fn recent_share(&self, at: i64) -> f64 {
        ratio(self.recent_cut.total(at), self.recent.total(at))
    }

    /// The answers of the last day before the latest five minutes.
    fn earlier(&self, at: i64) -> u64 {
        self.day.total(at).saturating_sub(self.recent.total(at))
    }

    fn earlier_share(&self, at: i64) -> f64 {
        ratio(self.day_cut.total(at).saturating_sub(self.recent_cut.total(at)), self.earlier(at))
    }

    fn is_forgotten(&self) -> bool {
        self.pending.is_empty() && self.recent.is_empty() && self.since.is_none()
    }

    fn symptom(&self, (_, service, model): &Key, since: i64, at: i64) -> Symptom {
        let of = |what: &str, name: &Name| name.get().map(|name| format!(" {what} {name}")).unwrap_or_default();
        let detail = format!(
            "{} of {} answers{}{} of the last five minutes were cut at the output limit ({:.0} %); of the earlier ones of the day, {:.0} %.",
            self.recent_cut.total(at),
            self.recent.total(at),
            of("of model", model),
            of("to service", service),
            self.recent_share(at) * 100.0,
            self.earlier_share(at) * 100.0,
        );
        Symptom { since, length: at - since, detail }
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers of answers stay far below 2^52")]
fn ratio(part: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { part as f64 / all as f64 }
}
