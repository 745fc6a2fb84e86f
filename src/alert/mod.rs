//! Escalation: which row of the table a failed call belongs to, which rows hold, and whom that concerns.
//!
//! [`Table`] says which row a failed call belongs to. [`Alerts`] keeps a storm and a state machine per row and provider
//! and gives [`Transition`]s. Sending them is left to delivery, and so is repeating them: an [`Alert`] that fires stays in
//! [`Alerts::alerts`] with a fixed `fired_at`.
//!
//! The clock is `now`, which the caller gives. Second *t* is evaluated when `now` reaches *t* + 5 s, with all that came
//! in for it by then; so the order in which events arrive within those five seconds does not matter. Rows that fire at
//! once do not wait.

mod blind;
mod calls;
mod cooldown;
mod evaluate;
mod evidence;
mod machine;
mod matching;
mod rules;
mod runbook;
mod seconds;
mod series;
mod silence;
mod spec;
mod state;
mod storm;
mod table;
mod text;
mod view;

pub use rules::{RUNBOOK_OF_A_NODE, RulesFormat, RulesOptions, prometheus_rules};
pub use runbook::runbook;
pub use spec::{Condition, Conditions, Kind, RowSpec, Values};
pub use state::AlertsState;
pub use table::{Row, RowError, Table, Trigger, parse};
pub use view::{Alert, Reason, State, Transition};

use crate::classify::Pattern;
use crate::detect::{Detections, Finding};
use crate::observation::{Observation, PatternId};
use crate::taxonomy::{Grain, Outcome, Provider, Providers, string_enum};
use crate::time::Timestamp;
use blind::Sight;
use calls::{AllCalls, Place, Scope};
use cooldown::{Cooldowns, is_cooldown};
use machine::Change;
use series::{Series, storm_length};
use std::collections::{BTreeMap, VecDeque};
use text::Draft;

/// A row of the escalation table that is in force, as an index into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowId(pub u16);

/// The provider of alerts about this process itself.
const OURSELVES: &str = "llm-triage";

/// A second is evaluated this long after it began.
const LATENESS: i64 = 5;
/// While a backlog is read, files come one after the other: this much of the past is kept open until all are read.
const BACKLOG: i64 = 1_200;
/// An event that is later than this cannot open a storm: a storm of its time would be over.
const TOO_LATE: i64 = 900;
/// The most series of rows and providers; each holds a few kilobytes.
const MAX_SERIES: usize = 2_000;
/// How long a resolved alert is shown, and how many there may be.
const RESOLVED_SECONDS: i64 = 900;
const MAX_RESOLVED: usize = 500;

/// What rows and alert texts are looked up in: parts of the catalogue, and the names of the sources.
#[derive(Clone, Copy, Debug)]
pub struct NameTable<'a> {
    /// The patterns, by [`PatternId`].
    pub patterns: &'a [Pattern],
    /// The providers.
    pub providers: &'a Providers,
    /// The names of the sources, by [`crate::observation::SourceId`].
    pub sources: &'a [String],
}

impl<'a> NameTable<'a> {
    /// The pattern behind an id.
    #[must_use]
    pub fn pattern(&self, id: PatternId) -> Option<&'a Pattern> {
        self.patterns.get(usize::from(id.0))
    }
}

/// How alerts are kept and written.
#[derive(Clone, Debug, Default)]
pub struct AlertOptions {
    /// One alert per row, provider and service, where otherwise services share one.
    pub by_service: bool,
    /// The link of an alert, in which `{row}` stands for its row; without that, what stands before `docs/runbooks/<row>.md`.
    pub runbook_base: String,
}

string_enum! {
    /// What can be wrong with this process itself; the ids of the rows.
    SelfRow {
        /// A source is read slower than it is written.
        Behind = "self-behind",
        /// A source cannot be read.
        Unreadable = "self-unreadable",
        /// Data was lost before it was read.
        Losing = "self-losing",
        /// A receiver takes no alerts.
        Receiver = "self-receiver",
    }
}

/// What is said of this process.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct SelfCheck {
    since: Option<i64>,
    detail: String,
}

/// All storms and alerts.
#[derive(Debug)]
pub struct Alerts {
    table: Table,
    options: AlertOptions,
    /// The next second to be evaluated.
    frontier: Option<i64>,
    calls: AllCalls,
    series: BTreeMap<(RowId, Scope), Series>,
    sight: Sight,
    /// What many calls together show; alerts quote it.
    detections: Detections,
    cooldowns: Cooldowns,
    /// In the order of [`SelfRow::ALL`].
    checks: [SelfCheck; 4],
    resolved: VecDeque<Alert>,
    catching_up: bool,
    behind: bool,
    sleeping: bool,
    /// The last second in which silence meant nothing.
    awake: i64,
    overflowed: u64,
}

