//! The escalation table that is in force: rows, checked and resolved against the catalogue.

use super::matching::Matcher;
use super::spec::{Conditions, Kind, RowSpec};
use super::{NameTable, RowId};
use crate::observation::Observation;
use crate::taxonomy::Severity;
use std::time::Duration;

const SHIPPED: &str = include_str!("../../patterns/escalation.toml");

/// Rows in the order in which they are tried.
#[derive(Clone, Debug)]
pub struct Table {
    rows: Vec<Row>,
    matchers: Vec<(RowId, Matcher)>,
    rest: RowId,
}

/// One row of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Stable, kebab-case, unique: the label `row`.
    pub id: String,
    /// The label `alertname`: `LLM` and the id in CamelCase.
    pub alert_name: String,
    /// What it watches.
    pub kind: Kind,
    /// Whether it raises alerts; failed calls belong to it in any case.
    pub enabled: bool,
    /// When it fires.
    pub trigger: Trigger,
    /// The fewest failed calls of a storm that fires.
    pub failures: u32,
    /// The share of the provider's calls from which on failures make a storm.
    pub share: f64,
    /// How long it must be over before the alert resolves.
    pub keep_firing: Duration,
    /// How urgent it is.
    pub severity: Severity,
    /// A few words that finish the sentence "`provider`: …".
    pub title: String,
    /// What to do first.
    pub action: String,
    /// What to do, or whom to call, when that did not help.
    pub escalate_to: String,
    /// What mends it, where no pattern says more.
    pub fix: String,
    conditions: Conditions,
}

/// When a row fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// At the first failure, on its arrival.
    AtOnce,
    /// When the storm is this long.
    Sustained(Duration),
    /// When enough calls fail within this time.
    Burst(Duration),
}

/// Why a row was refused: which, what, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("escalation row {row:?}: {fault}")]
pub struct RowError {
    /// The row's id, as it was written.
    pub row: String,
    /// What is wrong with it, and what would be right.
    pub fault: String,
}

impl Table {
    /// The most rows there can be.
    pub const MAX_ROWS: usize = 200;

    /// The shipped rows, changed and added to by the user's.
    ///
    /// # Errors
    /// Every fault of every row.
    pub fn build(user: &[RowSpec], lexicon: NameTable<'_>) -> Result<Self, Vec<RowError>> {
        let shipped = parse(SHIPPED).map_err(|error| vec![RowError { row: "shipped".to_owned(), fault: error.to_string() }])?;
        let mut faults = Vec::new();
        let mut rows = Vec::new();
        let mut matchers = Vec::new();
        for (spec, origin) in merge(shipped, user, &mut faults) {
            let id = RowId(u16::try_from(rows.len()).unwrap_or(u16::MAX));
            let row = Row::resolve(&spec, origin, &mut faults);
            matchers.extend(resolve_conditions(&row, lexicon, &mut faults).into_iter().map(|it| (id, it)));
            rows.push(row);
        }
        let rest = rows.iter().rposition(|it| it.kind == Kind::Errors).filter(|it| rows[*it].fits_all());
        let Some(rest) = rest.and_then(|it| u16::try_from(it).ok()) else {
            let fault = "must fit every failed call, as the last row for them; leave `match` out and add a row instead";
            faults.push(RowError { row: "rest".to_owned(), fault: fault.to_owned() });
            return Err(faults);
        };
        let table = Self { rows, matchers, rest: RowId(rest) };
        if faults.is_empty() {
            table.find_mute_rows(user, lexicon, &mut faults);
        }
        if faults.is_empty() { Ok(table) } else { Err(faults) }
    }

