//! PagerDuty Events API v2: one incident per provider, brought up to date while it lasts.

use super::{Identity, News, annotations, clip, firing};
use crate::delivery::secret::Secret;
use serde_json::{Value, json};

/// PagerDuty's limits, in characters.
const LONGEST_SUMMARY: usize = 1_024;
const LONGEST_DEDUP_KEY: usize = 255;
/// More of the other alerts would not be read on a telephone.
const MOST_OTHERS: usize = 10;

pub(super) fn body(routing_key: &Secret, news: &[News<'_>], from: &Identity) -> Value {
    let provider = news.first().map_or("", |it| it.alert.provider.as_str());
    let firing = firing(news);
    // With the instance: another host's recovery must not close this host's incident.
    let dedup_key = ["llm-triage", &from.instance, provider].join("/");
    let mut event = json!({
        "routing_key": routing_key.reveal(),
        "event_action": if firing.is_empty() { "resolve" } else { "trigger" },
        "dedup_key": clip(&dedup_key, LONGEST_DEDUP_KEY),
    });
    let Some((News { alert, starts_at, .. }, others)) = firing.split_first() else { return event };
    let more = if others.is_empty() { String::new() } else { format!(" (and {} more)", others.len()) };
    let summary = format!("{}: {}", alert.name, alert.summary);
    let mut details = json!(annotations(alert));
    if !others.is_empty() {
        let others: Vec<_> = others.iter().take(MOST_OTHERS).map(|it| clip(&it.alert.summary, 200)).collect();
        details["also_firing"] = json!(others.join("\n"));
    }
    event["client"] = "llm-triage".into();
    event["client_url"] = from.url.as_str().into();
    event["payload"] = json!({
        "summary": clip(&summary, LONGEST_SUMMARY - more.len()) + &more,
        "source": from.instance,
        "severity": alert.severity,
        "timestamp": starts_at.to_string(),
        "component": alert.provider,
        "group": alert.row,
        "class": alert.name,
        "custom_details": details,
    });
    if !alert.runbook_url.is_empty() {
        event["links"] = json!([{ "href": alert.runbook_url, "text": "Runbook" }]);
    }
    event
}
