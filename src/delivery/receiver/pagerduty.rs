//! PagerDuty, by its Events API v2: one incident per provider, updated while it lasts.

use super::check::{Check, DEFAULT_REPEAT, DEFAULT_TIMEOUT};
use super::checked::Receiver;
use super::error::ReceiverError;
use super::kind::ReceiverKind;
use crate::delivery::filter::Filter;
use crate::delivery::message::{Batch, Notification, annotations, clip, firing, pages};
use crate::delivery::secret::Secret;
use crate::delivery::span::PositiveSpan;
use crate::delivery::transport::Transport;
use crate::redact::{inert, unlinked};
use crate::taxonomy::Severity;
use crate::time::Span;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

const DEFAULT_URL: &str = "https://events.pagerduty.com/v2/enqueue";
/// PagerDuty's limits, in characters.
const MAX_SUMMARY_CHARS: usize = 1_024;
const MAX_DEDUP_KEY_CHARS: usize = 255;
/// How many of the other alerts an event lists; people read it on a telephone.
const MAX_OTHERS: usize = 10;
/// The longest summary of another alert, in characters.
const MAX_OTHER_CHARS: usize = 200;

/// A PagerDuty service, by an Events v2 integration.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PagerDutyOptions {
    /// The label `receiver`.
    pub name: Option<String>,
    /// A file with the integration's routing key, which is a secret.
    pub routing_key_file: Option<PathBuf>,
    /// Another address of the Events API, for the EU region or a relay.
    pub url: Option<String>,
    /// Alerts of a lower severity are not sent. By default only critical ones are, as a pager wakes people; with `rows`, all
    /// alerts of these rows.
    pub min_severity: Option<Severity>,
    /// Only alerts of these rows; of all rows when empty.
    pub rows: Vec<String>,
    /// How long one request may take.
    #[schemars(extend("default" = Span(DEFAULT_TIMEOUT).to_string()))]
    pub timeout: Option<PositiveSpan>,
    /// After this time a firing alert is sent again.
    #[schemars(extend("default" = Span(DEFAULT_REPEAT).to_string()))]
    pub repeat: Option<PositiveSpan>,
    /// A file with additional root certificates.
    pub ca_file: Option<PathBuf>,
}

impl PagerDutyOptions {
    pub(super) fn check(&self, check: &Check<'_>) -> Result<Receiver, ReceiverError> {
        let Self { name: _, routing_key_file, url, min_severity, rows, timeout, repeat, ca_file } = self;
        let Some(file) = routing_key_file else {
            let hint = "the routing key is a secret: write it to a file and set the path of the file here";
            return Err(check.missing("routing_key_file", hint));
        };
        let routing_key = check.secret("routing_key_file", file)?;
        let url = url.as_deref().unwrap_or(DEFAULT_URL);
        let endpoint = check.endpoint("url", url, *timeout, ca_file.as_deref())?;
        let min_severity = min_severity.or_else(|| rows.is_empty().then_some(Severity::Critical));
        let filter = Filter::new(min_severity, rows);
        Ok(check.single(PagerDuty { routing_key }, filter, *repeat, Transport::Post(endpoint)))
    }
}

#[derive(Debug)]
struct PagerDuty {
    /// Selects the service that gets the incident.
    routing_key: Secret,
}

impl ReceiverKind for PagerDuty {
    fn update_interval(&self) -> Duration {
        Duration::from_mins(5)
    }

    fn max_per_minute(&self) -> usize {
        6
    }

    fn render(&self, batch: &Batch<'_>) -> Vec<u8> {
        event(&self.routing_key, batch).to_string().into_bytes()
    }
}

fn event(routing_key: &Secret, Batch { notifications, from, .. }: &Batch<'_>) -> Value {
    let provider = notifications.first().map_or("", |notification| notification.alert.provider.as_str());
    let firing = firing(notifications);
    // The key contains the instance, so that the recovery of another host does not close the incident of this one.
    let dedup_key = ["llm-triage", &from.instance, provider].join("/");
    let mut event = json!({
        "routing_key": routing_key.reveal(),
        "event_action": if firing.is_empty() { "resolve" } else { "trigger" },
        "dedup_key": clip(&dedup_key, MAX_DEDUP_KEY_CHARS),
    });
    let Some((Notification { alert, starts_at, .. }, others)) = firing.split_first() else { return event };
    let more = if others.is_empty() { String::new() } else { format!(" (and {} more)", others.len()) };
    let summary = format!("{}: {}", alert.name, inert(&unlinked(&alert.summary)));
    let mut details = json!(annotations(alert));
    if !others.is_empty() {
        let summaries: Vec<_> = others
            .iter()
            .take(MAX_OTHERS)
            .map(|other| clip(&inert(&unlinked(&other.alert.summary)), MAX_OTHER_CHARS))
            .collect();
        details["also_firing"] = json!(summaries.join("\n"));
    }
    event["client"] = "llm-triage".into();
    event["client_url"] = from.url.as_str().into();
    event["payload"] = json!({
        "summary": clip(&summary, MAX_SUMMARY_CHARS - more.len()) + &more,
        "source": from.instance,
        "severity": alert.severity,
        "timestamp": starts_at.to_string(),
        "component": alert.provider,
        "group": alert.row,
        "class": alert.name,
        "custom_details": details,
    });
    let pages: Vec<_> = pages(alert).map(|(name, url)| json!({ "href": url, "text": name })).collect();
    if !pages.is_empty() {
        event["links"] = pages.into();
    }
    event
}
