//! What the parts of the page are rendered from, and the texts that several parts use.

use super::super::state::{AdminState, Loaded};
use crate::alert::{Alert, State};
use crate::metrics::Names;
use crate::pipeline::Snapshot;
use crate::time::{Timestamp, format_compact};
use maud::{Markup, html};
use std::collections::BTreeSet;

/// The state of the daemon at the time of the request.
pub(super) struct View<'a> {
    pub(super) state: &'a AdminState,
    pub(super) snapshot: &'a Snapshot,
    pub(super) names: &'a Names,
    pub(super) loaded: &'a Loaded,
    pub(super) now: Timestamp,
}

impl View<'_> {
    /// The alerts in this state, the most severe first, then the oldest first.
    pub(super) fn alerts_in(&self, state: State) -> Vec<&Alert> {
        let mut alerts: Vec<&Alert> = self.snapshot.alerts.iter().filter(|alert| alert.state == state).collect();
        alerts.sort_by_key(|alert| (std::cmp::Reverse(alert.severity), alert.since));
        alerts
    }

    /// The names of the providers of the alerts; of many, the first few and how many more.
    pub(super) fn providers_of(&self, alerts: &[&Alert]) -> String {
        const MAX_NAMES: usize = 4;
        let ids: BTreeSet<&str> = alerts.iter().map(|alert| alert.provider.as_str()).collect();
        let shown = if ids.len() > MAX_NAMES { MAX_NAMES - 1 } else { ids.len() };
        let names = ids.iter().take(shown).map(|id| self.provider_name(id)).collect::<Vec<_>>().join(", ");
        if shown < ids.len() { format!("{names} and {} more", ids.len() - shown) } else { names }
    }

    /// The display name of a provider; its id if it has none.
    pub(super) fn provider_name<'a>(&'a self, id: &'a str) -> &'a str {
        let provider = self.loaded.providers.get(id).filter(|provider| !provider.name.is_empty());
        provider.map_or(id, |provider| &provider.name)
    }

    pub(super) fn title(&self, alert: &Alert) -> String {
        let service = alert.service.as_deref().map(|service| format!(" for {service}")).unwrap_or_default();
        format!("{} at {}{service}", alert.name, self.provider_name(&alert.provider))
    }

    /// `3 min ago`, with the exact time as a tooltip.
    pub(super) fn ago(&self, at: Timestamp) -> Markup {
        html! { time title=(at) { (format_compact(self.now.since(at))) " ago" } }
    }

    /// Like [`Self::ago`]; `missing` if there is no time.
    pub(super) fn ago_or(&self, at: Option<Timestamp>, missing: &str) -> Markup {
        at.map_or_else(|| html! { (missing) }, |at| self.ago(at))
    }
}
