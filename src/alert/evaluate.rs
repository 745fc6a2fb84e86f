//! Evaluates every rule once per second of event time and emits the state transitions.

use super::alerts::{Alerts, EVALUATION_DELAY_SECONDS, RuleKey};
use super::names::NameTable;
use super::state::{Calls, Resolving, RuleState, Scope, Symptom, Timing};
use super::table::{Kind, Row, RowId};
use super::view::{Reason, Transition};
use crate::detect::GrowingGroup;
use crate::time::Timestamp;

/// For a gap longer than this, it is worth checking whether anything can happen in it.
const GAP_SECONDS: i64 = 1;

/// What the evaluation of one second needs, besides the calls of each scope.
struct EvalContext {
    at: i64,
    /// Calls that succeeded, at all providers.
    good_calls: u64,
    /// Where too many answers are cut.
    cut_answers: Vec<(Scope, Symptom)>,
    /// Where calls take much longer than before.
    slow_answers: Vec<(Scope, Symptom)>,
    /// Set if the log does not seem to be understood.
    blind: Option<Symptom>,
    resolving: Resolving,
    /// Whether missing calls mean nothing in this second.
    silence_asleep: bool,
    /// The last second in which they meant nothing.
    last_asleep: i64,
}

impl EvalContext {
    /// What is wrong with the answers of a scope, for a row that watches them.
    fn answers(&self, kind: Kind, scope: Scope) -> Option<Symptom> {
        let symptoms = match kind {
            Kind::Truncated => &self.cut_answers,
            Kind::Slow => &self.slow_answers,
            _ => return None,
        };
        symptoms.iter().find(|(found, _)| *found == scope).map(|(_, symptom)| symptom.clone())
    }
}

impl Alerts {
    /// Evaluates all seconds up to `due`.
    pub(super) fn advance(&mut self, due: i64, names: NameTable<'_>, out: &mut Vec<Transition>) {
        let mut next = self.next_second.unwrap_or(due + 1);
        while next <= due {
            let until = if due - next > GAP_SECONDS { self.quiet_until(next, due) } else { next };
            if until > next {
                self.pass_until(until);
                next = until;
            } else {
                self.evaluate(next, names, out);
                next += 1;
            }
        }
        self.next_second = Some(next);
    }

    fn evaluate(&mut self, at: i64, names: NameTable<'_>, out: &mut Vec<Transition>) {
        let context = self.eval_context(at);
        self.detections.tick(at, names.providers);
        self.open_symptom_rules(&context);
        let growing = self.detections.growing(at);
        for ((id, scope), rule) in &mut self.rules {
            if let Some(row) = self.table.row(*id) {
                let growing = growing_since(&growing, row, *scope);
                if row.kind.counts_failures() && growing.is_none() && rule.is_resting() {
                    continue;
                }
                let fault = self.self_checks.symptom(row, at);
                let symptom = fault.or_else(|| context.answers(row.kind, *scope));
                step_rule(rule, row, self.calls.get(*scope), symptom, growing, &context);
            }
        }
        if !self.catching_up {
            self.emit_changes(Timestamp::from_second(at + EVALUATION_DELAY_SECONDS), names, out);
        }
        self.rules.retain(|_, rule| !rule.is_forgotten(at));
    }

    fn eval_context(&mut self, at: i64) -> EvalContext {
        let mut good_calls = 0u64;
        for (_, scope) in self.calls.iter_mut() {
            scope.step(at);
            good_calls += u64::from(scope.now.good);
        }
        let silence_asleep = self.is_silence_asleep();
        if silence_asleep {
            self.last_asleep = at;
        }
        let blind = self.recognition.step(at);
        let cut_answers = self.step_cut_answers(at);
        let slow_answers = self.step_slow_answers(at);
        let resolving = if self.behind { Resolving::Blocked } else { Resolving::Allowed };
        EvalContext {
            at,
            good_calls,
            cut_answers,
            slow_answers,
            blind,
            resolving,
            silence_asleep,
            last_asleep: self.last_asleep,
        }
    }

    fn step_cut_answers(&mut self, at: i64) -> Vec<(Scope, Symptom)> {
        let row = self.table.enabled(Kind::Truncated).next().and_then(|id| self.table.row(id));
        let Some(row) = row else { return Vec::new() };
        self.cut_answers.step(at, row.share, u64::from(row.failures));
        self.cut_answers.symptoms(at, self.options.by_service)
    }

    fn step_slow_answers(&mut self, at: i64) -> Vec<(Scope, Symptom)> {
        let row = self.table.enabled(Kind::Slow).next().and_then(|id| self.table.row(id));
        let Some(row) = row else { return Vec::new() };
        self.slow_answers.step(at, row.failures as usize);
        self.slow_answers.symptoms(at)
    }

