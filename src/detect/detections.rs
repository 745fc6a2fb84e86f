//! All detections over all providers, and what they have found.

use super::finding::{Blame, Finding, FindingKind, many, span};
use super::first::Known;
use super::repeat::{fold, masked};
use super::watch::{Watch, is_call};
use crate::classify::Pattern;
use crate::observation::Observation;
use crate::taxonomy::{Provider, Providers};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most findings that are kept; of more, those that were seen longest ago go.
const LIMIT: usize = 200;
/// What is seen again within this time is the same finding, in seconds.
const EPISODE: i64 = 1_800;
/// What was not seen for so long says nothing of the present, in seconds.
const PRESENT: i64 = 600;

/// Watches calls and keeps what it found in them. Told the time, as everything here.
#[derive(Clone, Debug, Default)]
pub struct Detections {
    watches: BTreeMap<Provider, Watch>,
    known: Known,
    found: Vec<Finding>,
}

/// Row, provider, service, first and last second of a group that grows.
pub type Growing<'a> = (&'a str, Provider, Option<&'a str>, i64, i64);

impl Detections {
    /// Takes in a call: that it worked, or that it failed and belongs to this row. Attempts and details are passed over.
    pub fn observe(&mut self, seen: &Observation, row: &str, patterns: &[Pattern], providers: &Providers) {
        if !is_call(seen) {
            return;
        }
        let at = seen.at.second();
        self.known.call(at);
        let watch = self.watches.entry(seen.provider).or_default();
        if seen.is_good_call() {
            return watch.good(seen);
        }
        watch.bad(seen, row, patterns);
        self.first_ever(seen, row, patterns, providers);
    }

    /// Looks at all providers at the end of a second.
    pub fn tick(&mut self, at: i64, providers: &Providers) {
        if self.watches.values().all(|it| !it.is_due()) {
            return;
        }
        let Self { watches, found, .. } = self;
        for (provider, watch) in watches.iter_mut().filter(|(_, it)| it.is_due()) {
            watch.diagnose(at, &mut |it| put(found, Finding { provider: *provider, ..it }));
        }
        if let Some(finding) = self.nobody_answers(at, providers) {
            put(&mut self.found, finding);
        }
    }

