//! All detections over all providers, and their findings.

use super::finding::{Blame, Finding, FindingKind};
use super::minutes::Counts;
use super::provider::ProviderState;
use super::repeat::{fnv1a, masked_hash};
use super::retiring::{RetiringModels, RetiringState};
use super::seen_errors::SeenErrors;
use super::template::template;
use super::wording::{length, plural, time_of_day};
use crate::classify::{Pattern, Retirement};
use crate::observation::Observation;
use crate::taxonomy::{Outcome, Provider, Providers};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The maximum number of findings; of more, the one that was observed longest ago is dropped.
const LIMIT: usize = 200;
/// Observed again within this time, a finding is the same one.
const EPISODE_SECONDS: i64 = 1_800;
/// A finding that was not observed for this long says nothing about the present.
const PRESENT_SECONDS: i64 = 600;

/// Watches calls and keeps the findings. The caller passes the time.
#[derive(Clone, Debug, Default)]
pub struct Detections {
    providers: BTreeMap<Provider, ProviderState>,
    seen_errors: SeenErrors,
    findings: Vec<Finding>,
    retiring: RetiringModels,
}

/// A growing group of errors that no pattern matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrowingGroup<'a> {
    /// The row of the errors.
    pub row: &'a str,
    /// The provider that was called.
    pub provider: Provider,
    /// The calling service, if it is known.
    pub service: Option<&'a str>,
    /// The second since which the group grows.
    pub since: i64,
    /// The second of the latest error.
    pub last: i64,
}

impl Detections {
    /// Takes in a call. `row` is the row of a failed call, and empty for a successful one. Attempts and details are ignored.
    pub fn observe(&mut self, seen: &Observation, row: &str, patterns: &[Pattern], providers: &Providers) {
        if !is_call(seen) {
            return;
        }
        self.seen_errors.call(seen.at.second());
        let provider = self.providers.entry(seen.provider).or_default();
        if seen.is_good_call() {
            return provider.good(seen);
        }
        provider.bad(seen, row, patterns);
        self.find_first_ever(seen, row, patterns, providers);
    }

    /// Takes in the announcement that a model ends.
    pub fn note_retirement(&mut self, provider: Provider, service: Option<&str>, retirement: &Retirement, at: Timestamp) {
        if let Some(finding) = self.retiring.note(provider, service, retirement, at) {
            put(&mut self.findings, finding);
        }
    }

    /// Diagnoses all providers at the end of a second.
    pub fn tick(&mut self, at: i64, providers: &Providers) {
        if !self.providers.values().any(ProviderState::is_due) {
            return;
        }
        let Self { providers: states, findings, .. } = self;
        for (provider, state) in states.iter_mut().filter(|(_, state)| state.is_due()) {
            state.diagnose(at, &mut |finding| put(findings, Finding { provider: *provider, ..finding }));
        }
        if let Some(finding) = self.find_all_providers(at, providers) {
            put(&mut self.findings, finding);
        }
    }

    /// The first second from `at` on that can bring a finding if no call comes, or the one after `due`.
    #[must_use]
    pub fn quiet_until(&self, at: i64, due: i64) -> i64 {
        // Providers that fail together are compared while their calls are recent.
        let may_be_silent = self.providers.values().filter(|state| state.may_be_unreachable(at)).count();
        if may_be_silent >= 2 {
            return at;
        }
        self.providers.values().filter_map(ProviderState::due).fold(due + 1, i64::min).max(at)
    }

