//! All rules and their alerts: takes in observations and emits state transitions.
//!
//! `evaluate.rs` evaluates the rules second by second; `saved.rs` saves and restores the state.

#![expect(clippy::cast_precision_loss, reason = "lengths of storms in seconds stay far below 2^52")]

use super::names::NameTable;
use super::options::AlertOptions;
use super::state::{
    AllCalls, Cooldowns, CutAnswers, Lateness, RecognitionMonitor, RuleState, Scope, SelfChecks, SelfRow, SlowAnswers,
    is_cooldown,
};
use super::table::{Kind, Row, RowId, Table, Trigger};
use super::text::RenderContext;
use super::view::{Alert, State, Transition};
use crate::classify::Retirement;
use crate::detect::{Detections, Finding};
use crate::observation::Observation;
use crate::taxonomy::{Grain, Outcome, Provider};
use crate::time::Timestamp;
use std::collections::{BTreeMap, VecDeque};

/// A second is evaluated this long after it began.
pub(super) const EVALUATION_DELAY_SECONDS: i64 = 5;
/// While a backlog is read, seconds are evaluated this much later: the files of a backlog are read one after the other.
const BACKLOG_DELAY_SECONDS: i64 = 1_200;
/// The maximum number of rules with state; each holds a few kilobytes.
pub(super) const MAX_RULES: usize = 2_000;
/// How long a resolved alert is shown.
const RESOLVED_SECONDS: i64 = 900;
/// The maximum number of resolved alerts that are shown.
const MAX_RESOLVED: usize = 500;

/// A rule: a row for one scope.
pub(super) type RuleKey = (RowId, Scope);

/// All rules and their alerts.
#[derive(Debug)]
pub struct Alerts {
    pub(super) table: Table,
    pub(super) options: AlertOptions,
    /// The next second to be evaluated.
    pub(super) next_second: Option<i64>,
    pub(super) calls: AllCalls,
    pub(super) rules: BTreeMap<RuleKey, RuleState>,
    pub(super) recognition: RecognitionMonitor,
    pub(super) cut_answers: CutAnswers,
    pub(super) slow_answers: SlowAnswers,
    /// Causes that only many calls together show; alert texts quote them.
    pub(super) detections: Detections,
    pub(super) cooldowns: Cooldowns,
    pub(super) self_checks: SelfChecks,
    pub(super) resolved: VecDeque<Alert>,
    pub(super) catching_up: bool,
    pub(super) behind: bool,
    pub(super) silence_asleep: bool,
    /// The last second in which silence meant nothing.
    pub(super) last_asleep: i64,
}

impl Alerts {
    /// No rule has state yet.
    #[must_use]
    pub fn new(table: Table, options: AlertOptions) -> Self {
        Self {
            calls: AllCalls::new(options.by_service),
            table,
            options,
            next_second: None,
            rules: BTreeMap::new(),
            recognition: RecognitionMonitor::default(),
            cut_answers: CutAnswers::default(),
            slow_answers: SlowAnswers::default(),
            detections: Detections::default(),
            cooldowns: Cooldowns::default(),
            self_checks: SelfChecks::default(),
            resolved: VecDeque::new(),
            catching_up: false,
            behind: false,
            silence_asleep: false,
            last_asleep: i64::MIN,
        }
    }

    /// The table in force.
    #[must_use]
    pub const fn table(&self) -> &Table {
        &self.table
    }

    /// Takes in an observation, after evaluating the seconds that are due at `now`. Returns the row of a failed call.
    ///
    /// Does not allocate for a successful call in the steady state.
    pub fn observe(
        &mut self,
        seen: &Observation,
        names: NameTable<'_>,
        now: Timestamp,
        out: &mut Vec<Transition>,
    ) -> Option<RowId> {
        self.tick(now, names, out);
        let at = seen.at.second();
        let lateness = self.lateness(at);
        if seen.grain == Grain::Call {
            self.cut_answers.note(seen, lateness);
            self.slow_answers.note(seen, lateness, self.options.by_service);
        }
        match (seen.grain, seen.outcome) {
            (Grain::Detail, _) | (_, Outcome::Other) => None,
            (Grain::Call, Outcome::Success) => {
                self.calls.scope(seen.provider, seen.service).1.call(Outcome::Success, at, lateness);
                self.detections.observe(seen, "", names.patterns, names.providers);
                None
            }
            (Grain::Call, Outcome::Error) => Some(self.failed_call(seen, lateness, names, now, out)),
            (Grain::Attempt, _) => {
                self.attempt(seen, lateness, names);
                None
            }
        }
    }

