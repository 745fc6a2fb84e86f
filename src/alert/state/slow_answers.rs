//! Whether the calls of a provider's model take much longer than in its last day: per output token where the log counts
//! tokens, else per call; and the time to the first token where it is logged.

#![expect(clippy::cast_precision_loss, reason = "numbers of tokens stay far below 2^52")]

use super::calls::Scope;
use super::durations::{Bucket, Durations};
use super::lateness::Lateness;
use super::symptom::Symptom;
use crate::observation::{Name, Observation};
use crate::taxonomy::{Outcome, Provider, Providers};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

const FIVE_MINUTES: i64 = 300;
const DAY: i64 = 86_400;
/// With fewer calls in the last day, no usual time is known.
const MIN_EARLIER: u64 = 200;
/// The median time must be this many times that of the last day.
const TIMES: f64 = 3.0;
/// A call of the present size must take this many seconds more than before.
const SECONDS_MORE: f64 = 5.0;
/// The times are compared every so many seconds.
const INTERVAL: i64 = 10;
/// A longer time is not that of a call.
const MAX_SECONDS: f64 = 3_600.0;

/// What a time belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Measure {
    /// A token of the answer.
    Token,
    /// A call with an unknown number of tokens.
    Call,
    /// The wait for the first token of an answer.
    FirstToken,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Key {
    provider: Provider,
    /// Empty where alerts are not kept per service.
    service: Name,
    model: Name,
    measure: Measure,
}

/// The times of each provider and model.
#[derive(Clone, Debug, Default)]
pub(in crate::alert) struct SlowAnswers {
    series: Vec<(Key, Series)>,
    positions: FxHashMap<Key, u16>,
    /// Calls of seconds that are not evaluated yet, by second.
    pending: VecDeque<Pending>,
}

#[derive(Clone, Debug, Default)]
struct Series {
    times: Durations,
    /// Calls came since the last comparison.
    has_new: bool,
    slow: Option<Slow>,
}

/// A series that is slow.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Slow {
    since: i64,
    /// The usual time, in seconds.
    before: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Pending {
    second: i64,
    series: u16,
    time: Bucket,
    size: Bucket,
}

/// The state that survives a restart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::alert) struct SlowAnswersState {
    series: Vec<SeriesState>,
    pending: Vec<Pending>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SeriesState {
    provider: String,
    service: String,
    model: String,
    measure: Measure,
    times: String,
    slow: Option<Slow>,
}

impl SlowAnswers {
    /// The maximum number of series; further models are not watched.
    const LIMIT: usize = 128;
    /// The maximum number of calls that wait for their second; further ones are not measured.
    const MAX_PENDING: usize = 2_048;
    /// The maximum size of the saved times, in bytes; series beyond it are not saved.
    const MAX_SAVED: usize = 192 * 1_024;

    /// Takes in a call that worked.
    pub(in crate::alert) fn note(&mut self, seen: &Observation, lateness: Lateness, by_service: bool) {
        if seen.outcome != Outcome::Success || seen.model.is_empty() || lateness == Lateness::TooLate {
            return;
        }
        let service = if by_service { seen.service } else { Name::EMPTY };
        let key = |measure| Key { provider: seen.provider, service, model: seen.model, measure };
        let is_time = |seconds: &f64| *seconds > 0.0 && *seconds <= MAX_SECONDS;
        if let Some(seconds) = seen.latency_s.filter(is_time) {
            match seen.output_tokens.filter(|tokens| *tokens > 0) {
                Some(tokens) => self.measure(seen, key(Measure::Token), seconds, tokens as f64),
                None => self.measure(seen, key(Measure::Call), seconds, 1.0),
            }
        }
        if let Some(seconds) = seen.first_token_s.filter(is_time) {
            self.measure(seen, key(Measure::FirstToken), seconds, 1.0);
        }
    }

    fn measure(&mut self, seen: &Observation, key: Key, seconds: f64, size: f64) {
        if self.pending.len() >= Self::MAX_PENDING {
            return;
        }
        let Some(series) = self.position(key) else { return };
        let second = seen.at.second();
        let call = Pending { second, series, time: Bucket::of_seconds(seconds / size), size: Bucket::of_size(size) };
        // Calls come almost in order of time.
        let later = self.pending.iter().rev().take_while(|waiting| waiting.second > second).count();
        self.pending.insert(self.pending.len() - later, call);
    }

    fn position(&mut self, key: Key) -> Option<u16> {
        if let Some(position) = self.positions.get(&key) {
            return Some(*position);
        }
        let position = if self.series.len() < Self::LIMIT {
            self.series.push((key, Series::default()));
            self.series.len() - 1
        } else {
            // The place of a series without calls in the last day.
            let waits = |place: usize| self.pending.iter().any(|call| usize::from(call.series) == place);
            let free = |(place, (_, series)): &(usize, &(Key, Series))| series.is_forgotten() && !waits(*place);
            let place = self.series.iter().enumerate().find(free)?.0;
            let old = std::mem::replace(self.series.get_mut(place)?, (key, Series::default()));
            self.positions.remove(&old.0);
            place
        };
        let position = u16::try_from(position).ok()?;
        self.positions.insert(key, position);
        Some(position)
    }

    /// Advances to the next second. `calls`: the least number of calls in five minutes.
    pub(in crate::alert) fn step(&mut self, at: i64, calls: usize) {
        while let Some(call) = self.pending.pop_front_if(|call| call.second <= at) {
            if let Some((_, series)) = self.series.get_mut(usize::from(call.series)) {
                series.times.add(at, call.time, call.size);
                series.has_new = true;
            }
        }
        if at % INTERVAL == 0 {
            for (_, series) in &mut self.series {
                series.compare(at, calls);
            }
        }
    }

