//! The report as one JSON object: a contract that scripts rely on.

use super::summary::{Summary, known, top};
use crate::pipeline::{Pipeline, VERSION};
use crate::taxonomy::{Outcome, StatusLabel};
use crate::time::Timestamp;
use serde_json::{Value, json};

pub(super) fn render(summary: &Summary, pipeline: &Pipeline) -> Vec<u8> {
    let catalog = pipeline.catalog();
    let providers = catalog.providers();
    let errors: Vec<Value> = summary
        .groups()
        .into_iter()
        .map(|it| {
            let pattern = it.pattern.and_then(|id| catalog.pattern(id));
            json!({
                "provider": providers.id(it.provider),
                "status": status(it.status),
                "pattern": pattern.map(|it| &it.id),
                "category": it.category,
                "owner": it.owner,
                "retry": it.retry,
                "count": it.count,
                "share": summary.share(it),
                "first": known(it.first).map(|at| at.to_string()),
                "last": known(it.last).map(|at| at.to_string()),
                "peak_per_minute": it.peak_per_minute,
                "peak_at": known(it.first).map(|_| Timestamp::from_second(it.peak_at * 60).to_string()),
                "models": names(top(&it.models, 10)),
                "services": names(top(&it.services, 10)),
                "request_ids": it.request_ids,
                "fix": pattern.map_or(crate::pipeline::NO_PATTERN, |it| &it.fix),
                "row": it.row.and_then(|row| pipeline.row_name(row)),
                "example": it.example,
            })
        })
        .collect();
    let alerts: Vec<Value> = summary
        .alerts()
        .iter()
        .map(|it| {
            json!({
                "row": it.alert.row,
                "provider": it.alert.provider,
                "service": it.alert.service,
                "severity": it.alert.severity,
                "state": it.alert.state,
                "from": it.from.to_string(),
                "to": it.to.map(|at| at.to_string()),
                "reason": it.alert.reason,
            })
        })
        .collect();
    let windows: Vec<Value> = summary
        .snapshot
        .windows
        .iter()
        .map(|it| {
            json!({
                "provider": providers.id(it.provider),
                "status": it.status.map(status),
                "window": it.window,
                "count": if it.status.is_some() { it.errors } else { it.calls },
                "ratio": it.ratio,
            })
        })
        .collect();
    let unknown: Vec<Value> = summary
        .snapshot
        .unknown
        .iter()
        .map(|it| json!({"template": it.template, "count": it.count, "example": it.example}))
        .collect();
    let findings: Vec<Value> = summary
        .findings()
        .into_iter()
        .map(|it| {
            json!({
                "kind": it.kind,
                "provider": providers.id(it.provider),
                "service": it.service,
                "model": it.model,
                "row": it.row,
                "blame": it.blame,
                "since": it.since.to_string(),
                "last": it.last.to_string(),
                "text": it.text,
                "advice": it.advice,
            })
        })
        .collect();
    let report = json!({
        "v": VERSION,
        "input": {"bytes": summary.bytes, "lines": summary.lines},
        "records": {
            "success": summary.records[Outcome::Success as usize],
            "error": summary.records[Outcome::Error as usize],
            "other": summary.records[Outcome::Other as usize],
            "unrecognised_errors": summary.unrecognised,
        },
        "span": {"from": summary.span.map(|(from, _)| from.to_string()), "to": summary.span.map(|(_, to)| to.to_string())},
        "errors": errors,
        "alerts": alerts,
        "findings": findings,
        "windows": windows,
        "unknown": unknown,
        "skipped": summary.skipped,
    });
    let mut out = serde_json::to_vec_pretty(&report).unwrap_or_default();
    out.push(b'\n');
    out
}

fn names(top: Vec<(String, u64)>) -> Value {
    top.into_iter().map(|(name, _)| Value::String(name)).collect()
}

/// A number where it is one, as in verdicts; `none` is null.
fn status(status: StatusLabel) -> Value {
    status.0.map_or(Value::Null, |it| json!(it))
}