    /// The groups of errors that no pattern matches and that grow now.
    #[must_use]
    pub fn growing(&self, at: i64) -> Vec<GrowingGroup<'_>> {
        let grows = |finding: &&Finding| finding.kind == FindingKind::Growing && at - finding.last.second() <= PRESENT_SECONDS;
        let group = |finding| {
            let Finding { row, provider, service, since, last, .. }: &Finding = finding;
            GrowingGroup {
                row: row.as_deref().unwrap_or_default(),
                provider: *provider,
                service: service.as_deref(),
                since: since.second(),
                last: last.second(),
            }
        };
        self.findings.iter().filter(grows).map(group).collect()
    }

    /// All findings, the latest first.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let mut all = self.findings.clone();
        all.sort_by(|a, b| (b.last, b.since, a.kind).cmp(&(a.last, a.since, b.kind)));
        all
    }

    /// The present findings about an alert of this row, provider and (where alerts are kept per service) service.
    #[must_use]
    pub fn concerning(&self, row: &str, provider: Provider, service: Option<&str>, at: i64) -> Vec<&Finding> {
        let concerns = |finding: &&Finding| {
            at - finding.last.second() <= PRESENT_SECONDS
                && (finding.provider == provider || finding.kind == FindingKind::AllProviders)
                && finding.row.as_deref().is_none_or(|own| own == row)
                && (service.is_none() || finding.service.is_none() || finding.service.as_deref() == service)
        };
        let mut all: Vec<&Finding> = self.findings.iter().filter(concerns).collect();
        // "One fails alone" and "all fail" contradict each other: only the newer finding holds.
        let latest = |kinds: &[FindingKind]| {
            all.iter().filter(|finding| kinds.contains(&finding.kind)).map(|finding| finding.last).max()
        };
        let one = latest(&[FindingKind::OneModel, FindingKind::OneService]);
        let whole = latest(&[FindingKind::WholeProvider, FindingKind::AllProviders]);
        all.retain(|finding| match finding.kind {
            FindingKind::OneModel | FindingKind::OneService => whole.is_none_or(|whole| finding.last > whole),
            FindingKind::WholeProvider | FindingKind::AllProviders => one.is_none_or(|one| finding.last >= one),
            _ => true,
        });
        all.sort_by_key(|finding| (finding.kind, finding.since));
        all
    }

    /// What is known about the key of a service at its first refusal.
    #[must_use]
    pub fn key_fact(&self, provider: Provider, service: &str) -> Option<String> {
        self.providers.get(&provider)?.key_fact(service)
    }

    /// The state that must survive a restart.
    #[must_use]
    pub fn state(&self, providers: &Providers) -> DetectionsState {
        let states = self.providers.iter().map(|(provider, state)| (providers.id(*provider).to_owned(), state.clone()));
        DetectionsState {
            providers: states.collect(),
            seen_errors: self.seen_errors.clone(),
            findings: self.findings.iter().map(|finding| FindingState::of(finding, providers)).collect(),
            retiring: self.retiring.state(providers),
        }
    }

    /// Restores a saved state. The state of unknown providers is dropped.
    #[must_use]
    pub fn restore(state: DetectionsState, providers: &Providers) -> Self {
        let DetectionsState { providers: states, seen_errors, findings, retiring } = state;
        let states = states.into_iter().filter_map(|(id, state)| Some((providers.by_saved_id(&id)?, state)));
        let findings = findings.into_iter().take(LIMIT).filter_map(|finding| finding.resolve(providers));
        let retiring = RetiringModels::restore(retiring, providers);
        Self { providers: states.collect(), seen_errors, findings: findings.collect(), retiring }
    }

    fn find_first_ever(&mut self, seen: &Observation, row: &str, patterns: &[Pattern], providers: &Providers) {
        let pattern = seen.pattern.and_then(|id| patterns.get(usize::from(id.0)));
        let message = seen.evidence.as_deref().map_or("", |evidence| evidence.message.as_str());
        let provider = fnv1a(0, providers.id(seen.provider).as_bytes());
        let id = match pattern {
            Some(pattern) => fnv1a(provider, pattern.id.as_bytes()),
            None => fnv1a(provider, &masked_hash(message).to_le_bytes()),
        };
        let Some(never) = self.seen_errors.error(id, seen.at.second()) else { return };
        let what = pattern.map_or_else(|| template(message), |pattern| pattern.title.clone());
        let text = format!("never seen before, in {} and {}: \"{what}\"", length(never.seconds), plural(never.calls, "call"));
        let advice = "Something has changed: check your latest deployment and the provider's announcements.";
        let finding = Finding {
            provider: seen.provider,
            service: seen.service.get().map(str::to_owned),
            model: seen.model.get().map(str::to_owned),
            row: Some(row.to_owned()),
            since: seen.at,
            last: seen.at,
            error_id: id,
            ..Finding::new(FindingKind::FirstEver, Blame::from(seen.owner), seen.at.second(), text, advice)
        };
        put(&mut self.findings, finding);
    }

    /// Several providers do not answer at the same time and none answers: then the network is the cause.
    fn find_all_providers(&self, at: i64, providers: &Providers) -> Option<Finding> {
        let called = self.providers.iter().filter(|(_, state)| state.minutes.sum(at, 5).all() >= 3);
        let silent: Vec<_> = called.clone().filter_map(|(provider, state)| Some((*provider, state.unreachable(at)?))).collect();
        if silent.len() < 2 || silent.len() < called.count() {
            return None;
        }
        let counts = silent.iter().fold(Counts::default(), |sum, (_, counts)| sum.plus(*counts));
        let names: Vec<&str> = silent.iter().map(|(provider, _)| providers.id(*provider)).collect();
        let (bad, all) = (counts.bad, plural(counts.all(), "call"));
        let text = format!(
            "{} do not answer at the same time ({bad} of {all} failed in the five minutes to {}), and no provider answers",
            names.join(" and "),
            time_of_day(at)
        );
        let advice = "It is not one provider: check DNS, proxy, egress and the network of the calling hosts.";
        Some(Finding::new(FindingKind::AllProviders, Blame::Network, at, text, advice))
    }
}

