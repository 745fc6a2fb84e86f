//! One row of the escalation table: checked, with all defaults filled in.

use super::spec::{Condition, Conditions, Kind, RowSpec};
use crate::taxonomy::Severity;
use crate::time::{Span, format_duration};
use std::time::Duration;

/// The minimum number of failures of a storm, if the row does not set it.
const DEFAULT_FAILURES: u32 = 4;
/// The minimum share of failing calls, if the row does not set it.
const DEFAULT_SHARE: f64 = 0.1;

/// One row of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Kebab-case and unique: the label `row`.
    pub id: String,
    /// The label `alertname`: `LLM` and the id in CamelCase.
    pub alert_name: String,
    /// The events that the row counts.
    pub kind: Kind,
    /// Whether the row raises alerts; failed calls belong to it in any case.
    pub enabled: bool,
    /// When the row fires.
    pub trigger: Trigger,
    /// The minimum number of failed calls in a storm that fires.
    pub failures: u32,
    /// The minimum share (0 to 1) of the provider's calls that must fail to make a storm.
    pub share: f64,
    /// How long the storm must be over before the alert resolves.
    pub keep_firing: Duration,
    /// The urgency of its alerts.
    pub severity: Severity,
    /// A few words that complete the summary "`provider`: …".
    pub title: String,
    /// What to do first.
    pub action: String,
    /// What to do, or whom to call, if the action did not help.
    pub escalate_to: String,
    /// How to fix it; used if no pattern gives a fix.
    pub fix: String,
    conditions: Conditions,
}

/// When a row fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// At the first failure, when it arrives.
    AtOnce,
    /// When the storm is this long.
    Sustained(Duration),
    /// When enough calls fail within this time.
    Burst(Duration),
}

/// A fault of one row; the message says how to fix it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("escalation row {row:?}: {fault}")]
pub struct RowError {
    /// The row's id as written.
    pub row: String,
    /// What is wrong, and what would be right.
    pub fault: String,
}

/// Where a row comes from.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Origin {
    /// The shipped table, maybe changed by the user.
    Shipped,
    /// The user's configuration alone.
    Added,
}

impl Row {
    /// The id of the shipped row for errors that no pattern matches. It also fires when a group of such errors grows.
    pub const UNKNOWN: &str = "unknown";

    /// Which failed calls belong to the row, in words.
    #[must_use]
    pub fn matches(&self) -> String {
        self.conditions.to_string()
    }

    /// The action and whom to call next, in one or two sentences.
    #[must_use]
    pub fn next_step(&self) -> String {
        match (self.action.as_str(), self.escalate_to.as_str()) {
            (action, "") => action.to_owned(),
            (action, escalate_to) => format!("{action} Escalation: {escalate_to}."),
        }
    }

    /// Whether alerts of the row `other` continue as alerts of this row: both select the same calls and carry the same
    /// labels.
    pub(in crate::alert) fn continues(&self, other: &Self) -> bool {
        (&self.id, self.kind, self.enabled, self.severity, &self.conditions)
            == (&other.id, other.kind, other.enabled, other.severity, &other.conditions)
    }

    pub(super) fn conditions(&self) -> &[Condition] {
        &self.conditions.0
    }

    /// Whether every failed call belongs to the row.
    pub(super) fn matches_all(&self) -> bool {
        self.conditions.0.is_empty() || self.conditions.0.iter().any(Condition::is_empty)
    }

    /// Fills in the defaults and reports every fault of `spec`.
    pub(super) fn resolve(spec: &RowSpec, origin: Origin, faults: &mut Vec<RowError>) -> Self {
        let mut check = RowCheck { row: &spec.id, faults };
        check.id(&spec.id);
        check.kind(spec, origin);
        let trigger = check.trigger(spec);
        check.has_length(spec.kind, trigger);
        let keep_default = if trigger == Trigger::AtOnce { Duration::from_mins(10) } else { Duration::from_mins(5) };
        let text = |value: &Option<String>, default: &str| value.clone().unwrap_or_else(|| default.to_owned());
        Self {
            alert_name: alert_name(&spec.id),
            kind: spec.kind.unwrap_or(Kind::Errors),
            enabled: spec.enabled.unwrap_or(true),
            trigger,
            failures: check.failures(spec.failures.unwrap_or(DEFAULT_FAILURES)),
            share: check.share(spec.share.unwrap_or(DEFAULT_SHARE)),
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

/// `rate-limit` becomes `LLMRateLimit`.
fn alert_name(id: &str) -> String {
    let mut name = "LLM".to_owned();
    for part in id.split('-') {
        let mut chars = part.chars();
        name.extend(chars.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(chars.as_str());
    }
    name
}

/// Collects the faults of one row.
struct RowCheck<'a> {
    row: &'a str,
    faults: &'a mut Vec<RowError>,
}

impl RowCheck<'_> {
    fn fault(&mut self, fault: impl Into<String>) {
        self.faults.push(RowError { row: self.row.to_owned(), fault: fault.into() });
    }

    fn id(&mut self, id: &str) {
        let is_word =
            |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        if id.len() > 40 || !id.split('-').all(is_word) {
            self.fault("an id is lower-case words joined by `-`, at most 40 characters");
        }
    }

    fn kind(&mut self, spec: &RowSpec, origin: Origin) {
        let kind = spec.kind.unwrap_or(Kind::Errors);
        let conditions = spec.conditions.as_ref().map_or(&[][..], |conditions| &conditions.0);
        if kind != Kind::Errors && !conditions.is_empty() {
            self.fault("only rows over failed calls have a `match`");
        }
        if origin == Origin::Shipped {
            return;
        }
        if kind != Kind::Errors {
            self.fault("a new row counts failed calls; leave `kind` out");
        }
        if conditions.is_empty() || conditions.iter().any(Condition::is_empty) {
            self.fault("a new row needs a `match`, such as { category = \"auth\", service = \"checkout\" }; is the id a shipped row's?");
        }
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

    /// Rows over all calls measure the length of the storm only.
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

    /// A time in whole seconds, at most `max_s`: `45s`, `5m`, `2h`, `1d`.
    fn span(&mut self, key: &str, text: Option<&str>, max_s: u64) -> Option<Duration> {
        let text = text?;
        let Some(Span(span)) = text.parse().ok().filter(|span: &Span| span.0.subsec_nanos() == 0) else {
            self.fault(format!("{key} = {text:?} is not a time in whole seconds, such as \"45s\" or \"5m\""));
            return None;
        };
        if span > Duration::from_secs(max_s) {
            let max = format_duration(Duration::from_secs(max_s));
            self.fault(format!("{key} = {text:?} is too long: at most {max}"));
            return None;
        }
        Some(span)
    }
}
