//! One second after the other: every storm and condition goes on, and what changed is told.

use super::calls::{Calls, Scope};
use super::series::{Held, Resolves, Series, Timing};
use super::spec::Kind;
use super::table::Row;
use super::view::{Reason, Transition};
use super::{Alerts, LATENESS, NameTable, RowId, SelfRow};
use crate::detect::Growing;
use crate::time::Timestamp;

/// A gap longer than this is worth asking whether anything can happen in it.
const GAP: i64 = 60;

/// The row whose alert also says that a group of errors grows which no pattern knows.
const UNKNOWN: &str = "unknown";

/// What a second is, beside the calls of each provider.
struct EvalContext {
    at: i64,
    /// Calls of all providers that worked.
    good_calls: u64,
    /// What shows that the log is not understood.
    blind: Option<Held>,
    resolves: Resolves,
    /// Whether silence means nothing now.
    asleep: bool,
    awake: i64,
}

impl Alerts {
    /// Evaluates all seconds up to `due`.
    pub(super) fn advance(&mut self, due: i64, lexicon: NameTable<'_>, out: &mut Vec<Transition>) {
        let mut next = self.frontier.unwrap_or(due + 1);
        while next <= due {
            if due - next > GAP && self.is_idle(next) {
                next = due + 1;
                break;
            }
            self.evaluate(next, lexicon, out);
            next += 1;
        }
        self.frontier = Some(next);
    }

    fn evaluate(&mut self, at: i64, lexicon: NameTable<'_>, out: &mut Vec<Transition>) {
        let moment = self.moment(at);
        self.detections.tick(at, lexicon.providers);
        self.open_conditions(&moment);
        let growing = self.detections.growing(at);
        for ((id, scope), series) in &mut self.series {
            if let Some(row) = self.table.row(*id) {
                let concerns = |it: &&Growing<'_>| {
                    it.0 == row.id
                        && Some(it.1) == scope.provider
                        && scope.service.get().is_none_or(|own| it.2.is_none_or(|it| it == own))
                };
                let grown = growing.iter().filter(|_| row.id == UNKNOWN).filter(concerns).map(|it| (it.3, it.4)).min();
                let calls = self.calls.get(*scope);
                let check = SelfRow::from_text(&row.id).map(|it| &self.checks[it as usize]);
                let held = check.and_then(|it| it.held(at));
                step(series, row, calls, held, grown, &moment);
            }
        }
        if !self.catching_up {
            self.tell_all(Timestamp::from_second(at + LATENESS), lexicon, out);
        }
        self.series.retain(|_, series| !series.is_idle());
    }

    fn moment(&mut self, at: i64) -> EvalContext {
        let (mut good, mut calls) = (0u64, 0u32);
        for (_, scope) in self.calls.iter_mut() {
            scope.step(at);
            good += u64::from(scope.now.good);
            calls = calls.saturating_add(scope.now.calls());
        }
        let asleep = self.sleeping || self.behind || self.catching_up;
        if asleep {
            self.awake = at;
        }
        let row = self.table.enabled(Kind::Blind).next();
        let blind = row.and_then(|(_, row)| self.sight.step(at, calls, row));
        let resolves = if self.behind { Resolves::Held } else { Resolves::Freely };
        EvalContext { at, good_calls: good, blind, resolves, asleep, awake: self.awake }
    }

    /// Makes a series for each condition that holds and has none.
    fn open_conditions(&mut self, moment: &EvalContext) {
        let mut keys: Vec<(RowId, Scope)> = Vec::new();
        for (row, _) in self.table.enabled(Kind::Silence).filter(|_| !moment.asleep) {
            let silent = |(_, calls): &&(Scope, Calls)| calls.rhythm.silent_since(moment.at, moment.awake, None).is_some();
            keys.extend(self.calls.iter().filter(silent).map(|(scope, _)| (row, *scope)));
        }
        keys.extend(self.table.enabled(Kind::Blind).filter(|_| moment.blind.is_some()).map(|(row, _)| (row, Scope::OURSELVES)));
        for (id, row) in self.table.enabled(Kind::Ourselves) {
            let check = SelfRow::from_text(&row.id).map(|it| &self.checks[it as usize]);
            keys.extend(check.and_then(|it| it.held(moment.at)).map(|_| (id, Scope::OURSELVES)));
        }
        for key in keys {
            if self.series_mut(key).is_none() {
                self.overflowed += 1;
            }
        }
    }

    /// Whether nothing can happen until something comes in.
    fn is_idle(&self, at: i64) -> bool {
        self.series.is_empty()
            && self.sight.is_idle()
            && self.checks.iter().all(|it| it.since.is_none())
            && self.calls.iter().all(|(_, calls)| calls.is_idle(at))
    }
}

fn step(
    series: &mut Series,
    row: &Row,
    calls: Option<&Calls>,
    itself: Option<Held>,
    grown: Option<(i64, i64)>,
    moment: &EvalContext,
) {
    let EvalContext { at, resolves, .. } = *moment;
    match (row.kind, calls) {
        (Kind::Errors | Kind::Outage, Some(calls)) => series.step_errors(at, row, calls, grown, resolves),
        (Kind::Absorbed, Some(calls)) => series.step_absorbed(at, row, calls, moment.good_calls, resolves),
        (Kind::Silence, Some(calls)) if !moment.asleep => {
            let noticed = series.machine.phase.since();
            series.step_condition(at, silence(calls, moment, noticed), Timing::NONE, resolves);
        }
        (Kind::Blind, _) => {
            let held = moment.blind.clone().ok_or(Reason::Recovered);
            series.step_condition(at, held, Timing::of(row), resolves);
        }
        (Kind::Ourselves, _) => series.step_condition(at, itself.ok_or(Reason::Recovered), Timing::of(row), Resolves::Freely),
        _ => {}
    }
}

fn silence(calls: &Calls, moment: &EvalContext, noticed: Option<i64>) -> Result<Held, Reason> {
    match calls.rhythm.silent_since(moment.at, moment.awake, noticed) {
        Some(since) => Ok(Held {
            since,
            length: moment.at - since,
            detail: format!("Calls came steadily for an hour; the last one was at {}.", Timestamp::from_second(since)),
        }),
        None if calls.rhythm.is_forgotten(moment.at) => Err(Reason::Expired),
        None => Err(Reason::Recovered),
    }
}

impl super::SelfCheck {
    fn held(&self, at: i64) -> Option<Held> {
        let since = self.since.filter(|it| *it <= at)?;
        Some(Held { since, length: at - since, detail: self.detail.clone() })
    }
}