/// Whether the observation is a call, and not an attempt or a detail.
fn is_call(seen: &Observation) -> bool {
    (seen.is_failed_call() || seen.is_good_call()) && seen.outcome != Outcome::Other
}

/// Updates the same finding, or adds a new one.
fn put(findings: &mut Vec<Finding>, new: Finding) {
    // Each recovery is reported once, at its end.
    let may_last = new.kind != FindingKind::Recovery;
    // A model ends once, however often it is announced.
    let is_near =
        |old: &Finding| new.kind == FindingKind::Retirement || new.since.second() - old.last.second() <= EPISODE_SECONDS;
    let is_again = |old: &&mut Finding| may_last && old.is_same(&new) && is_near(old);
    if let Some(old) = findings.iter_mut().rev().find(is_again) {
        *old = Finding { since: old.since.min(new.since), last: old.last.max(new.last), ..new };
        return;
    }
    if findings.len() >= LIMIT
        && let Some(oldest) = (0..findings.len()).min_by_key(|position| findings[*position].last)
    {
        findings.remove(oldest);
    }
    findings.push(new);
}

/// The state of [`Detections`], with the ids of providers. Field names are those of the checkpoint format.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DetectionsState {
    #[serde(rename = "watches")]
    providers: Vec<(String, ProviderState)>,
    #[serde(rename = "known")]
    seen_errors: SeenErrors,
    #[serde(rename = "found")]
    findings: Vec<FindingState>,
    retiring: RetiringState,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct FindingState {
    kind: FindingKind,
    provider: String,
    service: Option<String>,
    model: Option<String>,
    row: Option<String>,
    blame: Blame,
    since: Timestamp,
    last: Timestamp,
    text: String,
    advice: String,
    #[serde(rename = "about")]
    error_id: u64,
}

impl FindingState {
    fn of(finding: &Finding, providers: &Providers) -> Self {
        let Finding { kind, provider, service, model, row, blame, since, last, text, advice, error_id } = finding.clone();
        let provider = providers.id(provider).to_owned();
        Self { kind, provider, service, model, row, blame, since, last, text, advice, error_id }
    }

    fn resolve(self, providers: &Providers) -> Option<Finding> {
        let Self { kind, provider, service, model, row, blame, since, last, text, advice, error_id } = self;
        let provider = providers.by_saved_id(&provider)?;
        Some(Finding { kind, provider, service, model, row, blame, since, last, text, advice, error_id })
    }
}