    /// The scopes with a slow model; the model that is slowest, compared with its usual time, gives the symptom.
    pub(in crate::alert) fn symptoms(&self, at: i64) -> Vec<(Scope, Symptom)> {
        let mut slowest: Vec<(Scope, f64, &Key, &Series, Slow)> = Vec::new();
        for (key, series) in &self.series {
            let Some(slow) = series.slow else { continue };
            let scope = Scope { provider: Some(key.provider), service: key.service };
            let times = series.times.latest_median().unwrap_or(slow.before) / slow.before;
            slowest.push((scope, times, key, series, slow));
        }
        slowest.sort_by(|(scope, times, key, ..), (other, others, others_key, ..)| {
            scope.cmp(other).then(others.total_cmp(times)).then(key.cmp(others_key))
        });
        slowest.dedup_by_key(|(scope, ..)| *scope);
        slowest.into_iter().map(|(scope, times, key, series, slow)| (scope, series.symptom(key, times, slow, at))).collect()
    }

    /// The first second from `at` on in which something changes if no call comes, or the one after `due`.
    pub(in crate::alert) fn quiet_until(&self, at: i64, due: i64) -> i64 {
        if !self.pending.is_empty() || self.series.iter().any(|(_, series)| series.slow.is_some()) {
            return at;
        }
        let waits = self.series.iter().any(|(_, series)| series.has_new);
        // The next comparison.
        if waits { (at + (-at).rem_euclid(INTERVAL)).min(due + 1) } else { due + 1 }
    }

    /// The state that must survive a restart.
    pub(in crate::alert) fn state(&self, providers: &Providers) -> SlowAnswersState {
        let mut room = Self::MAX_SAVED;
        let mut series = Vec::new();
        for (Key { provider, service, model, measure }, Series { times, slow, .. }) in &self.series {
            let times = times.to_text();
            // The position must stay that of the pending calls.
            let times = if times.len() <= room { times } else { String::new() };
            room -= times.len();
            series.push(SeriesState {
                provider: providers.id(*provider).to_owned(),
                service: service.as_str().to_owned(),
                model: model.as_str().to_owned(),
                measure: *measure,
                times,
                slow: *slow,
            });
        }
        SlowAnswersState { series, pending: self.pending.iter().copied().collect() }
    }

    /// Continues from a saved state. Series of providers that are not known any more are left out.
    pub(in crate::alert) fn restore(state: SlowAnswersState, providers: &Providers) -> Self {
        let mut this = Self::default();
        let mut places = Vec::new();
        for saved in state.series.into_iter().take(Self::LIMIT) {
            let SeriesState { provider, service, model, measure, times, slow } = saved;
            let key = providers.by_saved_id(&provider).map(|provider| Key {
                provider,
                service: Name::new(&service),
                model: Name::new(&model),
                measure,
            });
            let place = key.and_then(|key| this.position(key));
            places.push(place);
            if let Some((_, series)) = place.and_then(|place| this.series.get_mut(usize::from(place))) {
                *series = Series { times: Durations::from_text(&times), has_new: true, slow };
            }
        }
        for call in state.pending.into_iter().take(Self::MAX_PENDING) {
            if let Some(series) = places.get(usize::from(call.series)).copied().flatten() {
                this.pending.push_back(Pending { series, ..call });
            }
        }
        this
    }
}

impl Series {
    fn compare(&mut self, at: i64, calls: usize) {
        if !std::mem::take(&mut self.has_new) && self.slow.is_none() {
            return;
        }
        self.times.advance(at);
        self.slow = match self.slow {
            None if self.times.latest() >= calls && self.times.earlier() >= MIN_EARLIER => {
                self.usual().filter(|before| self.is_slow(*before)).map(|before| Slow { since: at - FIVE_MINUTES, before })
            }
            None => None,
            // A day later, it is the usual time.
            Some(slow) => {
                let now = self.times.latest_median();
                Some(slow).filter(|slow| now.is_some_and(|now| now >= slow.before * TIMES / 2.0) && at - slow.since < DAY)
            }
        };
    }

    fn usual(&self) -> Option<f64> {
        self.times.earlier_median()
    }

    fn is_slow(&self, before: f64) -> bool {
        self.times.latest_median().is_some_and(|now| now >= TIMES * before)
            && self.times.excess(before).is_some_and(|more| more >= SECONDS_MORE)
    }

    fn is_forgotten(&self) -> bool {
        self.times.is_empty() && self.slow.is_none()
    }

    fn symptom(&self, key: &Key, times: f64, Slow { since, before }: Slow, at: i64) -> Symptom {
        let model = key.model.as_str();
        let now = before * times;
        let detail = match key.measure {
            Measure::Token => {
                let tokens = self.times.latest_size().unwrap_or(1.0);
                format!(
                    "An output token of model {model} takes {:.0} ms (the median of the last five minutes), {times:.1} times as \
                     long as in the day before ({:.0} ms). A call of {tokens:.0} tokens takes {:.0} s instead of {:.0} s.",
                    now * 1e3,
                    before * 1e3,
                    now * tokens,
                    before * tokens,
                )
            }
            Measure::Call => format!(
                "A call of model {model} takes {now:.1} s (the median of the last five minutes), {times:.1} times as long as in \
                 the day before ({before:.1} s)."
            ),
            Measure::FirstToken => format!(
                "The first token of model {model} comes after {now:.1} s (the median of the last five minutes), {times:.1} times \
                 as late as in the day before ({before:.1} s)."
            ),
        };
        Symptom { since, length: at - since, detail }
    }
}
