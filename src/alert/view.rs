//! An alert as the outside sees it: plain values, ready to be sent, shown or stored.

use crate::taxonomy::{Severity, string_enum};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

string_enum! {
    /// Where an alert stands.
    State {
        /// The row does not hold.
        Inactive = "inactive",
        /// It holds, though not yet for long enough.
        Pending = "pending",
        /// Somebody has been told.
        Firing = "firing",
        /// It held, and does not any more.
        Resolved = "resolved",
    }
}

string_enum! {
    /// Why an alert was resolved.
    Reason {
        /// Calls succeed again.
        Recovered = "recovered",
        /// The failure has not been seen for long enough.
        Quiet = "quiet",
        /// Nothing was heard of that provider at all.
        Expired = "expired",
        /// The row was removed or switched off.
        Config = "config",
    }
}

/// One alert: a row of the escalation table that holds for a provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// The label `alertname`: `LLM` and the row's name in CamelCase.
    pub name: String,
    /// The row's id.
    pub row: String,
    /// The provider's id; `llm-triage` for the rows about ourselves.
    pub provider: String,
    /// Where alerts are kept per service.
    pub service: Option<String>,
    /// Fixed per row.
    pub severity: Severity,
    /// Where it stands.
    pub state: State,
    /// The first failure of the storm it stands for.
    pub since: Timestamp,
    /// When it began to fire: `startsAt`, fixed from then on.
    pub fired_at: Option<Timestamp>,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
    /// Why it was resolved.
    pub reason: Option<Reason>,
    /// Failed calls since `since`.
    pub failures: u64,
    /// Failed calls per minute, now.
    pub per_minute: f64,
    /// The share of that provider's calls that fail with this row, now; unknown where successes are never seen.
    pub share: Option<f64>,
    /// One line: what is wrong.
    pub summary: String,
    /// A few lines: what, since when, how much, whose, how it will clear.
    pub description: String,
    /// The table's next step: action and whom to call.
    pub next_step: String,
    /// What mends the leading error.
    pub fix: String,
    /// Models, services, statuses, hosts, the leading pattern, an example, request ids.
    pub evidence: String,
    /// A page that says more.
    pub runbook_url: String,
}

/// A change of state, told once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transition {
    /// When, by the clock that the pipeline was given.
    pub at: Timestamp,
    /// The state before.
    pub from: State,
    /// The state after.
    pub to: State,
    /// The alert as it is after the change.
    pub alert: Alert,
}