    /// Rows of the user that no failed call can belong to, and rows that the user's keep every call from.
    fn find_mute_rows(&self, user: &[RowSpec], lexicon: NameTable<'_>, faults: &mut Vec<RowError>) {
        let of = |id: RowId| self.matchers.iter().filter(move |(row, _)| *row == id).map(|(_, it)| it);
        for (id, row) in self.iter().filter(|(id, it)| it.kind == Kind::Errors && it.enabled && *id != self.rest) {
            let typed = |id: &str| user.iter().find(|it| it.id == id);
            let is_users = typed(&row.id).is_some();
            let matches = typed(&row.id).is_some_and(|it| it.conditions.is_some());
            let never: Vec<_> = of(id).filter_map(|it| it.fits_none(lexicon)).collect();
            if let (true, [why, ..]) = (matches, never.as_slice()) {
                let fault = format!("one of its conditions fits no call: {why}");
                faults.push(RowError { row: row.id.clone(), fault });
                continue;
            }
            let in_front =
                |theirs: &Matcher| self.matchers.iter().take_while(|(it, _)| *it < id).find(|(_, it)| it.covers(theirs));
            let covers: Option<Vec<_>> = of(id).map(|it| in_front(it).map(|(row, _)| *row)).collect();
            let Some(front) = covers.and_then(|it| it.last().copied()).and_then(|it| self.row(it)) else { continue };
            let (mute, front) = (&row.id, &front.id);
            // Two shipped rows are no business of the user's, whatever patterns are left out.
            if !is_users && typed(front).is_none() {
                continue;
            }
            // The user's row is the one to be changed, whichever it is.
            let (row, fault) = if is_users {
                (
                    mute,
                    format!(
                        "never fires: every call it fits belongs to row {front:?} before it; narrow that one, or leave this one out"
                    ),
                )
            } else {
                (
                    front,
                    format!(
                        "takes every call of row {mute:?}, which could never fire; change {mute:?} instead, narrow the `match`, or add id = {mute:?} with enabled = false"
                    ),
                )
            };
            faults.push(RowError { row: row.clone(), fault });
        }
    }

    /// The row that a failed call belongs to.
    #[must_use]
    pub fn row_of(&self, seen: &Observation) -> RowId {
        self.matchers.iter().find(|(_, matcher)| matcher.fits(seen)).map_or(self.rest, |(row, _)| *row)
    }

    /// All rows, in the order of their ids' indexes.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The row behind an id that this table gave out.
    #[must_use]
    pub fn row(&self, id: RowId) -> Option<&Row> {
        self.rows.get(usize::from(id.0))
    }

    /// The row with this name.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<RowId> {
        self.iter().find(|(_, row)| row.id == name).map(|(id, _)| id)
    }

    /// Every row with its id.
    pub fn iter(&self) -> impl Iterator<Item = (RowId, &Row)> {
        (0u16..).map(RowId).zip(&self.rows)
    }

    /// The rows of a kind that raise alerts.
    pub(super) fn enabled(&self, kind: Kind) -> impl Iterator<Item = (RowId, &Row)> {
        self.iter().filter(move |(_, row)| row.kind == kind && row.enabled)
    }
}

/// Reads a text of `[[escalation]]` tables.
///
/// # Errors
/// When it is not TOML, or a key is unknown or of the wrong type; the error names the line.
pub fn parse(text: &str) -> Result<Vec<RowSpec>, toml::de::Error> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        escalation: Vec<RowSpec>,
    }
    Ok(toml::from_str::<File>(text)?.escalation)
}

#[derive(Clone, Copy, PartialEq)]
enum Origin {
    Shipped,
    Added,
}