impl Alerts {
    /// Nothing holds yet.
    #[must_use]
    pub fn new(table: Table, options: AlertOptions) -> Self {
        Self {
            calls: AllCalls::new(options.by_service),
            table,
            options,
            frontier: None,
            series: BTreeMap::new(),
            sight: Sight::default(),
            detections: Detections::default(),
            cooldowns: Cooldowns::default(),
            checks: Default::default(),
            resolved: VecDeque::new(),
            catching_up: false,
            behind: false,
            sleeping: false,
            awake: i64::MIN,
            overflowed: 0,
        }
    }

    /// The table in force.
    #[must_use]
    pub const fn table(&self) -> &Table {
        &self.table
    }

    /// Takes in an observation, and evaluates what is due at `now`. Says which row a failed call belongs to.
    ///
    /// Allocates nothing for a successful call in the steady state.
    pub fn observe(
        &mut self,
        seen: &Observation,
        lexicon: NameTable<'_>,
        now: Timestamp,
        out: &mut Vec<Transition>,
    ) -> Option<RowId> {
        self.tick(now, lexicon, out);
        let at = seen.at.second();
        let place = self.place(at);
        match (seen.grain, seen.outcome) {
            (Grain::Detail, _) | (_, Outcome::Other) => None,
            (Grain::Call, Outcome::Success) => {
                self.calls.scope(seen.provider, seen.service).1.call(Outcome::Success, at, place);
                self.detections.observe(seen, "", lexicon.patterns, lexicon.providers);
                None
            }
            (Grain::Call, Outcome::Error) => Some(self.failed_call(seen, place, lexicon, now, out)),
            (Grain::Attempt, _) => {
                self.attempt(seen, place, lexicon);
                None
            }
        }
    }

    /// A call that a router refused while it lets a provider rest is that provider's: it is counted as such from here on.
    pub fn attribute(&self, seen: &mut Observation, lexicon: NameTable<'_>) {
        if seen.is_failed_call()
            && is_cooldown(seen, lexicon)
            && let Some((provider, _)) = self.cooldowns.origin(seen.provider, seen)
        {
            seen.gateway = Some(std::mem::replace(&mut seen.provider, provider));
        }
    }

    /// The row of the failures behind a router's cooldown.
    fn row_behind(&self, seen: &Observation, lexicon: NameTable<'_>) -> Option<RowId> {
        let router = seen.gateway.filter(|_| is_cooldown(seen, lexicon))?;
        let (provider, row) = self.cooldowns.origin(router, seen)?;
        (provider == seen.provider).then_some(row)
    }

    /// Takes in lines that were read, and how many errors there were among their records in which no call was recognised.
    pub fn note_lines(&mut self, at: Timestamp, lines: u32, unrecognised: u32) {
        self.sight.lines(at.second(), lines);
        if let (1.., Place::Ahead(ahead)) = (unrecognised, self.place(at.second())) {
            self.sight.unrecognised(ahead, unrecognised);
        }
    }

    /// Says whether something is wrong with this process itself, and what.
    pub fn set_self(&mut self, row: SelfRow, holds: bool, detail: &str, now: Timestamp) {
        let check = &mut self.checks[row as usize];
        check.since = holds.then(|| check.since.unwrap_or(now.second()));
        check.detail.clear();
        check.detail.push_str(detail);
    }

    /// While a source is behind, its event time is the clock that the caller gives; nothing resolves, silence sleeps.
    pub const fn set_behind(&mut self, behind: bool) {
        self.behind = behind;
    }

    /// Whether calls that stop coming mean nothing, as at the end of a file or when a source's files went away.
    pub const fn set_silence_asleep(&mut self, asleep: bool) {
        self.sleeping = asleep;
    }

    /// The clock was set back: what comes now is evaluated when its time comes, and not when the old time is reached again.
    pub const fn set_clock_back(&mut self, now: Timestamp) {
        self.frontier = Some(now.second() - LATENESS);
    }

    /// While a backlog is read, nothing is told. When it ends, all is evaluated up to `now`, and only what is still true
    /// then is told.
    pub fn set_catching_up(&mut self, catching_up: bool, now: Timestamp, lexicon: NameTable<'_>, out: &mut Vec<Transition>) {
        if self.catching_up && !catching_up {
            self.advance(now.second() - LATENESS, lexicon, out);
            self.tell_all(now, lexicon, out);
        }
        self.catching_up = catching_up;
    }

