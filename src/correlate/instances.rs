//! The calls of each service in a stream: `docker compose logs` and `stern` mix many services, and what one writes says nothing of another.

use super::state::CorrelateState;
use super::stream::{GrainRule, StreamCalls};
use crate::classify::Catalog;
use crate::observation::{Name, Observation, SourceId};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The most services of a stream that are kept apart; the others share what the stream itself has.
const MAX_SERVICES: usize = 64;

/// The calls of a stream, by the service and the machine in the prefixes of its lines.
#[derive(Debug)]
pub struct Instances {
    rule: GrainRule,
    /// Of lines with a prefix that names no service.
    own: StreamCalls,
    carried: Vec<(Name, Name, StreamCalls)>,
}

/// [`Instances`] as plain values.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct InstancesState {
    #[serde(flatten)]
    own: CorrelateState,
    #[serde(default)]
    carried: Vec<(String, String, CorrelateState)>,
}

impl Instances {
    /// For a stream with this rule.
    #[must_use]
    pub fn new(rule: GrainRule) -> Self {
        Self { rule, own: StreamCalls::new(rule), carried: Vec::new() }
    }

    /// The calls of a service on a machine, as the prefix of a line names them; both are empty without a prefix.
    pub fn of(&mut self, service: &str, host: &str) -> &mut StreamCalls {
        let Self { rule, own, carried } = self;
        if service.is_empty() && host.is_empty() {
            return own;
        }
        let (service, host) = (Name::new(service), Name::new(host));
        match carried.iter().position(|known| (known.0, known.1) == (service, host)) {
            Some(at) => &mut carried[at].2,
            None if carried.len() == MAX_SERVICES => own,
            None => {
                carried.push((service, host, StreamCalls::new(*rule)));
                let at = carried.len() - 1;
                &mut carried[at].2
            }
        }
    }

    fn all(&mut self) -> impl Iterator<Item = &mut StreamCalls> {
        let Self { own, carried, .. } = self;
        std::iter::once(own).chain(carried.iter_mut().map(|(_, _, calls)| calls))
    }

    /// Uses another rule from now on.
    pub fn set_rule(&mut self, rule: GrainRule) {
        self.rule = rule;
        self.all().for_each(|calls| calls.set_rule(rule));
    }

    /// When the next failure that is held counts.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        let carried = self.carried.iter().filter_map(|(_, _, calls)| calls.due()).min();
        self.own.due().into_iter().chain(carried).min()
    }

    /// Emits failures that were held long enough.
    pub fn release_failures(&mut self, now: Timestamp, out: &mut impl FnMut(&mut Observation)) {
        self.all().for_each(|calls| calls.release_failures(now, out));
    }

    /// Emits attempts that have waited long enough, as calls.
    pub fn release_attempts(&mut self, now: Timestamp, out: &mut impl FnMut(&mut Observation)) {
        self.all().for_each(|calls| calls.release_attempts(now, out));
    }

    /// The stream has ended: emits everything that still waits.
    pub fn finish(&mut self, out: &mut impl FnMut(&mut Observation)) {
        self.all().for_each(|calls| calls.finish(out));
    }

    /// What must survive a restart.
    #[must_use]
    pub fn state(&self, catalog: &Catalog) -> InstancesState {
        let carried = self.carried.iter();
        let saved = |(service, host, calls): &(Name, Name, StreamCalls)| {
            (service.as_str().to_owned(), host.as_str().to_owned(), calls.state(catalog))
        };
        InstancesState { own: self.own.state(catalog), carried: carried.map(saved).collect() }
    }

    /// Restores a state. Entries with an unknown provider are dropped.
    pub fn restore(&mut self, state: InstancesState, catalog: &Catalog, source: SourceId) {
        self.own.restore(state.own, catalog, source);
        for (service, host, calls) in state.carried.into_iter().take(MAX_SERVICES) {
            self.of(&service, &host).restore(calls, catalog, source);
        }
    }
}
