//! Alerts as other modules see them: plain values, ready to be sent, shown or stored.

use crate::taxonomy::{Severity, string_enum};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The value of [`Alert::provider`] in alerts about this process itself.
pub const SELF_PROVIDER: &str = "llm-triage";

string_enum! {
    /// The state of an alert.
    State {
        /// The row does not hold.
        Inactive = "inactive",
        /// The row holds, but not yet for long enough.
        Pending = "pending",
        /// The row has held for long enough: receivers are notified.
        Firing = "firing",
        /// The alert fired before and is over.
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
        /// No call to that provider was seen for too long.
        Expired = "expired",
        /// The row was removed, switched off or changed.
        Config = "config",
    }
}

/// One alert: a row of the escalation table that holds for one provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// The label `alertname`: `LLM` and the row's id in CamelCase.
    pub name: String,
    /// The row's id.
    pub row: String,
    /// The provider's id, or [`SELF_PROVIDER`].
    pub provider: String,
    /// Set where alerts are kept per service.
    pub service: Option<String>,
    /// Fixed per row.
    pub severity: Severity,
    /// The state after the latest change.
    pub state: State,
    /// The time of the first failure of the storm behind the alert.
    pub since: Timestamp,
    /// When it began to fire: `startsAt`. It does not change while the alert fires, nor when it reopens.
    pub fired_at: Option<Timestamp>,
    /// Set while it is reopened: it fires again soon after its recovery, and a receiver that was notified of it needs no
    /// notification before this time.
    #[serde(default)]
    pub quiet_until: Option<Timestamp>,
    /// Set when it was resolved: `endsAt`.
    pub resolved_at: Option<Timestamp>,
    /// Why it was resolved.
    pub reason: Option<Reason>,
    /// Failed calls since `since`.
    pub failures: u64,
    /// Failed calls in the last minute.
    pub per_minute: f64,
    /// The share (0 to 1) of that provider's calls since `since` that failed with this row; `None` where successes are
    /// never logged.
    pub share: Option<f64>,
    /// One line: what is wrong.
    pub summary: String,
    /// A few lines: since when, how many failures, the owner of the cause, and when the alert resolves.
    pub description: String,
    /// The row's action and whom to call next.
    pub next_step: String,
    /// How to fix the leading error.
    pub fix: String,
    /// Models, services, statuses, hosts, the leading pattern, request ids, findings and an example.
    pub evidence: String,
    /// The runbook page of the row.
    pub runbook_url: String,
    /// The page of the leading error; empty if it is not known.
    #[serde(default)]
    pub error_url: String,
}

impl Alert {
    /// Whether this is the other alert, open again.
    #[must_use]
    pub fn is_again(&self, other: &Self) -> bool {
        let Self { fired_at, row, provider, service, .. } = self;
        let theirs = (&other.fired_at, &other.row, &other.provider, &other.service);
        fired_at.is_some() && (fired_at, row, provider, service) == theirs
    }
}

/// A change of state; emitted once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transition {
    /// When, by the clock that the pipeline was given.
    pub at: Timestamp,
    /// The state before.
    pub from: State,
    /// The state after.
    pub to: State,
    /// The alert after the change.
    pub alert: Alert,
}
