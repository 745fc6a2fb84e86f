//! Whose failures a router's cooldown stands for.
//!
//! A router that has seen a provider fail lets it rest, and refuses calls meanwhile in its own name. Those refusals are the
//! provider's trouble still: they belong to the row and the provider whose failures began the cooldown, not to the router.

use super::table::Table;
use super::{NameTable, RowId};
use crate::classify::Pattern;
use crate::observation::{Name, Observation};
use crate::taxonomy::{Provider, Providers};
use serde::{Deserialize, Serialize};

/// No cooldown is longer than this, in seconds.
const LONGEST: i64 = 600;
/// Routers, providers, models and rows that fail at once.
const LIMIT: usize = 64;

/// Latest failures behind routers.
#[derive(Clone, Debug, Default)]
pub(super) struct Cooldowns(Vec<Origin>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    router: Provider,
    provider: Provider,
    model: Name,
    row: RowId,
    at: i64,
}

/// An [`Origin`] as plain values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OriginState {
    router: String,
    provider: String,
    model: String,
    row: String,
    at: i64,
}

impl Cooldowns {
    /// Takes in a failure behind a router.
    pub(super) fn note(&mut self, seen: &Observation, row: RowId) {
        let Some(router) = seen.gateway.filter(|it| *it != seen.provider && seen.provider != Provider::UNKNOWN) else { return };
        let Observation { provider, model, .. } = *seen;
        let at = seen.at.second();
        let known = self.0.iter_mut().find(|it| (it.router, it.provider, it.model, it.row) == (router, provider, model, row));
        if let Some(known) = known {
            known.at = known.at.max(at);
            return;
        }
        if self.0.len() >= LIMIT
            && let Some(oldest) = (0..self.0.len()).min_by_key(|it| self.0[*it].at)
        {
            self.0.remove(oldest);
        }
        self.0.push(Origin { router, provider, model, row, at });
    }

    /// The provider and the row of the failures that began a cooldown of this router: the latest, of the same model if
    /// there are such.
    pub(super) fn origin(&self, router: Provider, seen: &Observation) -> Option<(Provider, RowId)> {
        let at = seen.at.second();
        let before = self.0.iter().filter(|it| it.router == router && (0..=LONGEST).contains(&(at - it.at)));
        before.max_by_key(|it| (it.model == seen.model, it.at)).map(|it| (it.provider, it.row))
    }

    /// Rows mean something else now.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    pub(super) fn state(&self, table: &Table, providers: &Providers) -> Vec<OriginState> {
        let plain = |it: &Origin| {
            let row = table.row(it.row)?.id.clone();
            let id = |it| providers.id(it).to_owned();
            Some(OriginState { router: id(it.router), provider: id(it.provider), model: it.model.to_string(), row, at: it.at })
        };
        self.0.iter().filter_map(plain).collect()
    }

    pub(super) fn restore(state: &[OriginState], table: &Table, providers: &Providers) -> Self {
        let known = |it: &OriginState| {
            let (router, provider) = (providers.by_name(&it.router)?, providers.by_name(&it.provider)?);
            Some(Origin { router, provider, model: Name::new(&it.model), row: table.by_name(&it.row)?, at: it.at })
        };
        Self(state.iter().take(LIMIT).filter_map(known).collect())
    }
}

/// Whether a router refused the call because it lets a provider rest.
pub(super) fn is_cooldown(seen: &Observation, lexicon: NameTable<'_>) -> bool {
    seen.pattern.and_then(|id| lexicon.pattern(id)).is_some_and(|pattern| pattern.has_tag(Pattern::COOLDOWN))
}
