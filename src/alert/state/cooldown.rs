//! The failures behind a router's cooldown.
//!
//! After a provider fails, a router stops sending calls to it for a while (a cooldown) and refuses them in its own name.
//! These refusals belong to the provider and the row of the failures that began the cooldown, not to the router.

use crate::alert::names::NameTable;
use crate::alert::table::{RowId, Table};
use crate::classify::Pattern;
use crate::observation::{Name, Observation};
use crate::taxonomy::{Provider, Providers};
use serde::{Deserialize, Serialize};

/// The maximum length of a cooldown.
const MAX_SECONDS: i64 = 600;
/// The maximum number of origins; of more, the oldest is dropped.
const LIMIT: usize = 64;

/// The latest failures behind routers.
#[derive(Clone, Debug, Default)]
pub(in crate::alert) struct Cooldowns(Vec<Origin>);

/// A failure that may begin a cooldown.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    router: Provider,
    provider: Provider,
    model: Name,
    row: RowId,
    at: i64,
}

/// An [`Origin`] with names instead of ids, as it is saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::alert) struct OriginState {
    router: String,
    provider: String,
    model: String,
    row: String,
    at: i64,
}

impl Cooldowns {
    /// Remembers a failure if it came through a router.
    pub(in crate::alert) fn note(&mut self, seen: &Observation, row: RowId) {
        let Observation { provider, model, .. } = *seen;
        let Some(router) = seen.gateway.filter(|router| *router != provider && provider != Provider::UNKNOWN) else { return };
        let at = seen.at.second();
        let mut origins = self.0.iter_mut();
        let known = origins.find(|old| (old.router, old.provider, old.model, old.row) == (router, provider, model, row));
        if let Some(known) = known {
            known.at = known.at.max(at);
            return;
        }
        if self.0.len() >= LIMIT
            && let Some(oldest) = (0..self.0.len()).min_by_key(|position| self.0[*position].at)
        {
            self.0.remove(oldest);
        }
        self.0.push(Origin { router, provider, model, row, at });
    }

    /// The provider and the row of the failures that began a cooldown of this router: the latest failure, preferably of the
    /// same model.
    pub(in crate::alert) fn origin(&self, router: Provider, seen: &Observation) -> Option<(Provider, RowId)> {
        let at = seen.at.second();
        let recent = self.0.iter().filter(|origin| origin.router == router && (0..=MAX_SECONDS).contains(&(at - origin.at)));
        let latest = recent.max_by_key(|origin| (origin.model == seen.model, origin.at))?;
        Some((latest.provider, latest.row))
    }

    /// Drops everything, because the row ids belong to another table now.
    pub(in crate::alert) fn clear(&mut self) {
        self.0.clear();
    }

    pub(in crate::alert) fn state(&self, table: &Table, providers: &Providers) -> Vec<OriginState> {
        let id = |provider| providers.id(provider).to_owned();
        let save = |origin: &Origin| {
            Some(OriginState {
                router: id(origin.router),
                provider: id(origin.provider),
                model: origin.model.to_string(),
                row: table.row(origin.row)?.id.clone(),
                at: origin.at,
            })
        };
        self.0.iter().filter_map(save).collect()
    }

    /// Origins of unknown providers and rows are left out.
    pub(in crate::alert) fn restore(state: &[OriginState], table: &Table, providers: &Providers) -> Self {
        let resolve = |saved: &OriginState| {
            Some(Origin {
                router: providers.by_saved_id(&saved.router)?,
                provider: providers.by_saved_id(&saved.provider)?,
                model: Name::new(&saved.model),
                row: table.by_name(&saved.row)?,
                at: saved.at,
            })
        };
        Self(state.iter().take(LIMIT).filter_map(resolve).collect())
    }
}

/// Whether a router refused the call because of a cooldown.
pub(in crate::alert) fn is_cooldown(seen: &Observation, names: NameTable<'_>) -> bool {
    seen.pattern.and_then(|id| names.pattern(id)).is_some_and(|pattern| pattern.has_tag(Pattern::COOLDOWN))
}