/// The user's new rows in front, then the shipped ones with the user's changes.
fn merge(mut shipped: Vec<RowSpec>, user: &[RowSpec], faults: &mut Vec<RowError>) -> Vec<(RowSpec, Origin)> {
    let mut fault = |row: &RowSpec, text: &str| faults.push(RowError { row: row.id.clone(), fault: text.to_owned() });
    let mut added: Vec<RowSpec> = Vec::new();
    for (position, change) in user.iter().enumerate() {
        if user.iter().take(position).any(|it| it.id == change.id) {
            fault(change, "stands twice in the configuration; join the two");
        } else if let Some(row) = shipped.iter_mut().find(|it| it.id == change.id) {
            if change.kind.is_some_and(|it| Some(it) != row.kind.or(Some(Kind::Errors))) {
                fault(change, "the kind of a shipped row cannot be changed; leave `kind` out");
            }
            *row = std::mem::take(row).changed_by(change);
        } else if added.len() + shipped.len() >= Table::MAX_ROWS {
            fault(change, "is one row too many; 200 is the limit");
        } else {
            added.push(change.clone());
        }
    }
    let added = added.into_iter().map(|it| (it, Origin::Added));
    added.chain(shipped.into_iter().map(|it| (it, Origin::Shipped))).collect()
}

impl Row {
    /// Which failed calls belong to it, in words.
    #[must_use]
    pub fn matches(&self) -> String {
        self.conditions.to_string()
    }

    /// The table's next step, in one sentence or two.
    #[must_use]
    pub fn next_step(&self) -> String {
        match (self.action.as_str(), self.escalate_to.as_str()) {
            (action, "") => action.to_owned(),
            (action, escalate_to) => format!("{action} Escalation: {escalate_to}."),
        }
    }

    /// Whether an alert of this row goes on as one of `other`: the same calls, under the same labels.
    pub(super) fn continues(&self, other: &Self) -> bool {
        (&self.id, self.kind, self.enabled, self.severity, &self.conditions)
            == (&other.id, other.kind, other.enabled, other.severity, &other.conditions)
    }

    fn fits_all(&self) -> bool {
        self.conditions.0.is_empty() || self.conditions.0.iter().any(Matcher::fits_all)
    }

    fn resolve(spec: &RowSpec, origin: Origin, faults: &mut Vec<RowError>) -> Self {
        let mut check = Check { row: &spec.id, faults };
        check.id(&spec.id);
        check.kind(spec, origin);
        let trigger = check.trigger(spec);
        check.has_length(spec.kind, trigger);
        let keep_default = if trigger == Trigger::AtOnce { Duration::from_mins(10) } else { Duration::from_mins(5) };
        let text = |it: &Option<String>, default: &str| it.clone().unwrap_or_else(|| default.to_owned());
        Self {
            alert_name: alert_name(&spec.id),
            kind: spec.kind.unwrap_or(Kind::Errors),
            enabled: spec.enabled.unwrap_or(true),
            trigger,
            failures: check.failures(spec.failures.unwrap_or(4)),
            share: check.share(spec.share.unwrap_or(0.1)),
            keep_firing: check.span("keep_firing", spec.keep_firing.as_deref(), 86_400).unwrap_or(keep_default),
            severity: spec.severity.unwrap_or(Severity::Warning),
            title: text(&spec.title, &spec.id.replace('-', " ")),
            action: text(&spec.action, "Read the fix of the leading error."),
            escalate_to: text(&spec.escalate_to, "the developer on-call"),
            fix: text(&spec.fix, ""),
            conditions: spec.conditions.clone().unwrap_or_default(),
            id: spec.id.clone(),
        }
    }
}

fn resolve_conditions(row: &Row, lexicon: NameTable<'_>, faults: &mut Vec<RowError>) -> Vec<Matcher> {
    let mut texts = Vec::new();
    let matchers = row.conditions.0.iter().map(|it| Matcher::new(it, lexicon, &mut texts)).collect();
    faults.extend(texts.into_iter().map(|fault| RowError { row: row.id.clone(), fault }));
    matchers
}

/// `rate-limit` becomes `LLMRateLimit`.
fn alert_name(id: &str) -> String {
    let mut name = "LLM".to_owned();
    for part in id.split('-') {
        let mut chars = part.chars();
        name.extend(chars.next().map(|it| it.to_ascii_uppercase()));
        name.push_str(chars.as_str());
    }
    name
}

