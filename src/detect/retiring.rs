//! Models that are announced to end, with the services that use them.

use super::finding::{Blame, Finding, FindingKind};
use super::repeat::fnv1a;
use super::wording::plural;
use crate::classify::Retirement;
use crate::taxonomy::{Provider, Providers};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The maximum number of models, and of services that are named for each.
const MODELS: usize = 64;
const SERVICES: usize = 8;

/// The services that use each model that ends.
#[derive(Clone, Debug, Default)]
pub(super) struct RetiringModels(BTreeMap<(Provider, String), Vec<String>>);

/// [`RetiringModels`] with the ids of providers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct RetiringState(Vec<(String, String, Vec<String>)>);

impl RetiringModels {
    /// Takes in the announcement that a model ends. `None`: there are too many such models.
    pub(super) fn note(
        &mut self,
        provider: Provider,
        service: Option<&str>,
        retirement: &Retirement,
        at: Timestamp,
    ) -> Option<Finding> {
        let key = (provider, retirement.model.clone());
        if self.0.len() >= MODELS && !self.0.contains_key(&key) {
            return None;
        }
        let services = self.0.entry(key).or_default();
        if let Some(service) =
            service.filter(|service| services.len() < SERVICES && !services.iter().any(|known| known == service))
        {
            services.push(service.to_owned());
        }
        Some(finding(provider, services, retirement, at))
    }

    pub(super) fn state(&self, providers: &Providers) -> RetiringState {
        let models = self.0.iter();
        let saved = |((provider, model), services): (&(Provider, String), &Vec<String>)| {
            (providers.id(*provider).to_owned(), model.clone(), services.clone())
        };
        RetiringState(models.map(saved).collect())
    }

    /// Restores a saved state. Models of unknown providers are dropped.
    pub(super) fn restore(RetiringState(saved): RetiringState, providers: &Providers) -> Self {
        let known = saved.into_iter().take(MODELS).filter_map(|(provider, model, mut services)| {
            services.truncate(SERVICES);
            Some(((providers.by_saved_id(&provider)?, model), services))
        });
        Self(known.collect())
    }
}

/// A model that ends, with the days that are left and the services that use it.
fn finding(provider: Provider, services: &[String], Retirement { model, day, .. }: &Retirement, at: Timestamp) -> Finding {
    let when = day.map_or_else(
        || "is announced to end; no date is named".to_owned(),
        |day| {
            let (date, today) = (day.to_string(), at.second().div_euclid(86_400));
            let date = date.get(..10).unwrap_or_default();
            match day.second().div_euclid(86_400) - today {
                left @ 0.. => format!("ends on {date}, in {}", plural(left.unsigned_abs(), "day")),
                past => format!("has ended on {date}, {} ago", plural(past.unsigned_abs(), "day")),
            }
        },
    );
    let used = if services.is_empty() { String::new() } else { format!("; used by {}", services.join(", ")) };
    let text = format!("model {model} {when}{used}");
    let advice = "Move to its successor before that day: search the configuration of every service, also its lists of fallbacks, for the id.";
    Finding {
        provider,
        service: services.first().filter(|_| services.len() == 1).cloned(),
        model: Some(model.clone()),
        row: Some("caller".to_owned()),
        since: at,
        last: at,
        error_id: fnv1a(fnv1a(0, b"retirement"), model.as_bytes()),
        ..Finding::new(FindingKind::Retirement, Blame::Ours, at.second(), text, advice)
    }
}