    /// Groups of errors that no pattern knows and that grow at this moment: row, provider, service, first and last second.
    #[must_use]
    pub fn growing(&self, at: i64) -> Vec<Growing<'_>> {
        let grows = |it: &&Finding| it.kind == FindingKind::Growing && at - it.last.second() <= PRESENT;
        let told = |it| {
            let Finding { row, provider, service, since, last, .. }: &Finding = it;
            (row.as_deref().unwrap_or_default(), *provider, service.as_deref(), since.second(), last.second())
        };
        self.found.iter().filter(grows).map(told).collect()
    }

    /// What was found, the latest first.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let mut all = self.found.clone();
        all.sort_by(|a, b| (b.last, b.since, a.kind).cmp(&(a.last, a.since, b.kind)));
        all
    }

    /// What holds at this moment and concerns an alert of this row, provider and (where it is kept so) service.
    #[must_use]
    pub fn concerning(&self, row: &str, provider: Provider, service: Option<&str>, at: i64) -> Vec<&Finding> {
        let fits = |it: &&Finding| {
            at - it.last.second() <= PRESENT
                && (it.provider == provider || it.kind == FindingKind::AllProviders)
                && it.row.as_deref().is_none_or(|it| it == row)
                && (service.is_none() || it.service.is_none() || it.service.as_deref() == service)
        };
        let mut all: Vec<&Finding> = self.found.iter().filter(fits).collect();
        // What is said of all is newer knowledge than what was said of one, or the other way round: only the newer holds.
        let latest = |kinds: &[FindingKind]| all.iter().filter(|it| kinds.contains(&it.kind)).map(|it| it.last).max();
        let one = latest(&[FindingKind::OneModel, FindingKind::OneService]);
        let whole = latest(&[FindingKind::WholeProvider, FindingKind::AllProviders]);
        all.retain(|it| match it.kind {
            FindingKind::OneModel | FindingKind::OneService => whole.is_none_or(|whole| it.last > whole),
            FindingKind::WholeProvider | FindingKind::AllProviders => one.is_none_or(|one| it.last >= one),
            _ => true,
        });
        all.sort_by_key(|it| (it.kind, it.since));
        all
    }

    /// What is known at the first refusal of a service's key.
    #[must_use]
    pub fn key_fact(&self, provider: Provider, service: &str) -> Option<String> {
        self.watches.get(&provider)?.key_fact(service)
    }

    /// What must survive a restart.
    #[must_use]
    pub fn state(&self, providers: &Providers) -> DetectionsState {
        DetectionsState {
            watches: self.watches.iter().map(|(provider, it)| (providers.id(*provider).to_owned(), it.clone())).collect(),
            known: self.known.clone(),
            found: self.found.iter().map(|it| Kept::of(it, providers)).collect(),
        }
    }

    /// Goes on from a state. What is known of providers that are gone is forgotten.
    #[must_use]
    pub fn restore(state: DetectionsState, providers: &Providers) -> Self {
        let DetectionsState { watches, known, found } = state;
        let watches = watches.into_iter().filter_map(|(id, it)| Some((providers.by_name(&id)?, it))).collect();
        Self { watches, known, found: found.into_iter().take(LIMIT).filter_map(|it| it.resolve(providers)).collect() }
    }

    fn first_ever(&mut self, seen: &Observation, row: &str, patterns: &[Pattern], providers: &Providers) {
        let pattern = seen.pattern.and_then(|it| patterns.get(usize::from(it.0)));
        let message = seen.evidence.as_deref().map_or("", |it| it.message.as_str());
        let provider = fold(0, providers.id(seen.provider).as_bytes());
        let id = match pattern {
            Some(pattern) => fold(provider, pattern.id.as_bytes()),
            None => fold(provider, &masked(message).to_le_bytes()),
        };
        let Some((looked, calls)) = self.known.error(id, seen.at.second()) else { return };
        let what = pattern.map_or_else(|| super::template(message), |it| it.title.clone());
        let text = format!("never seen before, in {} and {}: \"{what}\"", span(looked), many(calls, "call"));
        put(
            &mut self.found,
            Finding {
                kind: FindingKind::FirstEver,
                provider: seen.provider,
                service: seen.service.get().map(str::to_owned),
                model: seen.model.get().map(str::to_owned),
                row: Some(row.to_owned()),
                blame: Blame::from(seen.owner),
                since: seen.at,
                last: seen.at,
                text,
                advice: "Something has changed: look at the latest deployment here and at the provider's announcements."
                    .to_owned(),
                about: id,
            },
        );
    }

    /// Several providers that do not answer at once, and none that does: it is not they.
    fn nobody_answers(&self, at: i64, providers: &Providers) -> Option<Finding> {
        let heard = self.watches.iter().filter(|(_, it)| it.minutes.sum(at, 5).all() >= 3);
        let silent: Vec<_> = heard.clone().filter_map(|(provider, it)| Some((*provider, it.unreachable(at)?))).collect();
        if silent.len() < 2 || silent.len() < heard.count() {
            return None;
        }
        let counts = silent.iter().fold(super::minutes::Counts::default(), |sum, (_, it)| sum.plus(*it));
        let names: Vec<&str> = silent.iter().map(|(provider, _)| providers.id(*provider)).collect();
        let (bad, all) = (counts.bad, many(counts.all(), "call"));
        let now = Timestamp::from_second(at);
        Some(Finding {
            kind: FindingKind::AllProviders,
            provider: Provider::UNKNOWN,
            service: None,
            model: None,
            row: None,
            blame: Blame::Network,
            since: now,
            last: now,
            text: format!(
                "{} fail at once without an answer ({bad} of {all} in five minutes), and no provider answers",
                names.join(" and ")
            ),
            advice: "It is not one provider: check DNS, proxy, egress and the network of the hosts that call.".to_owned(),
            about: 0,
        })
    }
}

/// Brings what is known already up to date, or adds what is new.
fn put(found: &mut Vec<Finding>, new: Finding) {
    let again = |it: &&mut Finding| it.is_of(&new) && new.since.second() - it.last.second() <= EPISODE;
    if let Some(old) = found.iter_mut().rev().find(again) {
        *old = Finding { since: old.since.min(new.since), last: old.last.max(new.last), ..new };
        return;
    }
    if found.len() >= LIMIT
        && let Some(stalest) = (0..found.len()).min_by_key(|it| found[*it].last)
    {
        found.remove(stalest);
    }
    found.push(new);
}

/// [`Detections`] as plain values, providers by their ids.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DetectionsState {
    watches: Vec<(String, Watch)>,
    known: Known,
    found: Vec<Kept>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Kept {
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
    about: u64,
}

impl Kept {
    fn of(it: &Finding, providers: &Providers) -> Self {
        let Finding { kind, provider, service, model, row, blame, since, last, text, advice, about } = it.clone();
        let provider = providers.id(provider).to_owned();
        Self { kind, provider, service, model, row, blame, since, last, text, advice, about }
    }

    fn resolve(self, providers: &Providers) -> Option<Finding> {
        let Self { kind, provider, service, model, row, blame, since, last, text, advice, about } = self;
        let provider = providers.by_name(&provider)?;
        Some(Finding { kind, provider, service, model, row, blame, since, last, text, advice, about })
    }
}
