//! PagerDuty Events API v2: one event per alert.

use super::{Identity, News, annotations, clip};
use crate::delivery::secret::Secret;
use serde_json::{Value, json};

/// PagerDuty's limits, in characters.
const LONGEST_SUMMARY: usize = 1_024;
const LONGEST_DEDUP_KEY: usize = 255;

pub(super) fn body(routing_key: &Secret, news: &[News<'_>], from: &Identity) -> Value {
    let Some(News { alert, starts_at, ended_at }) = news.first() else { return Value::Null };
    // With the instance: another host's recovery must not close this host's incident.
    let service = alert.service.as_deref().unwrap_or_default();
    let dedup_key = ["llm-triage", &from.instance, &alert.row, &alert.provider, service].join("/");
    let mut event = json!({
        "routing_key": routing_key.reveal(),
        "event_action": if ended_at.is_some() { "resolve" } else { "trigger" },
        "dedup_key": clip(dedup_key.trim_end_matches('/'), LONGEST_DEDUP_KEY),
    });
    if ended_at.is_none() {
        event["client"] = "llm-triage".into();
        event["client_url"] = from.url.as_str().into();
        event["payload"] = json!({
            "summary": clip(&format!("{}: {}", alert.name, alert.summary), LONGEST_SUMMARY),
            "source": from.instance,
            "severity": alert.severity,
            "timestamp": starts_at.to_string(),
            "component": alert.provider,
            "group": alert.row,
            "class": alert.name,
            "custom_details": annotations(alert),
        });
        if !alert.runbook_url.is_empty() {
            event["links"] = json!([{ "href": alert.runbook_url, "text": "Runbook" }]);
        }
    }
    event
}
