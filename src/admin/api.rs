//! The snapshot as JSON. Times are RFC 3339, keys are always there, null where nothing is known.

use super::state::AdminState;
use crate::alert::Alert;
use crate::metrics::{PublishedSnapshot, SourceReading};
use crate::pipeline::SourceView;
use crate::time::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What became of the bytes of a source since the process began: seen = read + skipped + lost + unread, but for what is on
/// its way at this moment.
pub(super) struct ByteAccounting {
    pub(super) seen: u64,
    pub(super) read: u64,
    pub(super) skipped: u64,
    pub(super) lost: u64,
    pub(super) unread: u64,
}

impl ByteAccounting {
    pub(super) fn of(it: &SourceView, gauge: Option<&SourceReading>) -> Self {
        let values = gauge.map(|it| it.values).unwrap_or_default();
        Self {
            seen: values.seen_bytes,
            read: it.stats.bytes,
            skipped: values.skipped_bytes,
            lost: it.stats.lost_bytes.values().sum(),
            unread: values.lag_bytes,
        }
    }
}

pub(super) fn windows(state: &AdminState) -> String {
    let PublishedSnapshot { snapshot, names } = state.metrics.published();
    let windows: Value = snapshot
        .windows
        .iter()
        .map(|it| {
            json!({
                "provider": names.provider(it.provider),
                "status": it.status.map(|it| it.to_string()),
                "window": it.window,
                "errors": it.errors,
                // A status is a kind of failure: there are no calls of it.
                "calls": it.status.is_none().then_some(it.calls),
                "ratio": it.ratio,
            })
        })
        .collect();
    json!({ "v": 1, "at": text(snapshot.at), "windows": windows }).to_string()
}

pub(super) fn alerts(state: &AdminState) -> String {
    let PublishedSnapshot { snapshot, names } = state.metrics.published();
    let alerts: Value = snapshot.alerts.iter().map(alert).collect();
    let findings: Value = snapshot
        .findings
        .iter()
        .map(|it| {
            json!({
                "kind": it.kind,
                "provider": names.provider(it.provider),
                "service": it.service,
                "model": it.model,
                "row": it.row,
                "blame": it.blame,
                "since": text(it.since),
                "last": text(it.last),
                "text": it.text,
                "advice": it.advice,
            })
        })
        .collect();
    json!({ "v": 1, "at": text(snapshot.at), "alerts": alerts, "findings": findings }).to_string()
}

pub(super) fn unknown(state: &AdminState) -> String {
    let PublishedSnapshot { snapshot, names } = state.metrics.published();
    let unknown: Value = snapshot
        .unknown
        .iter()
        .map(|it| {
            json!({
                "provider": names.provider(it.provider),
                "template": it.template,
                "count": it.count,
                "first": text(it.first),
                "last": text(it.last),
                "example": it.example,
            })
        })
        .collect();
    json!({ "v": 1, "at": text(snapshot.at), "unknown": unknown }).to_string()
}

pub(super) fn status(state: &AdminState, now: Timestamp) -> String {
    let PublishedSnapshot { snapshot, names } = state.metrics.published();
    let gauges = state.metrics.sources();
    let sources: Value = snapshot
        .sources
        .iter()
        .map(|it| {
            let gauge = gauges.iter().find(|gauge| gauge.name == it.name);
            json!({
                "name": it.name,
                "last_read": it.last_read.map(text),
                "last_event": it.last_event.map(text),
                "event_lag_s": it.event_lag_s,
                "lag_bytes": gauge.map(|it| it.values.lag_bytes),
                "files": gauge.map(|it| it.values.files),
                "polled_directories": gauge.map(|it| it.values.polled),
                "buffered_bytes": gauge.map(|it| it.values.buffered_bytes),
                "bytes": bytes(it, gauge),
                "lines": {
                    "read": it.stats.lines,
                    "in_events": it.stats.event_lines,
                    "blank": it.stats.blank_lines,
                    "discarded": it.stats.discarded_lines,
                    "open": it.stats.open_lines,
                    "partial": it.stats.partial_lines,
                },
                "events": it.stats.events,
            })
        })
        .collect();
    let receivers: Value = state.metrics.queues().iter().map(|(name, queue)| json!({ "name": name, "queue": queue })).collect();
    json!({
        "v": 1,
        "version": env!("CARGO_PKG_VERSION"),
        "instance": state.about.instance,
        "phase": state.phase(),
        "started": text(state.about.started),
        "uptime_s": now.since(state.about.started).as_secs(),
        "config": state.about.config,
        "at": text(snapshot.at),
        "patterns": names.patterns().len(),
        "rows": names.rows().len(),
        "sources": sources,
        "receivers": receivers,
    })
    .to_string()
}

/// The balance of a source: seen = read + skipped + lost + unread.
fn bytes(it: &SourceView, gauge: Option<&SourceReading>) -> Value {
    let balance = ByteAccounting::of(it, gauge);
    json!({
        "seen": balance.seen,
        "read": balance.read,
        "skipped": balance.skipped,
        "lost": balance.lost,
        "unread": balance.unread,
        "lost_by_reason": it.stats.lost_bytes.iter().map(|(reason, bytes)| (reason.as_str(), *bytes)).collect::<BTreeMap<_, _>>(),
    })
}

fn alert(it: &Alert) -> Value {
    json!({
        "alertname": it.name,
        "row": it.row,
        "provider": it.provider,
        "service": it.service,
        "severity": it.severity,
        "state": it.state,
        "since": text(it.since),
        "fired_at": it.fired_at.map(text),
        "resolved_at": it.resolved_at.map(text),
        "reason": it.reason,
        "failures": it.failures,
        "per_minute": it.per_minute,
        "share": it.share,
        "summary": it.summary,
        "description": it.description,
        "next_step": it.next_step,
        "fix": it.fix,
        "evidence": it.evidence,
        "runbook_url": it.runbook_url,
    })
}

fn text(at: Timestamp) -> String {
    at.to_string()
}
