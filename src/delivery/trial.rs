//! `notify-test` and the reachability check: each receiver is tried once, outside normal delivery.

use super::error::{Failure, SendError};
use super::filter::Filter;
use super::message::{Identity, OWN_PROVIDER};
use super::outbox::Outbox;
use super::receiver::Receiver;
use crate::alert::{Alert, State, Transition};
use crate::taxonomy::Severity;
use crate::time::Timestamp;
use std::time::Duration;

/// Sends one alert, marked as a test, to every member of a receiver, and returns the outcome of each. The receiver's filter
/// does not apply. The alert is never resolved: the person who sent it closes it.
///
/// # Errors
/// Per member, when it did not accept the message.
///
/// # Panics
/// Never: an outbox with a pending notification and without a pause has a message.
pub async fn notify_test(receiver: &Receiver, from: &Identity, now: Timestamp) -> Vec<(String, Result<(), SendError>)> {
    let unfiltered = Receiver { filter: Filter::ALL, ..receiver.clone() };
    let mut results = Vec::new();
    for (label, transport) in &receiver.members {
        let mut outbox = Outbox::new(label, &unfiltered, from.clone(), 0);
        // A dead man's switch has no message; it is pinged once it got a sign of life.
        outbox.refresh(&[], now);
        outbox.on_transition(&test_transition(from, now), now);
        let message = outbox.due(now).expect("an outbox with a pending notification and without a pause has a message");
        results.push((label.clone(), transport.send(message.body).await.map_err(Failure::into_error)));
    }
    results
}

/// Checks that every member of a receiver can be reached, without sending anything. Returns the members that cannot.
pub async fn probe(receiver: &Receiver, limit: Duration) -> Vec<(String, SendError)> {
    let mut unreachable = Vec::new();
    for (label, transport) in &receiver.members {
        if let Err(error) = transport.probe(limit).await {
            unreachable.push((label.clone(), error));
        }
    }
    unreachable
}

fn test_transition(from: &Identity, now: Timestamp) -> Transition {
    let alert = Alert {
        name: "LLMTriageTest".to_owned(),
        row: "test".to_owned(),
        provider: OWN_PROVIDER.to_owned(),
        service: None,
        severity: Severity::Info,
        state: State::Firing,
        since: now,
        fired_at: Some(now),
        quiet_until: None,
        resolved_at: None,
        reason: None,
        failures: 0,
        per_minute: 0.0,
        share: None,
        summary: "TEST: llm-triage can reach this receiver".to_owned(),
        description: format!("`llm-triage notify-test` was run on {}. Nothing is wrong.", from.instance),
        next_step: "Nothing to do: this is a test".to_owned(),
        fix: "None needed".to_owned(),
        evidence: String::new(),
        runbook_url: String::new(),
        error_url: String::new(),
    };
    Transition { at: now, from: State::Pending, to: State::Firing, alert }
}