    /// If a router refused the call because of a cooldown, sets the provider that began the cooldown by its failures, and the
    /// router as the gateway.
    pub fn attribute(&self, seen: &mut Observation, names: NameTable<'_>) {
        if seen.is_failed_call()
            && is_cooldown(seen, names)
            && let Some((provider, _)) = self.cooldowns.origin(seen.provider, seen)
        {
            seen.gateway = Some(std::mem::replace(&mut seen.provider, provider));
        }
    }

    /// The row of the failures that began the cooldown, if the call was refused because of one.
    fn row_behind_cooldown(&self, seen: &Observation, names: NameTable<'_>) -> Option<RowId> {
        let router = seen.gateway.filter(|_| is_cooldown(seen, names))?;
        let (provider, row) = self.cooldowns.origin(router, seen)?;
        (provider == seen.provider).then_some(row)
    }

    /// Counts a record that reports trouble with an LLM call, and whether it was understood: as a failed call with a known
    /// category.
    pub fn note_trouble(&mut self, at: Timestamp, understood: bool) {
        let ahead = match self.lateness(at.second()) {
            Lateness::OnTime(ahead) => ahead,
            Lateness::Late => 0,
            Lateness::TooLate => return,
        };
        self.recognition.note(ahead, understood);
    }

    /// Sets whether this process has the fault of this row, with a sentence about it.
    pub fn set_self(&mut self, row: SelfRow, holds: bool, detail: &str, now: Timestamp) {
        self.self_checks.set(row, holds, detail, now.second());
    }

    /// Takes in the announcement that a model ends, with the service that uses it.
    pub fn note_retirement(&mut self, provider: Provider, service: Option<&str>, model: &Retirement, at: Timestamp) {
        self.detections.note_retirement(provider, service, model, at);
    }

    /// While a source is behind, no alert resolves and silence is not evaluated. The caller passes the event time of that
    /// source as the clock.
    pub const fn set_behind(&mut self, behind: bool) {
        self.behind = behind;
    }

    /// Whether missing calls mean nothing, for example at the end of a file or when the files of a source are gone.
    pub const fn set_silence_asleep(&mut self, asleep: bool) {
        self.silence_asleep = asleep;
    }

    /// Continues from `now` after the clock was set back. Without this call, evaluation would pause until the clock reaches
    /// the old time again.
    pub const fn set_clock_back(&mut self, now: Timestamp) {
        self.next_second = Some(now.second() - EVALUATION_DELAY_SECONDS);
    }

    /// While a backlog is read, emits nothing. At its end, evaluates all seconds up to `now`, and emits only what still
    /// holds then.
    pub fn set_catching_up(&mut self, catching_up: bool, now: Timestamp, names: NameTable<'_>, out: &mut Vec<Transition>) {
        if self.catching_up && !catching_up {
            self.advance(now.second() - EVALUATION_DELAY_SECONDS, names, out);
            self.emit_changes(now, names, out);
        }
        self.catching_up = catching_up;
    }

    /// Evaluates every second that is due at `now`.
    pub fn tick(&mut self, now: Timestamp, names: NameTable<'_>, out: &mut Vec<Transition>) {
        let due = now.second() - if self.catching_up { BACKLOG_DELAY_SECONDS } else { EVALUATION_DELAY_SECONDS };
        if *self.next_second.get_or_insert(due + 1) <= due {
            self.advance(due, names, out);
        }
    }

