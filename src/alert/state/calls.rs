//! The calls of each provider (and service, where alerts are kept per service), second by second.

use super::lateness::Lateness;
use super::seconds::PendingSeconds;
use super::silence::CallRhythm;
use crate::observation::Name;
use crate::taxonomy::{Outcome, Provider};
use crate::window::Ring;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

/// What an alert is about: a provider, a service at a provider, or this process itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::alert) struct Scope {
    /// `None`: this process itself.
    pub(in crate::alert) provider: Option<Provider>,
    /// Empty where alerts are not kept per service.
    pub(in crate::alert) service: Name,
}

impl Scope {
    /// This process itself.
    pub(in crate::alert) const SELF: Self = Self { provider: None, service: Name::EMPTY };
}

/// The calls of one scope.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::alert) struct Calls {
    good: PendingSeconds,
    bad: PendingSeconds,
    good_attempts: PendingSeconds,
    bad_attempts: PendingSeconds,
    /// Calls that arrived after the evaluation of their own second.
    late: Counts,
    /// The counts of the second under evaluation.
    #[serde(skip)]
    pub(in crate::alert) now: Counts,
    /// The latest second in which a call succeeded; `None`: successes are not logged.
    pub(in crate::alert) last_good: Option<i64>,
    /// The latest second with a call.
    pub(in crate::alert) last_call: Option<i64>,
    /// The latest second in which an attempt succeeded.
    pub(in crate::alert) last_good_attempt: Option<i64>,
    /// All calls of the last minute.
    pub(in crate::alert) minute: Ring<60, 1>,
    /// How steadily calls come.
    pub(in crate::alert) rhythm: CallRhythm,
}

/// Calls and attempts of one second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::alert) struct Counts {
    pub(in crate::alert) good: u32,
    pub(in crate::alert) bad: u32,
    pub(in crate::alert) good_attempts: u32,
    pub(in crate::alert) bad_attempts: u32,
}

impl Counts {
    /// Calls of both outcomes.
    pub(in crate::alert) const fn calls(self) -> u32 {
        self.good.saturating_add(self.bad)
    }
}

impl Calls {
    /// Counts a call.
    pub(in crate::alert) fn call(&mut self, outcome: Outcome, at: i64, lateness: Lateness) {
        let (seconds, late) = match outcome {
            Outcome::Success => (&mut self.good, &mut self.late.good),
            Outcome::Error => (&mut self.bad, &mut self.late.bad),
            Outcome::Other => return,
        };
        match lateness {
            Lateness::OnTime(ahead) => return seconds.add(ahead, 1),
            Lateness::Late => *late = late.saturating_add(1),
            Lateness::TooLate => {}
        }
        // A late call says something about its own time only: a success before the failures is not a recovery.
        self.note(outcome, at);
    }

    /// Counts an attempt.
    pub(in crate::alert) fn attempt(&mut self, outcome: Outcome, lateness: Lateness) {
        let (seconds, late) = match outcome {
            Outcome::Success => (&mut self.good_attempts, &mut self.late.good_attempts),
            Outcome::Error => (&mut self.bad_attempts, &mut self.late.bad_attempts),
            Outcome::Other => return,
        };
        match lateness {
            Lateness::OnTime(ahead) => seconds.add(ahead, 1),
            Lateness::Late => *late = late.saturating_add(1),
            Lateness::TooLate => {}
        }
    }

    /// Advances to the next second, `at`.
    pub(in crate::alert) fn step(&mut self, at: i64) {
        let late = std::mem::take(&mut self.late);
        let (good, bad, good_attempts) = (self.good.take(), self.bad.take(), self.good_attempts.take());
        self.now = Counts {
            good: good.saturating_add(late.good),
            bad: bad.saturating_add(late.bad),
            good_attempts: good_attempts.saturating_add(late.good_attempts),
            bad_attempts: self.bad_attempts.take().saturating_add(late.bad_attempts),
        };
        self.minute.advance(at);
        if self.now.calls() > 0 {
            self.minute.add(at, self.now.calls());
            self.rhythm.call(at);
        }
        if bad > 0 {
            self.note(Outcome::Error, at);
        }
        if good > 0 {
            self.note(Outcome::Success, at);
        }
        if good_attempts > 0 {
            self.last_good_attempt = Some(at);
        }
    }

