//! What a receiver gets to read: labels, annotations, and one shape of body per kind of receiver.

mod alertmanager;
mod lines;
mod pagerduty;
mod slack;
mod webhook;

use super::secret::Secret;
use crate::alert::Alert;
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// The longest text of one annotation, in characters. Alerts are shorter; this is the bound that holds whatever they are.
const LONGEST_TEXT: usize = 4_096;
/// The longest value of one label, in characters.
const LONGEST_LABEL: usize = 256;

/// Who sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The label `instance`: the host, as Prometheus would call it.
    pub instance: String,
    /// The address of the status page: where the alert came from.
    pub url: String,
}

/// One alert as it is to be told.
#[derive(Clone, Copy, Debug)]
pub(super) struct News<'a> {
    /// What it is.
    pub(super) alert: &'a Alert,
    /// When it began to fire; the same in every message about it.
    pub(super) starts_at: Timestamp,
    /// When it was resolved; `None` while it fires.
    pub(super) ended_at: Option<Timestamp>,
}

impl News<'_> {
    fn status(&self) -> &'static str {
        if self.ended_at.is_some() { "resolved" } else { "firing" }
    }
}

/// How a kind of receiver wants to be told.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    /// Alertmanager's API v2: the state of every alert, again and again.
    Alertmanager,
    /// Alertmanager's webhook payload, version 4: one message per provider and change.
    Webhook,
    /// A Slack message per provider and change.
    Slack,
    /// A PagerDuty event per provider and change.
    PagerDuty {
        /// Which service is told.
        routing_key: Secret,
    },
    /// The webhook's payload, for a command.
    Command,
    /// A line per alert and change.
    Lines,
    /// Nothing: that somebody asks is the message.
    Heartbeat,
}

/// What goes into one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grouping {
    /// Whatever is due.
    Any,
    /// All that concerns one provider: firing rows of one provider are one incident.
    Provider,
}

impl Shape {
    /// What may share a message.
    pub(super) fn grouping(&self) -> Grouping {
        match self {
            Self::Alertmanager => Grouping::Any,
            Self::Webhook | Self::Slack | Self::PagerDuty { .. } | Self::Command | Self::Lines | Self::Heartbeat => {
                Grouping::Provider
            }
        }
    }

    /// How long what is new about an incident that people were told of waits for more. What is worse than they know, and
    /// the end of all of it, does not wait.
    pub(super) fn patience(&self) -> Duration {
        match self {
            Self::Slack | Self::PagerDuty { .. } => Duration::from_mins(5),
            Self::Alertmanager | Self::Webhook | Self::Command | Self::Lines | Self::Heartbeat => Duration::ZERO,
        }
    }

    /// From so many providers on, what is new about all of them is one message.
    pub(super) fn digest_from(&self) -> Option<usize> {
        match self {
            Self::Slack | Self::Webhook | Self::Command => Some(5),
            // An event speaks of one incident, by its key; of lines there is one per alert in any case.
            Self::PagerDuty { .. } | Self::Lines | Self::Alertmanager | Self::Heartbeat => None,
        }
    }

    /// The most messages a minute, but for critical ones.
    pub(super) fn most_per_minute(&self) -> usize {
        match self {
            Self::Slack | Self::PagerDuty { .. } => 6,
            Self::Alertmanager | Self::Webhook | Self::Command | Self::Lines | Self::Heartbeat => usize::MAX,
        }
    }

    /// The least time between two messages.
    pub(super) fn gap(&self) -> Duration {
        match self {
            // Slack takes about one message a second per channel.
            Self::Slack => Duration::from_secs(1),
            Self::Alertmanager | Self::Webhook | Self::PagerDuty { .. } | Self::Command | Self::Lines | Self::Heartbeat => {
                Duration::ZERO
            }
        }
    }

    /// The body of a message. `expires_at` is when a firing alert ends by itself, unless it is told again.
    pub(super) fn body(&self, receiver: &str, news: &[News<'_>], from: &Identity, expires_at: Timestamp) -> Vec<u8> {
        let value = match self {
            Self::Alertmanager => alertmanager::body(news, from, expires_at),
            Self::Webhook => webhook::body(receiver, news, from),
            Self::Command => return line(&webhook::body(receiver, news, from)),
            Self::Lines => return lines::body(news),
            Self::Heartbeat => return Vec::new(),
            Self::Slack => slack::body(news, from),
            Self::PagerDuty { routing_key } => pagerduty::body(routing_key, news, from),
        };
        serde_json::to_vec(&value).expect("a JSON value can be written")
    }
}

/// A JSON value on a line of its own.
fn line(value: &serde_json::Value) -> Vec<u8> {
    format!("{value}\n").into_bytes()
}

/// What identifies an alert. No value is empty: Alertmanager refuses those.
fn labels(alert: &Alert, from: &Identity) -> BTreeMap<&'static str, String> {
    let all = [
        ("alertname", alert.name.as_str()),
        ("row", &alert.row),
        ("provider", &alert.provider),
        ("severity", alert.severity.as_str()),
        ("service", alert.service.as_deref().unwrap_or_default()),
        ("instance", &from.instance),
    ];
    all.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name, clip(value, LONGEST_LABEL))).collect()
}

/// What explains an alert.
fn annotations(alert: &Alert) -> BTreeMap<&'static str, String> {
    let all = [
        ("summary", &alert.summary),
        ("description", &alert.description),
        ("next_step", &alert.next_step),
        ("fix", &alert.fix),
        ("evidence", &alert.evidence),
        ("runbook_url", &alert.runbook_url),
    ];
    all.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name, clip(value, LONGEST_TEXT))).collect()
}

/// What fires of it, the worst first, and the worst that there is.
fn firing<'a>(news: &[News<'a>]) -> Vec<News<'a>> {
    let mut firing: Vec<News<'a>> = news.iter().filter(|it| it.ended_at.is_none()).copied().collect();
    firing.sort_by_key(|it| (std::cmp::Reverse(it.alert.severity), it.starts_at));
    firing
}

/// The text, cut to so many characters; the last one tells that it was cut.
fn clip(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        None => text.to_owned(),
        Some(_) => text.chars().take(chars - 1).chain(['…']).collect(),
    }
}
