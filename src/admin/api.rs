//! The snapshot as JSON. Times are RFC 3339, keys are always there, null where nothing is known.

use super::state::AdminState;
use crate::alert::Alert;
use crate::metrics::Present;
use crate::time::Timestamp;
use serde_json::{Value, json};

pub(super) fn windows(state: &AdminState) -> String {
    let Present { snapshot, names } = state.metrics.present();
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
    let Present { snapshot, names } = state.metrics.present();
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
    let Present { snapshot, names } = state.metrics.present();
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
    let Present { snapshot, names } = state.metrics.present();
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
                "lag_bytes": gauge.map(|it| it.lag_bytes),
                "files": gauge.map(|it| it.files),
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
