//! What messages are made of: the alerts to report, who sends them, and the labels and annotations that all receivers share.

use crate::alert::Alert;
use crate::redact::{clean_lines, inert, unlinked};
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// The provider in alerts about this process itself.
pub(super) const OWN_PROVIDER: &str = "llm-triage";

/// The longest text of one annotation, in characters. Alerts are shorter; this limit holds for every input.
const MAX_TEXT_CHARS: usize = 4_096;
/// The longest value of one label, in characters.
const MAX_LABEL_CHARS: usize = 256;

/// The process that sends the messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The label `instance`: the host, as Prometheus would call it.
    pub instance: String,
    /// The address of the status page, which messages link to.
    pub url: String,
}

/// One message, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The body, in the receiver's format.
    pub body: Vec<u8>,
    /// How many alerts the message reports.
    pub alerts: usize,
}

/// The state of one alert, as a receiver is to be notified of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Notification<'a> {
    /// The alert.
    pub(super) alert: &'a Alert,
    /// When the alert began to fire; the same in every message about it.
    pub(super) starts_at: Timestamp,
    /// When the alert was resolved; `None` while it fires.
    pub(super) ended_at: Option<Timestamp>,
}

impl Notification<'_> {
    /// The word that Alertmanager uses: `firing` or `resolved`.
    pub(super) fn status(&self) -> &'static str {
        if self.ended_at.is_some() { "resolved" } else { "firing" }
    }
}

/// Everything that goes into one message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batch<'a> {
    /// The value of the label `receiver`.
    pub(super) receiver: &'a str,
    /// The alerts to report; at least one.
    pub(super) notifications: &'a [Notification<'a>],
    /// The sender.
    pub(super) from: &'a Identity,
    /// When a firing alert ends by itself unless it is sent again.
    pub(super) expires_at: Timestamp,
}

/// The labels that identify an alert. Empty values are left out: Alertmanager rejects them.
pub(super) fn labels(alert: &Alert, from: &Identity) -> BTreeMap<&'static str, String> {
    let all = [
        ("alertname", alert.name.as_str()),
        ("row", &alert.row),
        ("provider", &alert.provider),
        ("severity", alert.severity.as_str()),
        ("service", alert.service.as_deref().unwrap_or_default()),
        ("instance", &from.instance),
    ];
    without_empty(all, MAX_LABEL_CHARS)
}

/// The texts that explain an alert, without empty ones. Templates that we do not know put them into chats, so they are inert; in
/// texts that quote a log, addresses are no links.
pub(super) fn annotations(alert: &Alert) -> BTreeMap<&'static str, String> {
    let [summary, description, evidence] =
        [&alert.summary, &alert.description, &alert.evidence].map(|text| inert(&unlinked(text)));
    let [next_step, fix] = [&alert.next_step, &alert.fix].map(|text| inert(text));
    let all = [
        ("summary", summary.as_str()),
        ("description", &description),
        ("next_step", &next_step),
        ("fix", &fix),
        ("evidence", &evidence),
        ("runbook_url", &alert.runbook_url),
        ("error_url", &alert.error_url),
    ];
    without_empty(all, MAX_TEXT_CHARS)
}

/// The pages that an alert links to, with what they are about.
pub(super) fn pages(alert: &Alert) -> impl Iterator<Item = (&'static str, &str)> {
    let all = [("Runbook", alert.runbook_url.as_str()), ("About this error", &alert.error_url)];
    all.into_iter().filter(|(_, url)| !url.is_empty())
}

fn without_empty<const N: usize>(all: [(&'static str, &str); N], max_chars: usize) -> BTreeMap<&'static str, String> {
    all.into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name, clip(&clean_lines(value), max_chars)))
        .collect()
}

/// The alerts that fire, the most severe first.
pub(super) fn firing<'a>(notifications: &[Notification<'a>]) -> Vec<Notification<'a>> {
    let mut firing: Vec<Notification<'a>> =
        notifications.iter().filter(|notification| notification.ended_at.is_none()).copied().collect();
    firing.sort_by_key(|notification| (std::cmp::Reverse(notification.alert.severity), notification.starts_at));
    firing
}

/// The text, cut to at most this many characters; an ellipsis at the end marks a cut.
pub(super) fn clip(text: &str, max_chars: usize) -> String {
    match text.char_indices().nth(max_chars) {
        None => text.to_owned(),
        Some(_) => text.chars().take(max_chars - 1).chain(['…']).collect(),
    }
}