    /// Alerts that are pending, firing, or were resolved in the last 15 minutes, in the state that was last emitted.
    #[must_use]
    pub fn alerts(&self, now: Timestamp, names: NameTable<'_>) -> Vec<Alert> {
        let context = self.render_context(names);
        let open = |(key, rule): (&RuleKey, &RuleState)| {
            let stage = rule.machine.last_notified;
            stage.since()?;
            context.alert(*key, rule, stage.state(), stage, now)
        };
        let mut alerts: Vec<Alert> = self.rules.iter().filter_map(open).collect();
        let is_recent = |alert: &Alert| alert.resolved_at.is_some_and(|at| now.second() - at.second() <= RESOLVED_SECONDS);
        let is_closed = |alert: &&Alert| is_recent(alert) && !alerts.iter().any(|open| open.is_again(alert));
        let closed: Vec<Alert> = self.resolved.iter().filter(is_closed).cloned().collect();
        alerts.extend(closed);
        alerts
    }

    /// Causes that many calls together show, the latest first.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        self.detections.findings()
    }

    /// Open storms: row, provider, the time from the first failure to the latest in seconds, and the number of failures. Where
    /// alerts are kept per service, the longest storm of any service, and the failures of all.
    #[must_use]
    pub fn storms(&self) -> Vec<(RowId, Provider, f64, u64)> {
        let mut storms: BTreeMap<(RowId, Provider), (i64, u64)> = BTreeMap::new();
        for ((id, scope), rule) in &self.rules {
            let Some(length) = self.table.row(*id).and_then(|row| rule.storm_length(row)) else { continue };
            if let Some(provider) = scope.provider {
                let (longest, failures) = storms.entry((*id, provider)).or_default();
                *longest = length.max(*longest);
                *failures += rule.failures();
            }
        }
        storms.into_iter().map(|((row, provider), (length, failures))| (row, provider, length as f64, failures)).collect()
    }

    /// Puts another table in force. Unchanged rows keep their state; alerts of other rows resolve. If `by_service` changes,
    /// all alerts resolve and those that still hold fire again under their new labels.
    pub fn reload(
        &mut self,
        table: Table,
        options: AlertOptions,
        names: NameTable<'_>,
        now: Timestamp,
        out: &mut Vec<Transition>,
    ) {
        let same_scopes = options.by_service == self.options.by_service;
        let continued = |old: &Row| {
            let id = table.by_name(&old.id)?;
            table.row(id).filter(|row| row.enabled && row.continues(old)).map(|_| id)
        };
        let ids: Vec<Option<RowId>> = self.table.rows().iter().map(continued).collect();
        let new_id = |old: RowId, scope: Scope| {
            let keeps = same_scopes || scope == Scope::SELF;
            ids.get(usize::from(old.0)).copied().flatten().filter(|_| keeps)
        };
        for ((row, scope), rule) in &mut self.rules {
            if new_id(*row, *scope).is_none() {
                rule.machine.end();
            }
        }
        self.emit_changes(now, names, out);
        let rules = std::mem::take(&mut self.rules).into_iter();
        self.rules = rules.filter_map(|((row, scope), rule)| Some(((new_id(row, scope)?, scope), rule))).collect();
        self.cooldowns.clear();
        if !same_scopes {
            self.calls = AllCalls::new(options.by_service);
        }
        (self.table, self.options) = (table, options);
    }

    fn lateness(&self, at: i64) -> Lateness {
        Lateness::of(at, self.next_second.unwrap_or(at))
    }

    fn failed_call(
        &mut self,
        seen: &Observation,
        lateness: Lateness,
        names: NameTable<'_>,
        now: Timestamp,
        out: &mut Vec<Transition>,
    ) -> RowId {
        let id = self.row_behind_cooldown(seen, names).unwrap_or_else(|| self.table.row_of(seen));
        self.cooldowns.note(seen, id);
        let (scope, calls) = self.calls.scope(seen.provider, seen.service);
        calls.call(Outcome::Error, seen.at.second(), lateness);
        let Some(row) = self.table.row(id) else { return id };
        let (at_once, enabled) = (row.trigger == Trigger::AtOnce, row.enabled);
        self.detections.observe(seen, &row.id, names.patterns, names.providers);
        if enabled {
            self.fail((id, scope), seen, lateness, names);
        }
        if enabled && at_once && !self.catching_up {
            self.fire_at_once((id, scope), seen, names, now, out);
        }
        if !at_once {
            self.fail_kind(Kind::Outage, scope, seen, lateness, names);
        }
        id
    }

    fn attempt(&mut self, seen: &Observation, lateness: Lateness, names: NameTable<'_>) {
        let (scope, calls) = self.calls.scope(seen.provider, seen.service);
        calls.attempt(seen.outcome, lateness);
        if seen.outcome == Outcome::Error {
            self.fail_kind(Kind::Absorbed, scope, seen, lateness, names);
        }
    }

    /// Counts a failure for the row of a kind that no `match` selects.
    fn fail_kind(&mut self, kind: Kind, scope: Scope, seen: &Observation, lateness: Lateness, names: NameTable<'_>) {
        let row = self.table.enabled(kind).next();
        if let Some(row) = row {
            self.fail((row, scope), seen, lateness, names);
        }
    }

    fn fail(&mut self, key: RuleKey, seen: &Observation, lateness: Lateness, names: NameTable<'_>) {
        if let Some(rule) = self.rule_mut(key) {
            rule.fail(seen.at.second(), lateness);
            rule.evidence.add(seen, names);
        }
    }

    fn fire_at_once(
        &mut self,
        key: RuleKey,
        seen: &Observation,
        names: NameTable<'_>,
        now: Timestamp,
        out: &mut Vec<Transition>,
    ) {
        let Self { table, calls, detections, options, rules, .. } = self;
        let context = RenderContext { table, calls, detections, options, names };
        if let (Some(rule), Some(row), Some(calls)) = (rules.get_mut(&key), table.row(key.0), calls.get(key.1)) {
            rule.fire_at_once(seen.at.second(), now.second(), row, calls);
            emit_rule(context, key, rule, now, out);
        }
    }

    /// What alert texts are rendered from.
    pub(super) fn render_context<'a>(&'a self, names: NameTable<'a>) -> RenderContext<'a> {
        let Self { table, calls, detections, options, .. } = self;
        RenderContext { table, calls, detections, options, names }
    }

    /// The state of a rule; created if it is new. `None`: [`MAX_RULES`] is reached and the rule raises no alert. Its
    /// failures are still counted by row in the pipeline's tally.
    pub(super) fn rule_mut(&mut self, key: RuleKey) -> Option<&mut RuleState> {
        if self.rules.len() >= MAX_RULES && !self.rules.contains_key(&key) {
            // A rule that only remembers an alert gives way to one that fails now.
            let idle = self.rules.iter().find(|(_, rule)| rule.is_idle()).map(|(key, _)| *key)?;
            self.rules.remove(&idle);
        }
        Some(self.rules.entry(key).or_default())
    }

    /// Emits every change that was not emitted yet.
    pub(super) fn emit_changes(&mut self, at: Timestamp, names: NameTable<'_>, out: &mut Vec<Transition>) {
        let before = out.len();
        let Self { table, calls, detections, options, rules, resolved, .. } = self;
        let context = RenderContext { table, calls, detections, options, names };
        for (key, rule) in rules {
            emit_rule(context, *key, rule, at, out);
        }
        let emitted = out.iter().skip(before).filter(|transition| transition.to == State::Resolved);
        resolved.extend(emitted.map(|transition| transition.alert.clone()));
        let surplus = resolved.len().saturating_sub(MAX_RESOLVED);
        resolved.drain(..surplus);
        let is_old =
            |alert: &Alert| alert.resolved_at.is_none_or(|resolved| at.second() - resolved.second() > RESOLVED_SECONDS);
        while resolved.front().is_some_and(is_old) {
            resolved.pop_front();
        }
    }
}

fn emit_rule(context: RenderContext<'_>, key: RuleKey, rule: &mut RuleState, at: Timestamp, out: &mut Vec<Transition>) {
    let Some(row) = context.table.row(key.0) else { return };
    while let Some(change) = rule.next_change(row, at) {
        let alert = context.alert(key, rule, change.to, change.stage, at);
        out.extend(alert.map(|alert| Transition { at, from: change.from, to: change.to, alert }));
    }
}
