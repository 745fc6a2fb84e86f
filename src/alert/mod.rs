//! Escalation: assigns every failed call to a row of the escalation table, and decides when a row alerts for a provider.
//!
//! - `table`: the rows as written, checked and resolved against the catalog; which row a failed call belongs to.
//! - `state`: what is counted per provider and per rule: calls, storms, conditions, and the alert state machine.
//! - `text`: what people read: the text of an alert, the runbook pages and the Prometheus rules.
//! - [`Alerts`] joins the three. It takes in observations and emits [`Transition`]s.
//!
//! This module does not send anything and does not repeat notifications: `delivery` does both. It does not look for
//! causes: `detect` does, and alert texts quote its findings.
//!
//! Invariant: the caller passes the clock as `now`, and the same observations give the same transitions. Second *t* is
//! evaluated when `now` reaches *t* + 5 s, with every event that has arrived for it by then, so the order in which events
//! arrive within those five seconds does not matter. Rows that fire at the first failure do not wait. An alert that fires
//! keeps its `fired_at` until it resolves, and gets it again when it reopens.
//!
//! Tests: `tests/it/alert.rs`, `tests/it/escalation.rs`, `tests/it/timelines.rs`, `tests/it/timeline.rs`,
//! `tests/it/runbooks.rs`.

mod names;
mod options;
mod view;
mod table;
mod state;
mod text;
mod alerts;
mod evaluate;
mod saved;

pub use alerts::Alerts;
pub use names::NameTable;
pub use options::AlertOptions;
pub use saved::AlertsState;
pub use state::SelfRow;
pub use table::{Condition, Conditions, Kind, Row, RowError, RowId, RowSpec, Table, Trigger, Values, parse};
pub use text::{RUNBOOK_OF_A_NODE, RulesFormat, RulesOptions, error_page, prometheus_rules, runbook};
pub use view::{Alert, Reason, SELF_PROVIDER, State, Transition};
