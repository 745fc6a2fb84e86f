//! The calls of each provider (and service, where alerts are kept per service), second by second.

use super::seconds::Seconds;
use super::silence::Rhythm;
use crate::observation::Name;
use crate::taxonomy::{Outcome, Provider};
use crate::window::Ring;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

/// Whose alert it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Scope {
    /// `None`: this process itself.
    pub(super) provider: Option<Provider>,
    /// Empty where alerts are not kept per service.
    pub(super) service: Name,
}

impl Scope {
    pub(super) const OURSELVES: Self = Self { provider: None, service: Name::EMPTY };
}

/// The calls of one scope.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Calls {
    good: Seconds,
    bad: Seconds,
    good_attempts: Seconds,
    bad_attempts: Seconds,
    /// Calls that came too late for their own second.
    late: Counts,
    /// What the second under evaluation brought.
    #[serde(skip)]
    pub(super) now: Counts,
    /// The latest second in which a call worked; `None`: successes are not seen.
    pub(super) last_good: Option<i64>,
    /// The latest second with a call.
    pub(super) last_call: Option<i64>,
    /// The latest second in which an attempt worked.
    pub(super) last_good_attempt: Option<i64>,
    /// All calls of the last minute.
    pub(super) minute: Ring<60, 1>,
    /// How steadily they come.
    pub(super) rhythm: Rhythm,
}

/// One second of one scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counts {
    pub(super) good: u32,
    pub(super) bad: u32,
    pub(super) good_attempts: u32,
    pub(super) bad_attempts: u32,
}

impl Counts {
    pub(super) const fn calls(self) -> u32 {
        self.good.saturating_add(self.bad)
    }
}

/// Where in time an event lies, seen from the next second to be evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// That many seconds ahead.
    Ahead(usize),
    /// Its own second was evaluated already: it counts in the next one, with its own time.
    Late,
    /// So old that a storm of then would be over: no storm may open for it now.
    TooLate,
}

impl Calls {
    /// Takes in a call.
    pub(super) fn call(&mut self, outcome: Outcome, at: i64, place: Place) {
        let (seconds, late) = match outcome {
            Outcome::Success => (&mut self.good, &mut self.late.good),
            Outcome::Error => (&mut self.bad, &mut self.late.bad),
            Outcome::Other => return,
        };
        match place {
            Place::Ahead(ahead) => return seconds.add(ahead, 1),
            Place::Late => *late = late.saturating_add(1),
            Place::TooLate => {}
        }
        // It says something of its own time only: a success of before the failures is no recovery.
        self.note(outcome, at);
    }

    /// Takes in an attempt.
    pub(super) fn attempt(&mut self, outcome: Outcome, place: Place) {
        let (seconds, late) = match outcome {
            Outcome::Success => (&mut self.good_attempts, &mut self.late.good_attempts),
            Outcome::Error => (&mut self.bad_attempts, &mut self.late.bad_attempts),
            Outcome::Other => return,
        };
        match place {
            Place::Ahead(ahead) => seconds.add(ahead, 1),
            Place::Late => *late = late.saturating_add(1),
            Place::TooLate => {}
        }
    }

    /// Goes on to the next second.
    pub(super) fn step(&mut self, at: i64) {
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

    /// The calls of so many seconds before this one and of itself, of a minute at most.
    pub(super) fn within(&self, at: i64, seconds: i64) -> u64 {
        self.minute.total(at + (59 - seconds).max(0))
    }

    /// Whether it can be left alone until a call comes in.
    pub(super) fn is_idle(&self, at: i64) -> bool {
        let empty = |it: &Seconds| it.is_empty();
        empty(&self.good)
            && empty(&self.bad)
            && empty(&self.good_attempts)
            && empty(&self.bad_attempts)
            && self.late == Counts::default()
            && !self.rhythm.is_steady(at)
    }

    fn note(&mut self, outcome: Outcome, at: i64) {
        self.last_call = self.last_call.max(Some(at));
        if outcome == Outcome::Success {
            self.last_good = self.last_good.max(Some(at));
        }
    }
}

/// All scopes, by provider, and by service where alerts are kept so.
#[derive(Clone, Debug, Default)]
pub(super) struct AllCalls {
    by_service: bool,
    all: Vec<(Scope, Calls)>,
    /// Positions in `all` by the provider's index: a successful call must cost next to nothing.
    providers: Vec<Option<usize>>,
    services: FxHashMap<Scope, usize>,
}

impl AllCalls {
    /// The most scopes; services beyond are joined under the name `overflow`.
    const LIMIT: usize = 2_000;

    pub(super) fn new(by_service: bool) -> Self {
        Self { by_service, ..Self::default() }
    }

    /// The scope of a call, made when it is new.
    pub(super) fn scope(&mut self, provider: Provider, service: Name) -> (Scope, &mut Calls) {
        let position = if self.by_service { self.of_service(provider, service) } else { self.of_provider(provider) };
        let (scope, calls) = &mut self.all[position];
        (*scope, calls)
    }

    pub(super) fn get(&self, scope: Scope) -> Option<&Calls> {
        let position = if self.by_service {
            self.services.get(&scope).copied()
        } else {
            scope.provider.and_then(|it| self.providers.get(it.index()).copied().flatten())
        };
        position.and_then(|it| self.all.get(it)).map(|(_, calls)| calls)
    }

    /// Whether calls are kept by such scopes: with a service, or without.
    pub(super) fn keeps(&self, scope: Scope) -> bool {
        self.by_service || scope.service.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(Scope, Calls)> {
        self.all.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut (Scope, Calls)> {
        self.all.iter_mut()
    }

    fn of_provider(&mut self, provider: Provider) -> usize {
        let index = provider.index();
        if index >= self.providers.len() {
            self.providers.resize(index + 1, None);
        }
        match self.providers[index] {
            Some(position) => position,
            None => {
                let position = self.push(Scope { provider: Some(provider), service: Name::EMPTY });
                self.providers[index] = Some(position);
                position
            }
        }
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