    /// Evaluates every second that is due at `now`.
    pub fn tick(&mut self, now: Timestamp, lexicon: NameTable<'_>, out: &mut Vec<Transition>) {
        let due = now.second() - if self.catching_up { BACKLOG } else { LATENESS };
        if *self.frontier.get_or_insert(due + 1) <= due {
            self.advance(due, lexicon, out);
        }
    }

    /// Alerts that are pending, firing, or were resolved in the last 15 minutes, as they were told.
    #[must_use]
    pub fn alerts(&self, now: Timestamp, lexicon: NameTable<'_>) -> Vec<Alert> {
        let desk = self.desk(lexicon);
        let told = |(key, series): (&(RowId, Scope), &Series)| {
            let phase = series.machine.told;
            phase.since()?;
            Some(desk.draft(*key, series, now)?.alert(phase.state(), phase))
        };
        let fresh = |it: &&Alert| it.resolved_at.is_some_and(|at| now.second() - at.second() <= RESOLVED_SECONDS);
        self.series.iter().filter_map(told).chain(self.resolved.iter().filter(fresh).cloned()).collect()
    }

    /// What many calls together have shown, the latest first.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        self.detections.findings()
    }

    /// Open storms: row, provider, and their length from the first failure to the latest, in seconds; the longest where
    /// alerts are kept per service.
    #[must_use]
    pub fn storms(&self) -> Vec<(RowId, Provider, f64)> {
        let mut storms: BTreeMap<(RowId, Provider), i64> = BTreeMap::new();
        for ((id, scope), series) in &self.series {
            if let (Some(row), Some(provider), Some(storm)) = (self.table.row(*id), scope.provider, &series.storm) {
                let longest = storms.entry((*id, provider)).or_default();
                *longest = storm_length(storm, row).max(*longest);
            }
        }
        storms.into_iter().map(|((row, provider), length)| (row, provider, length as f64)).collect()
    }

    /// How many failures found no room for a series of their own.
    #[must_use]
    pub const fn overflowed(&self) -> u64 {
        self.overflowed
    }

    /// Puts another table in force. Rows that go on unchanged keep their state; alerts of others resolve. Alerts that are kept
    /// apart by something else are other alerts: all of them resolve, and trouble that goes on is told anew.
    pub fn reload(
        &mut self,
        table: Table,
        options: AlertOptions,
        lexicon: NameTable<'_>,
        now: Timestamp,
        out: &mut Vec<Transition>,
    ) {
        let same_scopes = options.by_service == self.options.by_service;
        let goes_on = |old: &Row| {
            let id = table.by_name(&old.id)?;
            table.row(id).filter(|it| it.enabled && it.continues(old)).map(|_| id)
        };
        let ids: Vec<Option<RowId>> = self.table.rows().iter().map(goes_on).collect();
        let new_id = |old: RowId, scope: Scope| {
            let keeps = same_scopes || scope == Scope::OURSELVES;
            ids.get(usize::from(old.0)).copied().flatten().filter(|_| keeps)
        };
        for ((row, scope), series) in &mut self.series {
            if new_id(*row, *scope).is_none() {
                series.machine.end();
            }
        }
        self.tell_all(now, lexicon, out);
        let series = std::mem::take(&mut self.series).into_iter();
        self.series = series.filter_map(|((row, scope), it)| Some(((new_id(row, scope)?, scope), it))).collect();
        self.cooldowns.forget();
        if !same_scopes {
            self.calls = AllCalls::new(options.by_service);
        }
        (self.table, self.options) = (table, options);
    }

    /// Where an event of this second lies, seen from the evaluation.
    fn place(&self, at: i64) -> Place {
        let ahead = at - self.frontier.unwrap_or(at);
        match usize::try_from(ahead) {
            Ok(ahead) => Place::Ahead(ahead),
            Err(_) if -ahead <= TOO_LATE => Place::Late,
            Err(_) => Place::TooLate,
        }
    }

    fn failed_call(
        &mut self,
        seen: &Observation,
        place: Place,
        lexicon: NameTable<'_>,
        now: Timestamp,
        out: &mut Vec<Transition>,
    ) -> RowId {
        let id = self.row_behind(seen, lexicon).unwrap_or_else(|| self.table.row_of(seen));
        self.cooldowns.note(seen, id);
        let (scope, calls) = self.calls.scope(seen.provider, seen.service);
        calls.call(Outcome::Error, seen.at.second(), place);
        let Some(row) = self.table.row(id) else { return id };
        let (at_once, enabled) = (row.trigger == Trigger::AtOnce, row.enabled);
        self.detections.observe(seen, &row.id, lexicon.patterns, lexicon.providers);
        if enabled {
            self.fail((id, scope), seen, place, lexicon);
        }
        if enabled && at_once && !self.catching_up {
            self.fire_at_once((id, scope), seen, lexicon, now, out);
        }
        if !at_once {
            self.fail_all(Kind::Outage, scope, seen, place, lexicon);
        }
        id
    }

    fn attempt(&mut self, seen: &Observation, place: Place, lexicon: NameTable<'_>) {
        let (scope, calls) = self.calls.scope(seen.provider, seen.service);
        calls.attempt(seen.outcome, place);
        if seen.outcome == Outcome::Error {
            self.fail_all(Kind::Absorbed, scope, seen, place, lexicon);
        }
    }

    /// Takes in a failure for the rows of a kind that stands beside the table.
    fn fail_all(&mut self, kind: Kind, scope: Scope, seen: &Observation, place: Place, lexicon: NameTable<'_>) {
        let row = self.table.enabled(kind).next().map(|(row, _)| row);
        if let Some(row) = row {
            self.fail((row, scope), seen, place, lexicon);
        }
    }

    fn fail(&mut self, key: (RowId, Scope), seen: &Observation, place: Place, lexicon: NameTable<'_>) {
        match self.series_mut(key) {
            Some(series) => {
                series.fail(seen.at.second(), place);
                series.gathered.take(seen, lexicon);
            }
            None => self.overflowed += 1,
        }
    }

    fn fire_at_once(
        &mut self,
        key: (RowId, Scope),
        seen: &Observation,
        lexicon: NameTable<'_>,
        now: Timestamp,
        out: &mut Vec<Transition>,
    ) {
        let desk =
            Desk { table: &self.table, calls: &self.calls, detections: &self.detections, options: &self.options, lexicon };
        if let (Some(series), Some(row), Some(calls)) =
            (self.series.get_mut(&key), desk.table.row(key.0), desk.calls.get(key.1))
        {
            series.fire_at_once(seen.at.second(), now.second(), row, calls);
            desk.tell(key, series, now, out);
        }
    }

    fn desk<'a>(&'a self, lexicon: NameTable<'a>) -> Desk<'a> {
        let Self { table, calls, detections, options, .. } = self;
        Desk { table, calls, detections, options, lexicon }
    }

    /// The series of a row and a scope, made when it is new and there is room.
    fn series_mut(&mut self, key: (RowId, Scope)) -> Option<&mut Series> {
        if self.series.len() >= MAX_SERIES && !self.series.contains_key(&key) {
            return None;
        }
        Some(self.series.entry(key).or_default())
    }

    /// Tells all that has not been told yet.
    fn tell_all(&mut self, at: Timestamp, lexicon: NameTable<'_>, out: &mut Vec<Transition>) {
        let before = out.len();
        let desk =
            Desk { table: &self.table, calls: &self.calls, detections: &self.detections, options: &self.options, lexicon };
        for (key, series) in &mut self.series {
            desk.tell(*key, series, at, out);
        }
        let resolved = out.iter().skip(before).filter(|it| it.to == State::Resolved).map(|it| it.alert.clone());
        self.resolved.extend(resolved);
        let surplus = self.resolved.len().saturating_sub(MAX_RESOLVED);
        self.resolved.drain(..surplus);
        let stale = |it: &Alert| it.resolved_at.is_none_or(|resolved| at.second() - resolved.second() > RESOLVED_SECONDS);
        while self.resolved.front().is_some_and(stale) {
            self.resolved.pop_front();
        }
    }
}

/// What alerts are written from, beside their own series.
#[derive(Clone, Copy)]
struct Desk<'a> {
    table: &'a Table,
    calls: &'a AllCalls,
    detections: &'a Detections,
    options: &'a AlertOptions,
    lexicon: NameTable<'a>,
}

impl<'a> Desk<'a> {
    fn draft<'b>(self, (row, scope): (RowId, Scope), series: &'b Series, at: Timestamp) -> Option<Draft<'b>>
    where
        'a: 'b,
    {
        let Self { table, calls, detections, options, lexicon } = self;
        Some(Draft { row: table.row(row)?, scope, series, calls: calls.get(scope), detections, lexicon, options, at })
    }

    fn tell(self, key: (RowId, Scope), series: &mut Series, at: Timestamp, out: &mut Vec<Transition>) {
        while let Some(Change { from, to, about }) = series.machine.tell(at) {
            let draft = self.draft(key, series, at);
            out.extend(draft.map(|it| Transition { at, from, to, alert: it.alert(to, about) }));
        }
    }
}