/// Collects the faults of one row.
struct Check<'a> {
    row: &'a str,
    faults: &'a mut Vec<RowError>,
}

impl Check<'_> {
    fn fault(&mut self, fault: impl Into<String>) {
        self.faults.push(RowError { row: self.row.to_owned(), fault: fault.into() });
    }

    fn id(&mut self, id: &str) {
        let parts = |it: &str| !it.is_empty() && it.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if id.len() > 40 || !id.split('-').all(parts) {
            self.fault("an id is lower-case words joined by `-`, at most 40 characters");
        }
    }

    fn kind(&mut self, spec: &RowSpec, origin: Origin) {
        let kind = spec.kind.unwrap_or(Kind::Errors);
        let conditions = spec.conditions.as_ref().map_or(0, |it| it.0.len());
        if kind != Kind::Errors && conditions > 0 {
            self.fault("only rows over failed calls have a `match`");
        }
        if origin == Origin::Added && kind != Kind::Errors {
            self.fault("a new row watches failed calls; leave `kind` out");
        }
        if origin == Origin::Added && (conditions == 0 || self.catches_all(spec)) {
            self.fault("a new row needs a `match`, such as { category = \"auth\", service = \"checkout\" }; is the id a shipped row's?");
        }
    }

    fn catches_all(&self, spec: &RowSpec) -> bool {
        spec.conditions.as_ref().is_some_and(|it| it.0.iter().any(Matcher::fits_all))
    }

    fn trigger(&mut self, spec: &RowSpec) -> Trigger {
        if spec.sustained.is_some() && spec.within.is_some() {
            self.fault("give `sustained` or `within`, not both");
        }
        if let Some(within) = self.span("within", spec.within.as_deref(), 300) {
            if within.is_zero() {
                self.fault("`within` is at least 1s; a row with sustained = \"0s\" fires at the first failure");
            }
            return Trigger::Burst(within);
        }
        match self.span("sustained", spec.sustained.as_deref(), 3_600) {
            Some(Duration::ZERO) => Trigger::AtOnce,
            Some(length) => Trigger::Sustained(length),
            None => Trigger::Sustained(Duration::from_mins(1)),
        }
    }

    /// Rows over all calls measure how long the trouble is, and nothing else.
    fn has_length(&mut self, kind: Option<Kind>, trigger: Trigger) {
        if matches!(kind, Some(Kind::Outage | Kind::Absorbed)) && !matches!(trigger, Trigger::Sustained(_)) {
            self.fault("fires only when it lasts: give `sustained`, at least 1s");
        }
    }

    fn failures(&mut self, failures: u32) -> u32 {
        if !(1..=1_000).contains(&failures) {
            self.fault(format!("failures = {failures} is not between 1 and 1000"));
        }
        failures
    }

    fn share(&mut self, share: f64) -> f64 {
        if !(0.001..=0.99).contains(&share) {
            self.fault(format!("share = {share} is not between 0.001 and 0.99"));
        }
        share
    }

    /// A span in whole seconds: `45s`, `5m`, `2h`, `1d`.
    fn span(&mut self, key: &str, text: Option<&str>, most: u64) -> Option<Duration> {
        let text = text?;
        let Some(seconds) = seconds(text) else {
            self.fault(format!("{key} = {text:?} is not a time such as \"45s\" or \"5m\""));
            return None;
        };
        if seconds > most {
            let most = super::text::spoken(Duration::from_secs(most));
            self.fault(format!("{key} = {text:?} is longer than what is remembered: at most {most}"));
            return None;
        }
        Some(Duration::from_secs(seconds))
    }
}

fn seconds(text: &str) -> Option<u64> {
    let unit = match text.as_bytes().last()? {
        b's' => 1,
        b'm' => 60,
        b'h' => 3_600,
        b'd' => 86_400,
        _ => return None,
    };
    text.split_at(text.len() - 1).0.parse::<u64>().ok()?.checked_mul(unit)
}
