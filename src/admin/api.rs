//! The JSON API. Times are RFC 3339; every key is always present, with null for unknown values.

use super::accounting::ByteAccounting;
use super::state::AdminState;
use crate::alert::Alert;
use crate::metrics::{Names, PublishedSnapshot, SourceReading};
use crate::pipeline::{Finding, SourceView};
use crate::time::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The version of the format.
const VERSION: u8 = 1;

pub(super) fn windows(state: &AdminState) -> String {
    let PublishedSnapshot { snapshot, names, .. } = state.metrics.published();
    let windows: Value = snapshot
        .windows
        .iter()
        .map(|view| {
            json!({
                "provider": names.provider(view.provider),
                "status": view.status.map(|status| status.to_string()),
                "window": view.window,
                "errors": view.errors,
                // Only a provider has calls; the row of a status counts failures.
                "calls": view.status.is_none().then_some(view.calls),
                "ratio": view.ratio,
            })
        })
        .collect();
    json!({ "v": VERSION, "at": rfc3339(snapshot.at), "windows": windows }).to_string()
}

pub(super) fn alerts(state: &AdminState) -> String {
    let PublishedSnapshot { snapshot, names, .. } = state.metrics.published();
    let alerts: Value = snapshot.alerts.iter().map(alert).collect();
    let findings: Value = snapshot.findings.iter().map(|found| finding(found, &names)).collect();
    json!({ "v": VERSION, "at": rfc3339(snapshot.at), "alerts": alerts, "findings": findings }).to_string()
}

pub(super) fn unknown(state: &AdminState) -> String {
    let PublishedSnapshot { snapshot, names, .. } = state.metrics.published();
    let unknown: Value = snapshot
        .unknown
        .iter()
        .map(|group| {
            json!({
                "provider": names.provider(group.provider),
                "template": group.template,
                "count": group.count,
                "first": rfc3339(group.first),
                "last": rfc3339(group.last),
                "example": group.example,
            })
        })
        .collect();
    json!({ "v": VERSION, "at": rfc3339(snapshot.at), "unknown": unknown }).to_string()
}

pub(super) fn status(state: &AdminState, now: Timestamp) -> String {
    let PublishedSnapshot { snapshot, names, .. } = state.metrics.published();
    let readings = state.metrics.sources();
    let sources = snapshot.sources.iter();
    let sources: Value = sources.map(|view| source(view, readings.iter().find(|reading| reading.name == view.name))).collect();
    let receivers: Value = state.metrics.queues().iter().map(|(name, queue)| json!({ "name": name, "queue": queue })).collect();
    json!({
        "v": VERSION,
        "version": env!("CARGO_PKG_VERSION"),
        "instance": state.about.instance,
        "phase": state.phase(),
        "started": rfc3339(state.about.started),
        "uptime_s": now.since(state.about.started).as_secs(),
        "config": state.about.config,
        "at": rfc3339(snapshot.at),
        "patterns": names.patterns().len(),
        "rows": names.rows().len(),
        "sources": sources,
        "receivers": receivers,
    })
    .to_string()
}

fn source(view: &SourceView, reading: Option<&SourceReading>) -> Value {
    let bytes = ByteAccounting::new(view, reading);
    let stats = &view.stats;
    json!({
        "name": view.name,
        "last_read": view.last_read.map(rfc3339),
        "last_event": view.last_event.map(rfc3339),
        "event_lag_s": view.event_lag_s,
        "lag_bytes": reading.map(|reading| reading.values.lag_bytes),
        "files": reading.map(|reading| reading.values.files),
        "polled_directories": reading.map(|reading| reading.values.polled),
        "buffered_bytes": reading.map(|reading| reading.values.buffered_bytes),
        "bytes": {
            "seen": bytes.seen,
            "read": bytes.read,
            "skipped": bytes.skipped,
            "lost": bytes.lost,
            "unread": bytes.unread,
            "lost_by_reason": stats.lost_bytes.iter().map(|(reason, bytes)| (reason.as_str(), *bytes)).collect::<BTreeMap<_, _>>(),
        },
        "lines": {
            "read": stats.lines,
            "in_events": stats.event_lines,
            "blank": stats.blank_lines,
            "discarded": stats.discarded_lines,
            "open": stats.open_lines,
            "partial": stats.partial_lines,
        },
        "events": stats.events,
    })
}

fn alert(alert: &Alert) -> Value {
    json!({
        "alertname": alert.name,
        "row": alert.row,
        "provider": alert.provider,
        "service": alert.service,
        "severity": alert.severity,
        "state": alert.state,
        "since": rfc3339(alert.since),
        "fired_at": alert.fired_at.map(rfc3339),
        "quiet_until": alert.quiet_until.map(rfc3339),
        "resolved_at": alert.resolved_at.map(rfc3339),
        "reason": alert.reason,
        "failures": alert.failures,
        "per_minute": alert.per_minute,
        "share": alert.share,
        "summary": alert.summary,
        "description": alert.description,
        "next_step": alert.next_step,
        "fix": alert.fix,
        "evidence": alert.evidence,
        "runbook_url": alert.runbook_url,
        "error_url": alert.error_url,
    })
}

fn finding(finding: &Finding, names: &Names) -> Value {
    json!({
        "kind": finding.kind,
        "provider": names.provider(finding.provider),
        "service": finding.service,
        "model": finding.model,
        "row": finding.row,
        "blame": finding.blame,
        "since": rfc3339(finding.since),
        "last": rfc3339(finding.last),
        "text": finding.text,
        "advice": finding.advice,
    })
}

fn rfc3339(at: Timestamp) -> String {
    at.to_string()
}