    /// Creates a rule for each symptom that is present and has none.
    fn open_symptom_rules(&mut self, context: &EvalContext) {
        let EvalContext { at, last_asleep, .. } = *context;
        let mut keys: Vec<RuleKey> = Vec::new();
        for row in self.table.enabled(Kind::Silence).filter(|_| !context.silence_asleep) {
            let silent = self.calls.iter().filter(|(_, calls)| calls.rhythm.silent_since(at, last_asleep, None).is_some());
            keys.extend(silent.map(|(scope, _)| (row, *scope)));
        }
        for row in self.table.enabled(Kind::Truncated) {
            keys.extend(context.cut_answers.iter().map(|(scope, _)| (row, *scope)));
        }
        for row in self.table.enabled(Kind::Slow) {
            keys.extend(context.slow_answers.iter().map(|(scope, _)| (row, *scope)));
        }
        let with_rule = |id: RowId| (id, Scope::SELF);
        if context.blind.is_some() {
            keys.extend(self.table.enabled(Kind::Blind).map(with_rule));
        }
        let faults = self
            .table
            .enabled(Kind::SelfCheck)
            .filter(|id| self.table.row(*id).is_some_and(|row| self.self_checks.symptom(row, at).is_some()));
        keys.extend(faults.map(with_rule));
        for key in keys {
            // At the limit, the symptom raises no alert.
            let _ = self.rule_mut(key);
        }
    }

    /// Whether missing calls mean nothing now.
    const fn is_silence_asleep(&self) -> bool {
        self.silence_asleep || self.behind || self.catching_up
    }

    /// Passes the seconds before `until`, in which nothing happens.
    fn pass_until(&mut self, until: i64) {
        let last = until - 1;
        if self.is_silence_asleep() {
            self.last_asleep = last;
        }
        self.rules.retain(|_, rule| !rule.is_forgotten(last));
    }

    /// The first second from `at` on in which something can happen if no event comes, or the one after `due`.
    fn quiet_until(&self, at: i64, due: i64) -> i64 {
        let is_idle = self.rules.values().all(RuleState::is_idle)
            && self.detections.growing(at).is_empty()
            && self.recognition.is_idle(at)
            && self.cut_answers.is_idle()
            && self.self_checks.is_clear();
        if !is_idle {
            return at;
        }
        let calls = self.calls.iter().map(|(_, calls)| calls.quiet_until(at, due));
        let calls = calls.fold(self.slow_answers.quiet_until(at, due), i64::min);
        calls.min(self.detections.quiet_until(at, due))
    }
}

/// The first and the last second of the growing group of unknown errors in this scope that began first.
fn growing_since(groups: &[GrowingGroup<'_>], row: &Row, scope: Scope) -> Option<(i64, i64)> {
    if row.id != Row::UNKNOWN {
        return None;
    }
    let in_scope = |group: &&GrowingGroup<'_>| {
        let same_service = match (scope.service.get(), group.service) {
            (Some(own), Some(service)) => own == service,
            _ => true,
        };
        group.row == row.id && Some(group.provider) == scope.provider && same_service
    };
    groups.iter().filter(in_scope).map(|group| (group.since, group.last)).min()
}

fn step_rule(
    rule: &mut RuleState,
    row: &Row,
    calls: Option<&Calls>,
    symptom: Option<Symptom>,
    growing: Option<(i64, i64)>,
    context: &EvalContext,
) {
    let EvalContext { at, resolving, .. } = *context;
    match (row.kind, calls) {
        (Kind::Errors, Some(calls)) => rule.step_errors(at, row, calls, growing, resolving),
        (Kind::Outage, Some(calls)) => rule.step_outage(at, row, calls, resolving),
        (Kind::Absorbed, Some(calls)) => rule.step_absorbed(at, row, calls, context.good_calls, resolving),
        (Kind::Silence, Some(calls)) if !context.silence_asleep => {
            let noticed = rule.machine.stage.since();
            rule.step_symptom(at, silence(calls, context, noticed), Timing::IMMEDIATE, resolving);
        }
        (Kind::Blind, _) => {
            let blind = context.blind.clone().ok_or(Reason::Recovered);
            rule.step_symptom(at, blind, Timing::of(row), resolving);
        }
        (Kind::Truncated | Kind::Slow, _) => {
            rule.step_symptom(at, symptom.ok_or(Reason::Recovered), Timing::of(row), resolving);
        }
        (Kind::SelfCheck, _) => {
            // A source that is behind does not hide the end of a fault of this process.
            rule.step_symptom(at, symptom.ok_or(Reason::Recovered), Timing::of(row), Resolving::Allowed);
        }
        _ => {}
    }
}

fn silence(calls: &Calls, context: &EvalContext, noticed: Option<i64>) -> Result<Symptom, Reason> {
    let at = context.at;
    match calls.rhythm.silent_since(at, context.last_asleep, noticed) {
        Some(since) => Ok(Symptom {
            since,
            length: at - since,
            detail: format!("Calls are usual at this time; the last one was at {}.", Timestamp::from_second(since)),
        }),
        None if calls.rhythm.is_forgotten(at) => Err(Reason::Expired),
        None => Err(Reason::Recovered),
    }
}
