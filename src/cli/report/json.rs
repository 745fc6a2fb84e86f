//! The report as one JSON object: a contract that scripts rely on.

use super::summary::{AlertSpan, Group, Summary, known, top};
use crate::pipeline::{Finding, Pipeline, UnreadView, VERSION, WindowView};
use crate::taxonomy::{Outcome, Providers, StatusLabel};
use crate::time::Timestamp;
use serde_json::{Value, json};

pub(super) fn render(summary: &Summary, pipeline: &Pipeline) -> Vec<u8> {
    let providers = pipeline.catalog().providers();
    let snapshot = &summary.snapshot;
    let unknown = snapshot.unknown.iter();
    let report = json!({
        "v": VERSION,
        "input": {"bytes": summary.bytes, "lines": summary.lines},
        "interrupted": summary.interrupted.is_some(),
        "records": {
            "success": summary.good_calls(),
            "error": summary.failed_calls(),
            "other": summary.records[Outcome::Other as usize],
            "unrecognised_errors": summary.unrecognised,
        },
        "span": {"from": summary.span.map(|(from, _)| from.to_string()), "to": summary.span.map(|(_, to)| to.to_string())},
        "errors": summary.groups().into_iter().map(|group| error(group, summary, pipeline)).collect::<Value>(),
        "alerts": summary.alerts(pipeline).map(alert).collect::<Value>(),
        "answers": summary.answers.json(providers),
        "findings": summary.findings().into_iter().map(|found| finding(found, providers)).collect::<Value>(),
        "windows": snapshot.windows.iter().map(|view| window(view, providers)).collect::<Value>(),
        "unknown": unknown
            .map(|group| json!({"template": group.template, "count": group.count, "example": group.example}))
            .collect::<Value>(),
        "unread": {
            "count": snapshot.unread_records,
            "share": summary.unread_share(),
            "examples": snapshot.unread.iter().map(|group| unread(group, summary)).collect::<Value>(),
        },
        "skipped": summary.skipped,
    });
    let mut out = serde_json::to_vec_pretty(&report).unwrap_or_default();
    out.push(b'\n');
    out
}

fn error(group: &Group, summary: &Summary, pipeline: &Pipeline) -> Value {
    let catalog = pipeline.catalog();
    let pattern = group.pattern.and_then(|id| catalog.pattern(id));
    json!({
        "provider": catalog.providers().id(group.provider),
        "status": status(group.status),
        "pattern": pattern.map(|pattern| &pattern.id),
        "category": group.category,
        "owner": group.owner,
        "retry": group.retry,
        "count": group.count,
        "share": summary.share(group),
        "first": known(group.first).map(|at| at.to_string()),
        "last": known(group.last).map(|at| at.to_string()),
        "peak_per_minute": group.peak_per_minute,
        "peak_at": known(group.first).map(|_| Timestamp::from_second(group.peak_at * 60).to_string()),
        "models": names(top(&group.models, 10)),
        "services": names(top(&group.services, 10)),
        "request_ids": group.request_ids,
        "fix": pattern.map_or(crate::pipeline::NO_PATTERN, |pattern| &pattern.fix),
        "row": group.row.and_then(|row| pipeline.row_name(row)),
        "example": group.example,
        "at": summary.place(group),
    })
}

fn unread(group: &UnreadView, summary: &Summary) -> Value {
    json!({"count": group.count, "example": group.example, "at": summary.place_of(group.place)})
}

fn alert(span: &AlertSpan) -> Value {
    let alert = &span.alert;
    json!({
        "row": alert.row,
        "provider": alert.provider,
        "service": alert.service,
        "severity": alert.severity,
        "state": alert.state,
        "from": span.from.to_string(),
        "to": span.to.map(|at| at.to_string()),
        "reason": alert.reason,
    })
}

fn finding(finding: &Finding, providers: &Providers) -> Value {
    json!({
        "kind": finding.kind,
        "provider": providers.id(finding.provider),
        "service": finding.service,
        "model": finding.model,
        "row": finding.row,
        "blame": finding.blame,
        "owner": finding.blame.owner(),
        "from": finding.since.to_string(),
        "to": finding.last.to_string(),
        "since": finding.since.to_string(),
        "last": finding.last.to_string(),
        "text": finding.text,
        "advice": finding.advice,
    })
}

fn window(view: &WindowView, providers: &Providers) -> Value {
    json!({
        "provider": providers.id(view.provider),
        "status": view.status.map(status),
        "window": view.window,
        "count": if view.status.is_some() { view.errors } else { view.calls },
        "ratio": view.ratio,
    })
}

fn names(names: Vec<(String, u64)>) -> Value {
    names.into_iter().map(|(name, _)| Value::String(name)).collect()
}

/// A number if the status is one, as in verdicts; null for `none`.
fn status(label: StatusLabel) -> Value {
    label.0.map_or(Value::Null, |status| json!(status))
}
