//! What of storms and alerts must survive a restart, as plain values: providers and rows by their ids.

use super::blind::Sight;
use super::calls::{AllCalls, Calls, Scope};
use super::cooldown::{Cooldowns, OriginState};
use super::machine::Phase;
use super::series::Series;
use super::table::Table;
use super::view::{Alert, Reason, State, Transition};
use super::{AlertOptions, Alerts, MAX_SERIES, NameTable, RowId, SelfCheck};
use crate::detect::{Detections, DetectionsState};
use crate::observation::Name;
use crate::taxonomy::Providers;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// [`Alerts`] as plain values.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AlertsState {
    frontier: Option<i64>,
    calls: Vec<(ScopeState, Calls)>,
    series: Vec<SeriesState>,
    sight: Sight,
    #[serde(default)]
    detections: DetectionsState,
    #[serde(default)]
    cooldowns: Vec<OriginState>,
    checks: [SelfCheck; 4],
    resolved: Vec<Alert>,
    awake: i64,
    overflowed: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ScopeState {
    provider: Option<String>,
    service: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SeriesState {
    row: String,
    scope: ScopeState,
    series: Series,
    /// The alert as it was told, for the day on which its row is gone.
    told: Option<Alert>,
}

impl Alerts {
    /// What must survive a restart.
    #[must_use]
    pub fn state(&self, lexicon: NameTable<'_>, now: Timestamp) -> AlertsState {
        let desk = self.desk(lexicon);
        let series = self.series.iter().filter_map(|(key, series)| {
            let row = self.table.row(key.0)?.id.clone();
            let told = Some(series.machine.told).filter(|it| matches!(it, Phase::Firing(_)));
            let told = told.and_then(|phase| Some(desk.draft(*key, series, now)?.alert(State::Firing, phase)));
            Some(SeriesState { row, scope: key.1.state(lexicon.providers), series: series.clone(), told })
        });
        AlertsState {
            frontier: self.frontier,
            calls: self.calls.iter().map(|(scope, calls)| (scope.state(lexicon.providers), calls.clone())).collect(),
            series: series.collect(),
            sight: self.sight.clone(),
            detections: self.detections.state(lexicon.providers),
            cooldowns: self.cooldowns.state(&self.table, lexicon.providers),
            checks: self.checks.clone(),
            resolved: self.resolved.iter().cloned().collect(),
            awake: self.awake,
            overflowed: self.overflowed,
        }
    }

    /// Goes on from a state. Alerts whose row is gone, or has another severity, resolve.
    pub fn restore(
        table: Table,
        options: AlertOptions,
        state: AlertsState,
        lexicon: NameTable<'_>,
        now: Timestamp,
        out: &mut Vec<Transition>,
    ) -> Self {
        let AlertsState { frontier, calls, series, sight, detections, cooldowns, checks, resolved, awake, overflowed } = state;
        let mut alerts =
            Self { frontier, sight, checks, resolved: resolved.into(), awake, overflowed, ..Self::new(table, options) };
        alerts.detections = Detections::restore(detections, lexicon.providers);
        alerts.cooldowns = Cooldowns::restore(&cooldowns, &alerts.table, lexicon.providers);
        alerts.calls.restore(calls.into_iter().filter_map(|(scope, calls)| Some((scope.resolve(lexicon.providers)?, calls))));
        for one in series {
            alerts.restore_series(one, lexicon, now, out);
        }
        alerts
    }

    fn restore_series(&mut self, state: SeriesState, lexicon: NameTable<'_>, now: Timestamp, out: &mut Vec<Transition>) {
        let SeriesState { row, scope, series, told } = state;
        let row = self.table.iter().find(|(_, it)| it.id == row && it.enabled);
        let goes_on = row.filter(|(_, it)| told.as_ref().is_none_or(|told| told.severity == it.severity));
        let key = goes_on.and_then(|(row, _)| Some((row, scope.resolve(lexicon.providers)?)));
        match (key, told) {
            (Some(key), _) if self.series.len() < MAX_SERIES && self.is_known(key) => {
                self.series.insert(key, series);
            }
            (_, Some(told)) => out.push(ended(told, now)),
            _ => {}
        }
    }

    /// Services are joined or parted when the configuration says so; a series without calls of its scope cannot go on.
    fn is_known(&self, (_, scope): (RowId, Scope)) -> bool {
        scope == Scope::OURSELVES || (self.calls.keeps(scope) && self.calls.get(scope).is_some())
    }
}

impl Scope {
    fn state(self, providers: &Providers) -> ScopeState {
        let provider = self.provider.map(|it| providers.id(it).to_owned());
        ScopeState { provider, service: self.service.as_str().to_owned() }
    }
}

impl ScopeState {
    /// `None`: the provider is not known any more.
    fn resolve(&self, providers: &Providers) -> Option<Scope> {
        let provider = match &self.provider {
            Some(id) => Some(providers.by_name(id)?),
            None => None,
        };
        Some(Scope { provider, service: Name::new(&self.service) })
    }
}

impl AllCalls {
    fn restore(&mut self, calls: impl Iterator<Item = (Scope, Calls)>) {
        for (scope, calls) in calls {
            if let Some(provider) = scope.provider
                && self.keeps(scope)
            {
                *self.scope(provider, scope.service).1 = calls;
            }
        }
    }
}

fn ended(mut alert: Alert, at: Timestamp) -> Transition {
    (alert.state, alert.resolved_at, alert.reason) = (State::Resolved, Some(at), Some(Reason::Config));
    Transition { at, from: State::Firing, to: State::Resolved, alert }
}