    /// The calls in second `at` and in the `seconds` seconds before it, at most one minute.
    pub(super) fn within(&self, at: i64, seconds: i64) -> u64 {
        self.minute.total(at + (59 - seconds).max(0))
    }

    /// The first second from `at` on in which something changes if no call comes, or the one after `due`.
    pub(in crate::alert) fn quiet_until(&self, at: i64, due: i64) -> i64 {
        let pending = [&self.good, &self.bad, &self.good_attempts, &self.bad_attempts];
        let unfinished = [self.late, self.now].into_iter().any(|counts| counts != Counts::default());
        let waits = unfinished || pending.into_iter().any(|seconds| !seconds.is_empty());
        if waits { at } else { self.rhythm.quiet_until(at, due) }
    }

    fn note(&mut self, outcome: Outcome, at: i64) {
        self.last_call = self.last_call.max(Some(at));
        if outcome == Outcome::Success {
            self.last_good = self.last_good.max(Some(at));
        }
    }
}

/// All scopes, by provider, and by service where alerts are kept per service.
#[derive(Clone, Debug, Default)]
pub(in crate::alert) struct AllCalls {
    by_service: bool,
    all: Vec<(Scope, Calls)>,
    /// Positions in `all`, indexed by provider: counting a successful call must cost almost nothing.
    providers: Vec<Option<usize>>,
    services: FxHashMap<Scope, usize>,
}

impl AllCalls {
    /// The maximum number of scopes; further services share the name `overflow`.
    const LIMIT: usize = 2_000;

    pub(in crate::alert) fn new(by_service: bool) -> Self {
        Self { by_service, ..Self::default() }
    }

    /// The scope of a call; created if it is new.
    pub(in crate::alert) fn scope(&mut self, provider: Provider, service: Name) -> (Scope, &mut Calls) {
        let position = if self.by_service { self.of_service(provider, service) } else { self.of_provider(provider) };
        let (scope, calls) = &mut self.all[position];
        (*scope, calls)
    }

    pub(in crate::alert) fn get(&self, scope: Scope) -> Option<&Calls> {
        let position = if self.by_service {
            self.services.get(&scope).copied()
        } else {
            scope.provider.and_then(|provider| self.providers.get(provider.index()).copied().flatten())
        };
        position.and_then(|position| self.all.get(position)).map(|(_, calls)| calls)
    }

    /// Whether scopes of this form are kept: with a service, or without.
    pub(in crate::alert) fn keeps(&self, scope: Scope) -> bool {
        self.by_service || scope.service.is_empty()
    }

    pub(in crate::alert) fn iter(&self) -> impl Iterator<Item = &(Scope, Calls)> {
        self.all.iter()
    }

    pub(in crate::alert) fn iter_mut(&mut self) -> impl Iterator<Item = &mut (Scope, Calls)> {
        self.all.iter_mut()
    }

    /// Takes over saved calls; scopes that are not kept in this form any more are left out.
    pub(in crate::alert) fn restore(&mut self, saved: impl Iterator<Item = (Scope, Calls)>) {
        for (scope, calls) in saved {
            if let Some(provider) = scope.provider
                && self.keeps(scope)
            {
                *self.scope(provider, scope.service).1 = calls;
            }
        }
    }

    fn of_provider(&mut self, provider: Provider) -> usize {
        let index = provider.index();
        if index >= self.providers.len() {
            self.providers.resize(index + 1, None);
        }
        if let Some(position) = self.providers[index] {
            return position;
        }
        let position = self.push(Scope { provider: Some(provider), service: Name::EMPTY });
        self.providers[index] = Some(position);
        position
    }

    fn of_service(&mut self, provider: Provider, service: Name) -> usize {
        let mut scope = Scope { provider: Some(provider), service };
        if let Some(position) = self.services.get(&scope) {
            return *position;
        }
        if self.all.len() >= Self::LIMIT {
            scope.service = Name::new("overflow");
            if let Some(position) = self.services.get(&scope) {
                return *position;
            }
        }
        let position = self.push(scope);
        self.services.insert(scope, position);
        position
    }

    fn push(&mut self, scope: Scope) -> usize {
        self.all.push((scope, Calls::default()));
        self.all.len() - 1
    }
}
