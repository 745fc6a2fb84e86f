//! The state of one stream as plain values, for the checkpoint: an attempt that waits for its call is counted once, also when the
//! process restarts in between.

use super::attempts::{Attempts, MAX_WAITING, Waiting};
use super::context::{LastCall, MAX_HOSTS, MAX_MODELS, ProviderContext};
use super::failures::{Failures, MAX_FAILURES, Try};
use super::habits::Habits;
use super::saved::SavedObservation;
use super::saved_failure::SavedFailure;
use super::stream::StreamCalls;
use super::told_twice::ToldTwice;
use super::traces::Traces;
use crate::classify::Catalog;
use crate::observation::{Name, SourceId};
use crate::taxonomy::Provider;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// [`StreamCalls`] as plain values: providers and patterns are ids.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CorrelateState {
    good_call_at: Option<Timestamp>,
    bad_call_at: Option<Timestamp>,
    llm_at: Option<Timestamp>,
    transport_at: Option<Timestamp>,
    #[serde(default)]
    unserved: u32,
    good_attempts: usize,
    attempts_are_calls: [bool; 2],
    held: Vec<SavedObservation>,
    /// What each attempt in `held` announced.
    #[serde(default)]
    tries: Vec<Option<Try>>,
    last: Option<(Timestamp, String)>,
    hosts: Vec<(String, Timestamp)>,
    answers: u32,
    since_last: u32,
    models: Vec<(String, String)>,
    relay: Option<(String, Timestamp)>,
    #[serde(default)]
    sole: Option<(String, u32)>,
    #[serde(default)]
    mixed_at: Option<Timestamp>,
    #[serde(default)]
    failures: Vec<SavedFailure>,
    /// The numbers of the latest record and of the latest success.
    #[serde(default)]
    record: (u64, u64),
    #[serde(default)]
    traces: Traces,
    #[serde(default)]
    told: ToldTwice,
    #[serde(default)]
    habits: Habits,
}

impl StreamCalls {
    /// What must survive a restart.
    #[must_use]
    pub fn state(&self, catalog: &Catalog) -> CorrelateState {
        let id = |provider: Provider| catalog.providers().id(provider).to_owned();
        let Self { rule: _, llm_at, transport_at, unserved, attempts, context, failures, traces, told, habits } = self;
        let Attempts { good_call_at, bad_call_at, good_since_call, are_calls, waiting } = attempts;
        let ProviderContext { last, since_last, hosts, answers, models, relay, sole, mixed_at } = context;
        CorrelateState {
            good_call_at: *good_call_at,
            bad_call_at: *bad_call_at,
            llm_at: *llm_at,
            transport_at: *transport_at,
            unserved: *unserved,
            good_attempts: *good_since_call,
            attempts_are_calls: *are_calls,
            held: waiting.iter().map(|attempt| SavedObservation::new(&attempt.seen, catalog)).collect(),
            tries: waiting.iter().map(|attempt| attempt.announces).collect(),
            last: last.map(|last| (last.at, id(last.provider))),
            hosts: hosts.iter().map(|(provider, at)| (id(*provider), *at)).collect(),
            answers: *answers,
            since_last: *since_last,
            models: models.iter().map(|(name, provider)| (name.as_str().to_owned(), id(*provider))).collect(),
            relay: relay.map(|(provider, at)| (id(provider), at)),
            sole: sole.map(|(provider, count)| (id(provider), count)),
            mixed_at: *mixed_at,
            failures: failures.open.iter().map(|failure| SavedFailure::new(failure, catalog)).collect(),
            record: (failures.number, failures.success),
            traces: traces.clone(),
            told: told.clone(),
            habits: habits.clone(),
        }
    }

    /// Restores a state. Entries with an unknown provider are dropped.
    pub fn restore(&mut self, state: CorrelateState, catalog: &Catalog, source: SourceId) {
        let provider = |id: &str| catalog.providers().by_saved_id(id);
        let CorrelateState {
            good_call_at,
            bad_call_at,
            llm_at,
            transport_at,
            unserved,
            good_attempts,
            attempts_are_calls,
            held,
            tries,
            last,
            hosts,
            answers,
            since_last,
            models,
            relay,
            sole,
            mixed_at,
            failures,
            record: (number, success),
            traces,
            told,
            habits,
        } = state;
        let tries = tries.into_iter().chain(std::iter::repeat(None));
        let waiting = held.into_iter().zip(tries).take(MAX_WAITING);
        let waiting = waiting.map(|(seen, announces)| Waiting { seen: seen.resolve(catalog, source), announces }).collect();
        let attempts =
            Attempts { good_call_at, bad_call_at, good_since_call: good_attempts, are_calls: attempts_are_calls, waiting };
        let context = ProviderContext {
            last: last.map(|(at, id)| LastCall { at, provider: provider(&id).unwrap_or(Provider::UNKNOWN) }),
            since_last,
            hosts: hosts.iter().filter_map(|(id, at)| Some((provider(id)?, *at))).take(MAX_HOSTS).collect(),
            answers,
            models: models.iter().filter_map(|(name, id)| Some((Name::new(name), provider(id)?))).take(MAX_MODELS).collect(),
            relay: relay.and_then(|(id, at)| Some((provider(&id)?, at))),
            sole: sole.and_then(|(id, count)| Some((provider(&id)?, count))),
            mixed_at,
        };
        let open = failures.into_iter().take(MAX_FAILURES).map(|failure| failure.resolve(catalog, source)).collect();
        let mut failures = Failures { open, number, success, due: None };
        failures.note_due();
        *self = Self { rule: self.rule, llm_at, transport_at, unserved, attempts, context, failures, traces, told, habits };
    }
}
