//! The state of alerts that must survive a restart, as plain values with the names of providers and rows.

use super::alerts::{Alerts, MAX_RULES, RuleKey};
use super::names::NameTable;
use super::options::AlertOptions;
use super::state::{
    Calls, Cooldowns, CutAnswers, OriginState, RecognitionMonitor, RuleState, Scope, SelfChecks, Series, SlowAnswers,
    SlowAnswersState, Stage,
};
use super::table::Table;
use super::view::{Alert, Reason, State, Transition};
use crate::detect::{Detections, DetectionsState};
use crate::observation::Name;
use crate::taxonomy::Providers;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The state of [`Alerts`]. Field names are those of the checkpoint format.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AlertsState {
    #[serde(rename = "frontier")]
    next_second: Option<i64>,
    calls: Vec<(ScopeState, Calls)>,
    #[serde(rename = "series")]
    rules: Vec<RuleRecord>,
    #[serde(rename = "sight")]
    recognition: RecognitionMonitor,
    #[serde(default)]
    cut_answers: Vec<(ScopeState, String, Series)>,
    #[serde(default)]
    slow_answers: SlowAnswersState,
    #[serde(default)]
    detections: DetectionsState,
    #[serde(default)]
    cooldowns: Vec<OriginState>,
    #[serde(rename = "checks")]
    self_checks: SelfChecks,
    resolved: Vec<Alert>,
    #[serde(rename = "awake")]
    last_asleep: i64,
    /// Always 0. Earlier versions require the field, so a downgrade keeps its state.
    overflowed: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ScopeState {
    provider: Option<String>,
    service: String,
}

impl ScopeState {
    fn of(scope: Scope, providers: &Providers) -> Self {
        let provider = scope.provider.map(|provider| providers.id(provider).to_owned());
        Self { provider, service: scope.service.as_str().to_owned() }
    }

    /// `None`: the provider is not known any more.
    fn resolve(&self, providers: &Providers) -> Option<Scope> {
        let provider = match &self.provider {
            Some(id) => Some(providers.by_saved_id(id)?),
            None => None,
        };
        Some(Scope { provider, service: Name::new(&self.service) })
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct RuleRecord {
    row: String,
    scope: ScopeState,
    #[serde(rename = "series")]
    rule: RuleState,
    /// The firing alert as last notified, to resolve it if its row is gone after the restart.
    #[serde(rename = "told")]
    firing: Option<Alert>,
}

impl Alerts {
    /// The state that must survive a restart.
    #[must_use]
    pub fn state(&self, names: NameTable<'_>, now: Timestamp) -> AlertsState {
        let context = self.render_context(names);
        let rules = self.rules.iter().filter_map(|(key, rule)| {
            let row = self.table.row(key.0)?.id.clone();
            let stage = Some(rule.machine.last_notified).filter(|stage| matches!(stage, Stage::Firing(_)));
            let firing = stage.and_then(|stage| context.alert(*key, rule, State::Firing, stage, now));
            Some(RuleRecord { row, scope: ScopeState::of(key.1, names.providers), rule: rule.clone(), firing })
        });
        let calls = self.calls.iter().map(|(scope, calls)| (ScopeState::of(*scope, names.providers), calls.clone()));
        AlertsState {
            next_second: self.next_second,
            calls: calls.collect(),
            rules: rules.collect(),
            recognition: self.recognition.clone(),
            cut_answers: self.saved_answers(names.providers),
            slow_answers: self.slow_answers.state(names.providers),
            detections: self.detections.state(names.providers),
            cooldowns: self.cooldowns.state(&self.table, names.providers),
            self_checks: self.self_checks.clone(),
            resolved: self.resolved.iter().cloned().collect(),
            last_asleep: self.last_asleep,
            overflowed: 0,
        }
    }

    /// Continues from a saved state. An alert resolves if its row is gone or has another severity now.
    pub fn restore(
        table: Table,
        options: AlertOptions,
        state: AlertsState,
        names: NameTable<'_>,
        now: Timestamp,
        out: &mut Vec<Transition>,
    ) -> Self {
        let AlertsState {
            next_second,
            calls,
            rules,
            recognition,
            cut_answers,
            slow_answers,
            detections,
            cooldowns,
            self_checks,
            resolved,
            last_asleep,
            overflowed: _,
        } = state;
        let mut alerts =
            Self { next_second, recognition, self_checks, resolved: resolved.into(), last_asleep, ..Self::new(table, options) };
        alerts.cut_answers = restored_answers(cut_answers, names.providers);
        alerts.slow_answers = SlowAnswers::restore(slow_answers, names.providers);
        alerts.detections = Detections::restore(detections, names.providers);
        alerts.cooldowns = Cooldowns::restore(&cooldowns, &alerts.table, names.providers);
        let calls = calls.into_iter().filter_map(|(scope, calls)| Some((scope.resolve(names.providers)?, calls)));
        alerts.calls.restore(calls);
        for rule in rules {
            alerts.restore_rule(rule, names, now, out);
        }
        alerts
    }

    fn saved_answers(&self, providers: &Providers) -> Vec<(ScopeState, String, Series)> {
        let save = |((provider, service, model), series): (&(_, _, Name), &Series)| {
            let scope = Scope { provider: Some(*provider), service: *service };
            (ScopeState::of(scope, providers), model.as_str().to_owned(), series.clone())
        };
        self.cut_answers.iter().map(save).collect()
    }

    fn restore_rule(&mut self, saved: RuleRecord, names: NameTable<'_>, now: Timestamp, out: &mut Vec<Transition>) {
        let RuleRecord { row, scope, rule, firing } = saved;
        let row = self.table.iter().find(|(_, candidate)| candidate.id == row && candidate.enabled);
        let continued = row.filter(|(_, row)| firing.as_ref().is_none_or(|alert| alert.severity == row.severity));
        let key = continued.and_then(|(row, _)| Some((row, scope.resolve(names.providers)?)));
        match (key, firing) {
            (Some(key), _) if self.rules.len() < MAX_RULES && self.has_calls(key) => {
                self.rules.insert(key, rule);
            }
            (_, Some(alert)) => out.push(resolved_by_config(alert, now)),
            _ => {}
        }
    }

    /// Whether the calls of the rule's scope are known. They are not if `by_service` has changed; then the rule cannot
    /// continue.
    fn has_calls(&self, (_, scope): RuleKey) -> bool {
        scope == Scope::SELF || (self.calls.keeps(scope) && self.calls.get(scope).is_some())
    }
}

fn resolved_by_config(mut alert: Alert, at: Timestamp) -> Transition {
    (alert.state, alert.resolved_at, alert.reason) = (State::Resolved, Some(at), Some(Reason::Config));
    Transition { at, from: State::Firing, to: State::Resolved, alert }
}

fn restored_answers(saved: Vec<(ScopeState, String, Series)>, providers: &Providers) -> CutAnswers {
    let mut answers = CutAnswers::default();
    answers.restore(saved.into_iter().filter_map(|(scope, model, series)| {
        let Scope { provider, service } = scope.resolve(providers)?;
        Some(((provider?, service, Name::new(&model)), series))
    }));
    answers
}
