//! What is remembered of one provider; `diagnose.rs` looks for causes in it.

use super::bounded_map::BoundedMap;
use super::input_length::InputLengths;
use super::load::LoadHistory;
use super::minutes::{Counts, Minutes};
use super::owners::LatestOwners;
use super::recovery::Outage;
use super::repeat::FailingRequests;
use super::rotation::KeyHistory;
use super::template::template;
use crate::classify::Pattern;
use crate::observation::Observation;
use crate::taxonomy::{Category, Owner, Status};
use serde::{Deserialize, Serialize};

/// With fewer failures in five minutes than this, it is not said that a provider does not answer.
const MIN_UNREACHABLE: u64 = 3;

/// The id of the row for answers without content.
pub const HOLLOW_ROW: &str = "hollow";

/// The calls of one provider.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct ProviderState {
    pub(super) minutes: Minutes,
    pub(super) last_good: Option<i64>,
    /// The first failure after ten minutes without one.
    #[serde(rename = "fails_since")]
    pub(super) failing_since: i64,
    #[serde(rename = "latest")]
    latest_failure: LatestFailure,
    /// The owners of the latest failures.
    #[serde(default)]
    pub(super) latest_failures: LatestOwners,
    pub(super) models: BoundedMap<ModelState>,
    pub(super) services: BoundedMap<ServiceState>,
    #[serde(rename = "lengths")]
    pub(super) input_lengths: InputLengths,
    #[serde(rename = "repeats")]
    pub(super) requests: FailingRequests,
    #[serde(rename = "trouble")]
    pub(super) outage: Outage,
    pub(super) hollow: HollowAnswers,
    /// The row of calls that timed out.
    pub(super) timeouts_row: Option<String>,
    /// Whether a call has failed since the last diagnosis.
    #[serde(rename = "dirty")]
    pub(super) has_failed: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct LatestFailure {
    /// The call got no response at all.
    no_answer: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct ModelState {
    pub(super) minutes: Minutes,
    pub(super) owner: Option<Owner>,
    pub(super) load: LoadHistory,
    /// The row of calls that reached a rate limit.
    #[serde(rename = "limited")]
    pub(super) limited_row: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct ServiceState {
    pub(super) minutes: Minutes,
    pub(super) owner: Option<Owner>,
    pub(super) key: KeyHistory,
    /// The row of calls that were refused because of their key.
    #[serde(rename = "refused")]
    pub(super) refused_row: Option<String>,
}

/// Answers without content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct HollowAnswers {
    pub(super) minutes: Minutes,
    pub(super) since: i64,
    /// The model of the latest one.
    pub(super) model: String,
}

impl HollowAnswers {
    fn add(&mut self, at: i64, model: &str) {
        if self.minutes.sum(at, 10).bad == 0 {
            self.since = at;
        }
        self.minutes.add(at, false);
        self.model.clear();
        self.model.push_str(model);
    }
}

impl ProviderState {
    /// Takes in a successful call.
    pub(super) fn good(&mut self, seen: &Observation) {
        let at = seen.at.second();
        self.minutes.add(at, true);
        self.last_good = self.last_good.max(Some(at));
        self.outage.good(at);
        if let Some(model) = self.models.touch(seen.model, at) {
            model.minutes.add(at, true);
            model.load.add(at, false, seen.latency_s);
        }
        if let Some(service) = self.services.touch(seen.service, at) {
            service.minutes.add(at, true);
            service.key.good(at);
        }
        if let Some(tokens) = seen.input_tokens {
            self.input_lengths.add(at, tokens, false);
        }
        self.requests.good(seen);
    }

    /// Takes in a failed call.
    pub(super) fn bad(&mut self, seen: &Observation, row: &str, patterns: &[Pattern]) {
        let at = seen.at.second();
        if self.minutes.sum(at, 10).bad == 0 {
            self.failing_since = at;
        }
        self.has_failed = true;
        self.minutes.add(at, false);
        self.outage.bad(at, seen.owner);
        self.latest_failures.add(seen.owner);
        let status = seen.effective_status();
        let no_answer = matches!(status, Some(Status::Timeout | Status::Connection)) || seen.owner == Owner::Network;
        self.latest_failure = LatestFailure { no_answer };
        self.bad_model(seen, status, row);
        self.bad_service(seen, status, row);
        if let Some(tokens) = seen.input_tokens.filter(|_| is_timeout(status)) {
            self.input_lengths.add(at, tokens, true);
            set(&mut self.timeouts_row, row);
        }
        if row == HOLLOW_ROW {
            self.hollow.add(at, seen.model.as_str());
        }
        let title = || match seen.pattern.and_then(|id| patterns.get(usize::from(id.0))) {
            Some(pattern) => pattern.title.clone(),
            None => seen.evidence.as_deref().map(|evidence| template(&evidence.message)).unwrap_or_default(),
        };
        self.requests.bad(seen, row, title);
    }

    fn bad_model(&mut self, seen: &Observation, status: Option<Status>, row: &str) {
        let at = seen.at.second();
        let Some(model) = self.models.touch(seen.model, at) else { return };
        let limited = seen.category == Category::RateLimitCapacity && status == Some(Status::Http(429));
        model.minutes.add(at, false);
        model.owner = Some(seen.owner);
        model.load.add(at, limited, None);
        if limited {
            set(&mut model.limited_row, row);
        }
    }

    fn bad_service(&mut self, seen: &Observation, status: Option<Status>, row: &str) {
        let at = seen.at.second();
        let Some(service) = self.services.touch(seen.service, at) else { return };
        service.minutes.add(at, false);
        service.owner = Some(seen.owner);
        // A 403 is a missing permission, not an invalid key.
        if seen.category == Category::Auth && seen.owner == Owner::Account && status != Some(Status::Http(403)) {
            let evidence = seen.evidence.as_deref();
            let host = evidence.and_then(|evidence| evidence.host.as_deref());
            let hint = evidence.and_then(|evidence| evidence.key_hint.as_deref());
            service.key.refused(at, host, hint);
            set(&mut service.refused_row, row);
        }
    }

    /// Whether a diagnosis may find something.
    pub(super) fn is_due(&self) -> bool {
        self.has_failed || self.outage.is_open()
    }

    /// The next second in which a diagnosis may find something, if no call comes.
    pub(super) fn due(&self) -> Option<i64> {
        if self.has_failed { Some(i64::MIN) } else { self.outage.recovers_at() }
    }

    /// Whether [`Self::unreachable`] may find something at `at` or later, if no call comes: then the calls become fewer.
    pub(super) fn may_be_unreachable(&self, at: i64) -> bool {
        self.last_good.is_some() && self.latest_failure.no_answer && self.minutes.sum(at, 5).bad >= MIN_UNREACHABLE
    }

    /// The calls of the last five minutes, if most of them got no answer.
    pub(super) fn unreachable(&self, at: i64) -> Option<Counts> {
        let counts = self.minutes.sum(at, 5);
        let seems_down = self.latest_failure.no_answer && counts.bad >= MIN_UNREACHABLE && counts.mostly_fail();
        (self.last_good.is_some() && seems_down).then_some(counts)
    }

    /// What is known about the key of a service at its first refusal.
    pub(super) fn key_fact(&self, service: &str) -> Option<String> {
        self.services.get(service)?.key.fact(service)
    }
}

fn is_timeout(status: Option<Status>) -> bool {
    matches!(status, Some(Status::Timeout | Status::Http(408 | 504 | 524)))
}

/// Sets a text; does not allocate if it is the same already.
fn set(text: &mut Option<String>, value: &str) {
    if text.as_deref() != Some(value) {
        *text = Some(value.to_owned());
    }
}
